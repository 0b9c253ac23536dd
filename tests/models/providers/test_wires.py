"""What each wire format is told about images, about the tool to call, and about what to keep; and
that a longer conversation starts with the bytes of the shorter one."""

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.errors import ModelRejected
from shared.events import Json
from shared.memory.conversations.turns import Turn
from shared.models import ChatMessage, Image, ModelRequest, Provider, ToolCall, ToolSpec
from shared.models.answers.repair import repair
from shared.models.providers.prefix_cache import worth_caching
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.conftest import NAMES
from tests.models.scripted_server import Fails, ScriptedServer

PIXEL = "iVBORw0KGgo="
PICTURE = ChatMessage("user", "What is this?", images=(Image("image/png", PIXEL),))
LOOK = ToolSpec("look", "Look at it.", {"type": "object", "properties": {"z": {}, "a": {}}})
SEEK = ToolSpec("seek", "Seek it.", {"type": "object", "properties": {}})
ASK = ModelRequest((ChatMessage("user", "How?"),), "Be brief.", (LOOK, SEEK), max_tokens=50)

LONG = "Answer as the handbook says. " * 1000
MARKS = {"anthropic": '"cache_control": {"type": "ephemeral"}', "bedrock": '"cachePoint"'}
#: Models whose floor is low enough for LONG.
KEEPING = ["anthropic:claude-sonnet-4-5", "bedrock:eu.anthropic.claude-sonnet-4-5-v1:0"]


def _kind(provider: Provider) -> str:
    return provider.name.partition(":")[0]


def _marks(body: Json) -> int:
    return sum(json.dumps(body).count(mark) for mark in MARKS.values())


