"""What every embedder behind an API promises, whatever it speaks, and what each wire looks like."""

import json
import math
import threading

import pytest

from shared.database import Database, Statement
from shared.errors import ModelRejected, ModelUnavailable, SettingsError
from shared.models import EmbeddingProvider
from shared.models.guards.guarded_embedding import portioned
from shared.models.providers.embedding_wire import Portion
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.scripted_server import Fails, Says, ScriptedServer, Sends

TITAN = "bedrock:amazon.titan-embed-text-v2:0"
COHERE_3 = "bedrock:cohere.embed-multilingual-v3"
COHERE_4 = "bedrock:us.cohere.embed-v4:0@512"
OPENAI = "openai:text-embedding-3-small@256"
PORTIONS = {TITAN: 1, COHERE_3: 96, COHERE_4: 96, OPENAI: 64}
DIMENSIONS = {TITAN: 1024, COHERE_3: 1024, COHERE_4: 512, OPENAI: 256}


def built(settings: Settings, name: str, **changes: str) -> EmbeddingProvider:
    settings = settings._replace(model_embed=name, **changes)
    return Models(settings, sleep=lambda _: None).embedder()


@pytest.fixture(params=PORTIONS)
def embedder(request: pytest.FixtureRequest, settings: Settings) -> EmbeddingProvider:
    return built(settings, request.param)


def length(row: list[float]) -> int:
    """How long the text was that the scripted server answers with `row`."""
    return round(row[0] / row[1])


# The contract


def test_vectors_have_length_one_and_the_order_of_the_texts(
    embedder: EmbeddingProvider, server: ScriptedServer
) -> None:
    texts = ["x" * (1 + number % 50) for number in range(200)]
    vectors = embedder.embed(texts)
    assert [length(row) for row in vectors] == [len(text) for text in texts]
    assert embedder.dimensions == DIMENSIONS[embedder.name]
    assert {len(row) for row in vectors} == {embedder.dimensions}
    assert all(math.isclose(math.hypot(*row), 1) for row in vectors)
    assert len(server.seen) == math.ceil(200 / PORTIONS[embedder.name])


def test_no_texts_make_no_call(embedder: EmbeddingProvider, server: ScriptedServer) -> None:
    assert embedder.embed([]) == []
    assert server.seen == []


def test_an_empty_text_has_a_vector(embedder: EmbeddingProvider) -> None:
    assert [length(row) for row in embedder.embed(["", " \n", "two"])] == [1, 1, 3]


def test_a_megabyte_is_cut_to_the_window(
    embedder: EmbeddingProvider, server: ScriptedServer
) -> None:
    [row] = embedder.embed(["x" * 1_000_000])
    assert 2000 < length(row) <= 50_000


def test_half_a_surrogate_pair_does_no_harm(embedder: EmbeddingProvider) -> None:
    assert len(embedder.embed(["\ud800 half"])) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(
    embedder: EmbeddingProvider, server: ScriptedServer, status: int
) -> None:
    server.says(Fails(status), Fails(status))
    assert len(embedder.embed(["a"])) == 1
    assert len(server.seen) == 3


def test_what_does_not_pass_is_unavailable(
    embedder: EmbeddingProvider, server: ScriptedServer
) -> None:
    server.says(*[Fails(500)] * 5)
    with pytest.raises(ModelUnavailable, match=embedder.name.partition("@")[0]):
        embedder.embed(["a"])


def test_five_failures_in_a_row_open_the_breaker(
    embedder: EmbeddingProvider, server: ScriptedServer
) -> None:
    server.says(*[Fails(500)] * 5)
    with pytest.raises(ModelUnavailable):
        embedder.embed(["a"])
    with pytest.raises(ModelUnavailable, match="not called"):
        embedder.embed(["a"])
    assert len(server.seen) == 5


def test_a_refusal_is_not_tried_again(embedder: EmbeddingProvider, server: ScriptedServer) -> None:
    server.says(Fails(403))
    with pytest.raises(ModelRejected):
        embedder.embed(["a"])
    assert len(server.seen) == 1


