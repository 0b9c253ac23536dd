"""The model layer against a real inference server: each answer, however odd, has a defined end."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import pytest
from hypothesis import HealthCheck, given, settings

from shared.errors import AnswerInvalid, ModelError, ModelRejected, ModelUnavailable, SettingsError
from shared.models import (
    ChatMessage,
    EmbeddingProvider,
    Image,
    ModelReply,
    ModelRequest,
    Provider,
    ToolSpec,
)
from shared.models.answers import typed
from shared.models.answers.next_turn import next_turn
from shared.models.answers.repair import repair
from shared.models.answers.tool_calls import judged
from shared.models.answers.typed import Between
from shared.models.routing import Models
from shared.settings import Settings
from tests.campaigns import examples
from tests.models.answers.test_repair import HISTORIES
from tests.models.conftest import KEY

#: Far more than an answer takes: it bounds a server that hangs.
PATIENCE = 60.0
ASK = ModelRequest((ChatMessage("user", "How do I reset it?"),), system="Be brief.", max_tokens=40)
WEATHER = ToolSpec(
    "get_weather",
    "Return the weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)
COUNT = ToolSpec(
    "count",
    "Count to a number.",
    {"type": "object", "properties": {"to": {"type": "integer", "maximum": 9}}, "required": ["to"]},
)


TOOLS = replace(ASK, tools=(WEATHER, COUNT), max_tokens=60)


def varied(request: ModelRequest, number: int) -> ModelRequest:
    """Return `request` with another text for each number, which leads to another random answer."""
    return replace(request, messages=(ChatMessage("user", f"Question {number}"),), temperature=1.0)


@pytest.fixture
def ask(models: Models) -> Callable[[ModelRequest], ModelReply]:
    """Asks as a flow does: failures are retried."""
    return lambda request: models.reply("openai:tiny", request, timeout=PATIENCE)


def streamed(provider: Provider, request: ModelRequest) -> tuple[str, ModelReply]:
    """Return the pieces and the reply. A server may close an idle connection just when it is used
    again; it is asked once more then, which is else the work of the layer above."""
    try:
        *pieces, last = provider.stream(request, PATIENCE)
    except ModelUnavailable as err:
        if "the connection broke" not in str(err):
            raise
        *pieces, last = provider.stream(request, PATIENCE)
    assert last.reply is not None, "the reply comes last"
    assert not any(piece.reply for piece in pieces), "and once"
    return "".join(piece.text for piece in pieces), last.reply


def test_a_reply_counts_its_tokens_and_names_its_model(tiny: Provider) -> None:
    reply = tiny.reply(ASK, PATIENCE)
    assert reply.text
    assert reply.model == "openai:tiny"
    assert reply.usage.input > 20
    assert reply.cost is None, "nobody knows the price of a local model"


def test_an_answer_has_at_most_the_tokens_it_may_have(tiny: Provider) -> None:
    replies = [tiny.reply(varied(replace(ASK, max_tokens=7), n), PATIENCE) for n in range(10)]
    assert all(reply.usage.output <= 7 for reply in replies)
    assert all(reply.usage.output == 7 for reply in replies if reply.finish == "length")
    assert any(reply.finish == "length" for reply in replies)


@pytest.mark.parametrize("number", range(5))
def test_a_stream_is_its_reply(tiny: Provider, number: int) -> None:
    text, reply = streamed(tiny, varied(ASK, number))
    assert text == reply.text
    assert reply.usage.input > 0
    assert 0 < reply.usage.output <= 40


@pytest.mark.parametrize("stream", [False, True])
def test_each_call_of_a_tool_is_fine_or_told_why_not(tiny: Provider, stream: bool) -> None:
    ends: Counter[str] = Counter()
    for number in range(10):
        request = varied(replace(TOOLS, max_tokens=200), number)
        try:
            reply = streamed(tiny, request)[1] if stream else tiny.reply(request, PATIENCE)
        except ModelUnavailable:
            ends["the server failed"] += 1
            continue
        ends["said nothing of tools"] += not reply.calls
        for verdict in judged(request, reply):
            ends["told why not" if verdict.error else "fine"] += 1
            assert verdict.call.id
            assert not (verdict.call.malformed and not verdict.error)
    assert ends["fine"], ends


def test_a_conversation_goes_on_after_calls_and_their_errors(
    ask: Callable[[ModelRequest], ModelReply],
) -> None:
    messages: tuple[ChatMessage, ...] = ()
    rounds = 0
    for number in range(5):
        messages = (*messages, ChatMessage("user", f"Question {number}"))
        request = replace(TOOLS, messages=messages, temperature=1.0)
        try:
            answer = next_turn(ask, request)
        except (AnswerInvalid, ModelUnavailable):
            continue
        rounds += bool(answer.calls)
        results = [
            ChatMessage("tool", verdict.error or "It is 9.", call_id=verdict.call.id)
            for verdict in judged(request, answer)
        ]
        messages = (*messages, ChatMessage("assistant", answer.text, answer.calls), *results)
    assert rounds, "it called a tool and was asked again with the result"


@pytest.mark.parametrize("choice", ["any", "count"])
def test_a_tool_that_must_be_called_is_called_or_the_answer_is_invalid(
    ask: Callable[[ModelRequest], ModelReply], choice: str
) -> None:
    ends: Counter[str] = Counter()
    for number in range(5):
        try:
            answer = next_turn(ask, varied(replace(TOOLS, tool_choice=choice), number))
        except AnswerInvalid as err:
            ends["invalid"] += 1
            assert "did not call" in str(err)
            assert err.output_tokens > 0, "what was paid is known"
            continue
        called = {call.name for call in answer.calls}
        assert called if choice == "any" else "count" in called
        ends["called"] += 1
    assert ends.total() == 5


@dataclass
class Verdict:
    kind: Literal["bug", "question"]
    sure: Annotated[float, Between(0, 1)]
    stars: Annotated[int, Between(1, 5)]
    note: str


@dataclass
class Kind:
    kind: Literal["bug", "question"]


def test_a_typed_answer_is_within_its_bounds_or_invalid(
    ask: Callable[[ModelRequest], ModelReply],
) -> None:
    ends: Counter[str] = Counter()
    for number in range(30):
        try:
            verdict, reply = typed.ask(ask, varied(ASK, number), Verdict)
        except AnswerInvalid as err:
            ends["invalid"] += 1
            assert (err.model, err.cost) == ("openai:tiny", None)
            assert err.output_tokens > 0
            continue
        ends["valid"] += 1
        assert verdict.kind in {"bug", "question"}
        assert 0 <= verdict.sure <= 1
        assert 1 <= verdict.stars <= 5
        assert reply.usage.output > 0
    assert ends.total() == 30


def test_a_grammar_makes_valid_answers_of_random_ones(
    ask: Callable[[ModelRequest], ModelReply],
) -> None:
    for number in range(8):
        answer, _ = typed.ask(ask, varied(ASK, number), Kind)
        assert answer.kind in {"bug", "question"}


@settings(examples(20), suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES)
def test_a_repaired_history_is_never_refused(tiny: Provider, history: list[ChatMessage]) -> None:
    messages = tuple(replace(next_turn, images=()) for next_turn in history)
    tiny.reply(ModelRequest(repair(messages), tools=(WEATHER,), max_tokens=2), PATIENCE)


def test_an_image_is_rejected_by_a_model_that_sees_nothing(tiny: Provider) -> None:
    shown = ChatMessage("user", "What is this?", images=(Image("image/png", "iVBORw0KGgo="),))
    with pytest.raises(ModelRejected, match="takes no images; take it out of MODEL_SEES"):
        tiny.reply(replace(ASK, messages=(shown,)), PATIENCE)


def test_what_exceeds_the_context_is_rejected(tiny: Provider) -> None:
    with pytest.raises(ModelRejected, match="refused the request"):
        tiny.reply(replace(ASK, messages=(ChatMessage("user", "word " * 5000),)), PATIENCE)


def test_a_wrong_key_names_its_setting(chat_url: str) -> None:
    wrong = Models(Settings(openai_base_url=chat_url, openai_api_key="wrong"))
    with pytest.raises(ModelRejected, match="OPENAI_API_KEY"):
        wrong.provider("openai:tiny").reply(ASK, PATIENCE)


def test_a_wrong_address_names_its_setting(chat_url: str) -> None:
    wrong = Models(Settings(openai_base_url=f"{chat_url}/more", openai_api_key=KEY))
    with pytest.raises(ModelRejected, match="OPENAI_BASE_URL"):
        wrong.provider("openai:tiny").reply(ASK, PATIENCE)


def test_a_server_of_one_model_answers_to_any_name(models: Models) -> None:
    assert models.provider("openai:nobody").reply(ASK, PATIENCE).model == "openai:nobody"


def embedding(url: str, name: str = "openai:tiny@64") -> EmbeddingProvider:
    settings = Settings(openai_base_url=url, openai_api_key=KEY, model_embed=name)
    return Models(settings, sleep=lambda seconds: None).embedder()


def test_embeddings_are_unit_vectors_in_the_order_of_the_texts(embeddings_url: str) -> None:
    embedder = embedding(embeddings_url)
    texts = ["one", "another", "something else", ""]
    vectors = embedder.embed(texts)
    assert all(math.isclose(math.hypot(*vector), 1) for vector in vectors)
    # A text's vector depends a little on what else is in its batch.
    for number, vector in enumerate(vectors):
        [alone] = embedder.embed([texts[number]])
        assert min(vectors, key=lambda v: math.dist(v, alone)) == vector


def test_dimensions_that_nobody_has_said_are_found_out(embeddings_url: str) -> None:
    embedder = embedding(embeddings_url, "openai:tiny")
    assert embedder.dimensions == 64
    assert len(embedder.embed(["one"], "query")[0]) == 64


def test_a_text_longer_than_the_window_is_cut_until_it_is_taken(embeddings_url: str) -> None:
    long, short = embedding(embeddings_url).embed(["word " * 20_000, "one"])
    assert math.isclose(math.hypot(*long), 1)
    assert short == pytest.approx(embedding(embeddings_url).embed(["one"])[0], abs=1e-2)


def test_embeddings_of_other_dimensions_name_the_right_ones(embeddings_url: str) -> None:
    with pytest.raises(SettingsError, match="write MODEL_EMBED=openai:tiny@64"):
        embedding(embeddings_url, "openai:tiny@128").embed(["one"])


def test_a_server_without_embeddings_says_so(chat_url: str) -> None:
    with pytest.raises(ModelError, match="openai:tiny"):
        embedding(chat_url).embed(["one"])