def _unmarked(value: Any) -> Any:
    """Return a body without its marks, which move and are no part of what a provider compares."""
    if isinstance(value, dict):
        return {key: _unmarked(part) for key, part in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [_unmarked(part) for part in value if part != {"cachePoint": {"type": "default"}}]
    return value


def test_images_come_before_the_text(wire: Provider, server: ScriptedServer) -> None:
    wire.reply(ModelRequest((PICTURE,)), 5)
    (turn,) = server.seen[0].body["messages"]
    image = {
        "openai": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        "anthropic": {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
        },
        "bedrock": {"image": {"format": "png", "source": {"bytes": PIXEL}}},
    }
    assert turn["content"][0] == image[_kind(wire)]
    assert turn["content"][1]["text"] == "What is this?"


def test_an_image_needs_no_text(wire: Provider, server: ScriptedServer) -> None:
    wire.reply(ModelRequest((replace(PICTURE, text=""),)), 5)
    (turn,) = server.seen[0].body["messages"]
    assert len(turn["content"]) == 1


def test_an_image_that_is_no_base64_is_rejected(settings: Settings) -> None:
    broken = ChatMessage("user", images=(Image("image/png", "no!"),))
    with pytest.raises(ModelRejected, match="image/png"):
        Models(settings).provider(NAMES["bedrock"]).reply(ModelRequest((broken,)), 5)


def _choice(body: Json) -> Any:
    return body.get("tool_choice", body.get("toolConfig", {}).get("toolChoice"))


@pytest.mark.parametrize("choice", ["", "any", "seek"])
def test_the_tool_to_call_can_be_chosen(
    wire: Provider, server: ScriptedServer, choice: str
) -> None:
    wire.reply(replace(ASK, tool_choice=choice), 5)
    expected: dict[str, dict[str, Any]] = {
        "openai": {"any": "required", "seek": {"type": "function", "function": {"name": "seek"}}},
        "anthropic": {"any": {"type": "any"}, "seek": {"type": "tool", "name": "seek"}},
        "bedrock": {"any": {"any": {}}, "seek": {"tool": {"name": "seek"}}},
    }
    assert _choice(server.seen[0].body) == expected[_kind(wire)].get(choice)


def test_without_tools_there_is_no_choice(wire: Provider, server: ScriptedServer) -> None:
    wire.reply(replace(ASK, tools=(), tool_choice="any"), 5)
    assert _choice(server.seen[0].body) is None


def test_a_missing_tool_is_not_taken_for_a_server_that_cannot_force(
    wire: Provider, server: ScriptedServer
) -> None:
    server.says(Fails(400, message="'seek' was not found", code="tool_choice"))
    with pytest.raises(ModelRejected):
        wire.reply(replace(ASK, tool_choice="seek"), 5)
    assert len(server.seen) == 1


def test_a_model_that_must_call_a_tool_cannot_answer_by_another(
    wire: Provider, server: ScriptedServer
) -> None:
    schema = {"type": "object"}
    wire.reply(replace(ASK, tool_choice="seek", schema=schema), 5)
    body = server.seen[0].body
    assert "seek" in json.dumps(_choice(body))
    assert "give_answer" not in json.dumps(body)


def test_a_choice_that_is_refused_is_left_out_from_then_on(
    wire: Provider, server: ScriptedServer
) -> None:
    said = "tool_choice is not supported: this model does not support toolChoice"
    server.says(Fails(400, message=said))
    for _ in range(2):
        wire.reply(replace(ASK, tool_choice="any"), 5)
    assert [bool(_choice(seen.body)) for seen in server.seen] == [True, False, False]


def _conversation(arguments: Json) -> tuple[ChatMessage, ...]:
    call = ToolCall("c1", "look", arguments)
    return (
        ChatMessage("user", "Grüße 🙂 " + LONG),
        ChatMessage("assistant", "Let me see.", (call,)),
        ChatMessage("tool", "seen " * 100, call_id="c1"),
        ChatMessage("assistant", "It is there."),
        ChatMessage("user", "And now?"),
    )


@pytest.mark.parametrize("name", [NAMES["openai"], *KEEPING])
@pytest.mark.parametrize("turns", [1, 3])
def test_a_longer_conversation_starts_with_the_bytes_of_the_shorter_one(
    settings: Settings, server: ScriptedServer, name: str, turns: int
) -> None:
    # As a database may return them: the keys in another order.
    before = _conversation({"b": {"y": 1, "x": [{"n": 1, "m": 2}]}, "a": 2})
    after = _conversation({"a": 2, "b": {"x": [{"m": 2, "n": 1}], "y": 1}})
    request = replace(ASK, system="Be brief. " + LONG, tool_choice="")
    model = Models(settings).provider(name)
    model.reply(replace(request, messages=before[:turns]), 5)
    model.reply(replace(request, messages=after[: turns + 2]), 5)
    short, long = (json.dumps(_unmarked(seen.body)) for seen in server.seen)
    assert list(server.seen[0].body)[-1] == "messages", "what varies comes last"
    assert short.endswith("]}")
    assert long.startswith(short.removesuffix("]}"))


@pytest.mark.parametrize("name", KEEPING)
def test_what_was_kept_is_marked_again_where_it_ended(
    settings: Settings, server: ScriptedServer, name: str
) -> None:
    model = Models(settings).provider(name)
    turns = _conversation({})
    for end in (1, 3, 5):
        model.reply(replace(ASK, messages=turns[:end], system=LONG), 5)
    marked = [_marks(seen.body) for seen in server.seen]
    assert marked == [2, 3, 3], "behind the system's part and the user's last two turns"
    assert [[_marks(turn) for turn in seen.body["messages"]] for seen in server.seen] == [
        [1],
        [1, 0, 1],
        [0, 0, 1, 0, 1],
    ]
    assert all(_marks({"system": seen.body["system"]}) == 1 for seen in server.seen)


def _chat(*turns: str, question: str) -> tuple[ChatMessage, ...]:
    """Earlier turns as data and the question with what is recalled for it, as chat sends them."""
    said = [Turn("user", "ada", turn, "inside").block for turn in turns]
    return repair([ChatMessage("user", text) for text in (*said, f"Recalled: {question}")])


@pytest.mark.parametrize("name", [*KEEPING, NAMES["openai"]])
def test_earlier_turns_as_data_are_kept_for_the_next_request(
    settings: Settings, server: ScriptedServer, name: str
) -> None:
    model = Models(settings).provider(name)
    turns = [f"Message {number}" for number in range(7)]
    for end in (5, 7):
        messages = _chat(*turns[:end], question=f"Question {end}")
        model.reply(ModelRequest(messages, LONG), 5)
    first, second = (json.dumps(_unmarked(seen.body["messages"])) for seen in server.seen)
    before_question = first[: first.index("Message 4") + len("Message 4")]
    assert second.startswith(before_question)
    if name in KEEPING:
        blocks = [seen.body["messages"][-1]["content"] for seen in server.seen]
        assert [len(_unmarked(content)) for content in blocks] == [6, 8]
        for content, last in zip(blocks, ("Message 4", "Message 6"), strict=True):
            written = json.dumps(content)
            assert _marks({"content": content}) == 2, "where the turns end, and the question"
            mark = min(written.index(m) for m in MARKS.values() if m in written)
            assert written.index(last) < mark < written.index("Recalled")


@pytest.mark.parametrize("name", KEEPING)
def test_a_single_question_keeps_its_head_only(
    settings: Settings, server: ScriptedServer, name: str
) -> None:
    model = Models(settings).provider(name)
    model.reply(ModelRequest((ChatMessage("user", LONG),), LONG), 5)
    model.reply(ModelRequest((ChatMessage("user", LONG),), "Be brief."), 5)
    assert [_marks(seen.body) for seen in server.seen] == [1, 0]


def test_a_blank_system_part_is_nothing_to_keep(wire: Provider, server: ScriptedServer) -> None:
    wire.reply(ModelRequest((ChatMessage("user", "How?"),), " " * 20_000), 5)
    assert _marks(server.seen[0].body) == 0


@pytest.mark.parametrize("name", KEEPING)
def test_tools_without_a_system_part_are_kept(
    settings: Settings, server: ScriptedServer, name: str
) -> None:
    tools = (SEEK, replace(LOOK, description=LONG))
    Models(settings).provider(name).reply(replace(ASK, system="", tools=tools), 5)
    body = server.seen[0].body
    tools_sent = body.get("tools") or body["toolConfig"]["tools"]
    assert _marks(tools_sent[-1]) == 1
    assert _marks(body) == 2, "the tools and the turn behind them"


@pytest.mark.parametrize(
    "name", [*KEEPING, "anthropic:claude-haiku-4-5", "bedrock:us.amazon.nova-lite-v1:0"]
)
def test_what_is_too_small_to_be_kept_is_not_marked(
    settings: Settings, server: ScriptedServer, name: str
) -> None:
    Models(settings).provider(name).reply(replace(ASK, messages=_conversation({})[1:]), 5)
    assert _marks(server.seen[0].body) == 0


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-haiku-4-5-20251001", 4096),
        ("eu.anthropic.claude-opus-4-6-v1", 4096),
        ("claude-opus-4-7", 2048),
        ("claude-opus-4-8", 1024),
        ("claude-sonnet-4-6", 1024),
        ("claude-opus-5", 512),
        ("amazon.nova-pro-v1:0", 1000),
        ("unheard-of", 512),
    ],
)
def test_each_model_has_its_floor(model: str, tokens: int) -> None:
    assert not worth_caching(model, ModelRequest((), "x" * (3 * tokens - 1))).head
    assert worth_caching(model, ModelRequest((), "x" * 3 * tokens)).head