def test_a_long_text_is_shortened_until_it_is_taken_and_the_others_stay_whole(
    embedder: EmbeddingProvider, server: ScriptedServer
) -> None:
    texts = ["short", "y" * 30, "z", "x" * 2000]
    if PORTIONS[embedder.name] == 1:
        texts = texts[3:]
    else:  # all, the second half, and "z" is taken
        server.says(*[Fails(400, message="maximum context length")] * 1, Says())
        server.says(*[Fails(400, message="maximum context length")] * 1, Says())
    server.says(*[Fails(400, message="maximum context length")] * 2)
    found = [length(row) for row in embedder.embed(texts)]
    assert found == ([500] if len(texts) == 1 else [5, 30, 1, 500])


def test_what_is_refused_for_another_reason_ends(
    embedder: EmbeddingProvider, server: ScriptedServer
) -> None:
    server.says(*[Fails(400, message="no")] * 100)
    with pytest.raises(ModelRejected):
        embedder.embed(["x" * 2000] * 3)
    assert len(server.seen) < 30


def test_garbage_is_unavailable(embedder: EmbeddingProvider, server: ScriptedServer) -> None:
    for body in (b"", b"[]", b"{}", b'{"data": [1]}', b'{"embeddings": 3, "embedding": "x"}'):
        server.script.clear()
        server.says(*[Sends(body)] * 5)
        with pytest.raises(ModelUnavailable, match=embedder.name.partition("@")[0]):
            built_again(embedder, server).embed(["a"])


def built_again(embedder: EmbeddingProvider, server: ScriptedServer) -> EmbeddingProvider:
    settings = Settings(openai_base_url=f"{server.url}/v1", openai_api_key="k")
    return built(settings, embedder.name)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "0.0"])
def test_a_vector_without_direction_names_the_setting(
    embedder: EmbeddingProvider, server: ScriptedServer, value: str
) -> None:
    row = json.dumps([0.0] * (embedder.dimensions - 1))[:-1] + f", {value}]"
    server.says(*[Sends(answered(embedder.name, row))] * 2)
    with pytest.raises(SettingsError, match=rf"MODEL_EMBED={embedder.name} .* without direction"):
        embedder.embed(["a"])


def test_other_dimensions_name_the_setting_and_what_to_write(
    embedder: EmbeddingProvider, server: ScriptedServer
) -> None:
    server.says(Sends(answered(embedder.name, "[1, 2, 3]")))
    with pytest.raises(SettingsError, match=r"of 3 dimensions, not \d+; write MODEL_EMBED=\S+@3"):
        embedder.embed(["a"])


def answered(name: str, row: str) -> bytes:
    """What a server of that wire answers to one text."""
    openai = f'{{"data": [{{"index": 0, "embedding": {row}}}]}}'
    titan = f'{{"embedding": {row}, "inputTextTokenCount": 1}}'
    cohere = f'{{"embeddings": [{row}]}}'
    return {TITAN: titan, COHERE_3: cohere, COHERE_4: cohere, OPENAI: openai}[name].encode()


def test_calls_are_made_side_by_side(embedder: EmbeddingProvider, server: ScriptedServer) -> None:
    embedder.embed(["x"] * 4 * PORTIONS[embedder.name])
    assert len({seen.connection for seen in server.seen}) > 1


def test_threads_share_one_embedder(embedder: EmbeddingProvider) -> None:
    found: dict[int, int] = {}

    def work(number: int) -> None:
        found[number] = length(embedder.embed(["x" * number])[0])

    threads = [threading.Thread(target=work, args=[number]) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: number for number in range(1, 9)}


def test_the_limits_of_the_account_count_embeddings_too(
    settings: Settings, database: Database, server: ScriptedServer
) -> None:
    limited = settings._replace(
        model_embed=OPENAI,
        model_limits="openai:*=rpm:60,usd_per_day:1",
        model_prices="openai:text-embedding-3-small=9/0/0",
    )
    models = Models(limited, database, sleep=lambda _: None)
    models.embedder().embed(["a", "b"])
    models.embedder().embed(["c"])
    models.embedder().embed(["c"])
    [[row]] = database.run("", [Statement("select requests, spent from model_buckets", {})])
    assert 2 < row["requests"] <= 3
    assert row["spent"] == pytest.approx((6 + 3) * 9 / 1_000_000), "as the server counted"