def test_a_model_that_is_not_known_to_keep_is_not_asked_to(
    settings: Settings, server: ScriptedServer
) -> None:
    request = replace(ASK, system=LONG)
    for name in ("bedrock:us.meta.llama4-scout-v1:0", NAMES["openai"]):
        Models(settings).provider(name).reply(request, 5)
    assert [_marks(seen.body) for seen in server.seen] == [0, 0]


ARN = "arn:aws:bedrock:us-east-1:123456789012:"
PROFILES = [
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "global.amazon.nova-2-lite-v1:0",
    f"{ARN}inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    f"{ARN}foundation-model/amazon.nova-pro-v1:0",
    f"{ARN}application-inference-profile/a1b2c3d4e5f6",
    f"{ARN}provisioned-model/abc123def456",
]


@pytest.mark.parametrize("id", PROFILES)
def test_an_inference_profile_keeps_what_its_model_does(
    settings: Settings, server: ScriptedServer, id: str
) -> None:
    Models(settings).provider(f"bedrock:{id}").reply(replace(ASK, system=LONG), 5)
    assert _marks(server.seen[0].body["system"]) == 1


def test_a_profile_whose_model_keeps_nothing_is_asked_no_more(
    settings: Settings, server: ScriptedServer
) -> None:
    said = "extraneous key [cachePoint] is not permitted"
    server.says(Fails(400, message=f"Malformed input request: #/system/1: {said}"))
    model = Models(settings).provider(f"bedrock:{PROFILES[-2]}")
    for _ in range(2):
        model.reply(replace(ASK, system=LONG), 5)
    assert [_marks(seen.body["system"]) for seen in server.seen] == [1, 0, 0]


def test_a_profile_of_a_model_that_keeps_nothing_is_not_asked_to(
    settings: Settings, server: ScriptedServer
) -> None:
    name = f"bedrock:{ARN}inference-profile/us.meta.llama4-scout-v1:0"
    Models(settings).provider(name).reply(replace(ASK, system=LONG), 5)
    assert _marks(server.seen[0].body) == 0


def test_nova_keeps_no_tools_on_their_own(settings: Settings, server: ScriptedServer) -> None:
    request = replace(ASK, system="", tools=(replace(LOOK, description=LONG),))
    Models(settings).provider("bedrock:us.amazon.nova-lite-v1:0").reply(request, 5)
    assert _marks(server.seen[0].body["toolConfig"]) == 0


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        (KEEPING[0], Fails(400, message="system.0.cache_control: Extra inputs are not permitted")),
        (KEEPING[1], Fails(400, message="system.0.cache_control: Extra inputs are not permitted")),
        (KEEPING[1], Fails(403, message="your request did not allow prompt caching")),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_marks_that_are_refused_are_left_out_from_then_on(
    settings: Settings, server: ScriptedServer, name: str, refusal: Fails, stream: bool
) -> None:
    server.says(refusal)
    model, request = Models(settings).provider(name), replace(ASK, system=LONG)
    for _ in range(2):
        list(model.stream(request, 5)) if stream else model.reply(request, 5)
    assert [bool(_marks(seen.body)) for seen in server.seen] == [True, False, False]


def test_a_model_may_keep_the_head_and_no_turns(settings: Settings, server: ScriptedServer) -> None:
    said = "#/messages/0/content/1: extraneous key [cachePoint] is not permitted"
    server.says(Fails(400, message=f"Malformed input request: {said}, please reformat"))
    model = Models(settings).provider("bedrock:us.amazon.nova-lite-v1:0")
    for _ in range(2):
        model.reply(replace(ASK, system=LONG), 5)
    assert [_marks(seen.body) for seen in server.seen] == [2, 1, 1]