# The wires


@pytest.mark.parametrize("dimensions", [256, 512, 1024])
def test_titan_gets_one_text_with_the_dimensions_of_the_name(
    settings: Settings, server: ScriptedServer, dimensions: int
) -> None:
    built(settings, f"{TITAN}@{dimensions}").embed(["a"])
    [seen] = server.seen
    assert seen.path == "/model/amazon.titan-embed-text-v2%3A0/invoke"
    assert seen.body == {"inputText": "a", "dimensions": dimensions, "normalize": True}


def test_an_embedding_model_may_be_named_by_its_profile(
    settings: Settings, server: ScriptedServer
) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.cohere.embed-v4:0"
    assert built(settings, f"bedrock:{arn}@512").dimensions == 512


def test_cohere_is_told_questions_from_texts(settings: Settings, server: ScriptedServer) -> None:
    three, four = built(settings, COHERE_3), built(settings, COHERE_4)
    assert three.asymmetric and four.asymmetric
    three.embed(["a"])
    four.embed(["a"], "query")
    first, second = server.seen
    assert first.body == {"texts": ["a"], "input_type": "search_document", "truncate": "END"}
    assert second.path == "/model/us.cohere.embed-v4%3A0/invoke"
    assert second.body == {
        "texts": ["a"],
        "input_type": "search_query",
        "truncate": "RIGHT",
        "output_dimension": 512,
        "embedding_types": ["float"],
    }


@pytest.mark.parametrize(
    "name",
    [f"{TITAN}@384", f"{COHERE_3}@512", "bedrock:cohere.embed-v4:0@384", f"{TITAN}@", "bedrock:x"],
)
def test_what_bedrock_does_not_have_is_a_wrong_setting(settings: Settings, name: str) -> None:
    with pytest.raises(SettingsError, match=r"MODEL_EMBED=.*cohere.embed-v4:0 with @1536"):
        built(settings, name)


def test_openai_is_asked_for_bytes_and_for_the_dimensions_that_were_chosen(
    settings: Settings, server: ScriptedServer
) -> None:
    built(settings, OPENAI).embed(["a"])
    assert server.seen[0].body == {
        "model": "text-embedding-3-small",
        "input": ["a"],
        "dimensions": 256,
        "encoding_format": "base64",
    }


def test_a_server_that_knows_no_bytes_sends_numbers(
    settings: Settings, server: ScriptedServer
) -> None:
    embedder = built(settings, "ollama:all-minilm@768", ollama_host=server.url)
    server.says(Fails(400, message="unknown field encoding_format"))
    assert length(embedder.embed(["abc"])[0]) == 3
    embedder.embed(["abc"])
    sent = ["encoding_format" in seen.body for seen in server.seen]
    assert sent == [True, False, False]


def test_models_that_were_trained_with_prefixes_get_them(
    settings: Settings, server: ScriptedServer
) -> None:
    embedder = built(settings, "ollama:nomic-embed-text", ollama_host=server.url)
    assert embedder.asymmetric
    embedder.embed(["a"])
    embedder.embed(["a"], "query")
    inputs = [seen.body["input"] for seen in server.seen]
    assert inputs == [["search_document: a"], ["search_query: a"]]


def test_dimensions_that_nobody_has_said_are_found_out_at_the_first_use(
    settings: Settings, server: ScriptedServer
) -> None:
    embedder = built(settings, f"{server.url}/v1#unheard")
    assert server.seen == []
    assert embedder.dimensions == 768
    assert embedder.dimensions == 768
    assert len(server.seen) == 1


@pytest.mark.parametrize("name", ["offline", "minilm", "hashing", "anthropic:x"])
def test_an_embedder_that_is_not_behind_an_api_is_not_built_here(
    settings: Settings, name: str
) -> None:
    with pytest.raises(SettingsError, match="MODEL_EMBED"):
        built(settings, name)


def test_a_portion_holds_as_many_texts_and_bytes_as_a_call_takes() -> None:
    texts = ["ä" * 3, "b", "c", "d" * 50, "e"]
    assert list(portioned(texts, Portion(2, 7, 9))) == [["äää", "b"], ["c"], ["d" * 50], ["e"]]
