"""The OpenAI wire format: names, dialects of servers, odd answers, embeddings."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ModelRejected, ModelUnavailable, SettingsError
from shared.models import ChatMessage, ModelRequest, Provider, ToolCall
from shared.models.prices import Prices
from shared.models.providers.openai.wire import CompletionReader
from shared.models.providers.servers import served_model
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.busy_server import busy_server
from tests.models.conftest import KEY
from tests.models.scripted_server import Fails, Hangs, Says, ScriptedServer, Sends

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
ASK = ModelRequest((ChatMessage("user", "How?"),), system="Be brief.", max_tokens=50)
TYPED = ModelRequest((ChatMessage("user", "How?"),), schema=SCHEMA, max_tokens=50)


@pytest.fixture
def model(settings: Settings) -> Provider:
    return Models(settings).provider("openai:some-model")


@pytest.mark.parametrize(
    ("name", "settings", "url", "model"),
    [
        ("openai:m", Settings(openai_api_key="k"), "https://api.openai.com/v1", "m"),
        ("openai:m", Settings(openai_base_url="http://h:1/v1/"), "http://h:1/v1", "m"),
        ("anthropic:m", Settings(anthropic_api_key="k"), "https://api.anthropic.com/v1", "m"),
        ("anthropic:m", Settings(anthropic_base_url="http://h:1/"), "http://h:1/v1", "m"),
        ("anthropic:m", Settings(anthropic_base_url="http://h:1/v1"), "http://h:1/v1", "m"),
        ("ollama:a:7b", Settings(), "http://127.0.0.1:11434/v1", "a:7b"),
        ("ollama:a", Settings(ollama_host="0.0.0.0"), "http://127.0.0.1:11434/v1", "a"),
        ("ollama:a", Settings(ollama_host=":8080"), "http://127.0.0.1:8080/v1", "a"),
        ("ollama:a", Settings(ollama_host="https://o.example"), "https://o.example:443/v1", "a"),
        ("http://h:8000/v1#org/m", Settings(openai_api_key="k"), "http://h:8000/v1", "org/m"),
    ],
)
def test_a_name_leads_to_a_server(name: str, settings: Settings, url: str, model: str) -> None:
    served = served_model(name, settings, "MODEL_SMALL")
    assert (served.server.url, served.model) == (url, model)


def test_a_key_goes_to_its_own_server_only(settings: Settings, server: ScriptedServer) -> None:
    models = Models(settings._replace(ollama_host=server.url))
    for name in ("openai:m", f"{server.url}/v1#m", "ollama:m", "anthropic:m"):
        models.provider(name).reply(ASK, 5)
    sent = [
        (seen.headers.get("authorization"), seen.headers.get("x-api-key")) for seen in server.seen
    ]
    assert sent == [(f"Bearer {KEY}", None), (None, None), (None, None), (None, KEY)]


def test_a_key_is_in_no_representation(settings: Settings) -> None:
    assert KEY not in repr(served_model("openai:m", settings, "MODEL_SMALL"))


def test_an_address_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match="OPENAI_BASE_URL"):
        served_model("openai:m", Settings(openai_base_url="localhost:8000"), "MODEL_SMALL")


def test_a_request_is_written_as_the_wire_wants_it(model: Provider, server: ScriptedServer) -> None:
    call = ToolCall("c1", "look", {"at": "ü"})
    turns = (
        *ASK.messages,
        ChatMessage("assistant", "", (call,)),
        ChatMessage("tool", "seen", (), "c1"),
    )
    model.reply(ModelRequest(turns, "Be brief.", max_tokens=50), 5)
    body = server.seen[0].body
    assert body["model"] == "some-model"
    assert (body["max_tokens"], body["temperature"]) == (50, 0.0)
    assert [message["role"] for message in body["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]
    function = body["messages"][2]["tool_calls"][0]["function"]
    assert json.loads(function["arguments"]) == {"at": "ü"}


def test_connections_are_kept(model: Provider, server: ScriptedServer) -> None:
    for _ in range(2):
        model.reply(ASK, 5)
        list(model.stream(ASK, 5))
    assert len({seen.connection for seen in server.seen}) == 1


def test_connections_are_kept_for_a_hundred_calls_at_once() -> None:
    with busy_server(200, 0.05) as server, ThreadPoolExecutor(100) as threads:
        model = Models(Settings()).provider(f"{server.url}#busy")
        for _ in range(3):
            answers = [threads.submit(model.reply, ASK, 10) for _ in range(100)]
            assert {answer.result().text for answer in answers} == {"ok"}
        assert server.counts().connections <= 101, "one of them asks for this"


@pytest.mark.parametrize("code", ["rate_limit_exceeded", "overloaded_error"])
def test_a_code_may_say_overloaded_whatever_the_status(
    model: Provider, server: ScriptedServer, code: str
) -> None:
    server.says(Fails(400, code=code))
    with pytest.raises(ModelUnavailable) as caught:
        model.reply(ASK, 5)
    assert caught.value.overloaded


def test_a_wait_may_be_said_in_milliseconds(model: Provider, server: ScriptedServer) -> None:
    server.says(Fails(429, headers={"Retry-After-Ms": "120", "Retry-After": "1"}))
    with pytest.raises(ModelUnavailable) as caught:
        model.reply(ASK, 5)
    assert caught.value.retry_after == 0.12


def test_the_limit_is_renamed_for_models_that_want_it(
    model: Provider, server: ScriptedServer
) -> None:
    wish = "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
    server.says(Fails(400, message=f"{wish}'max_completion_tokens' instead."))
    model.reply(ASK, 5)
    model.reply(ASK, 5)
    limits = [seen.body.keys() & {"max_tokens", "max_completion_tokens"} for seen in server.seen]
    assert limits == [{"max_tokens"}, {"max_completion_tokens"}, {"max_completion_tokens"}]


@pytest.mark.parametrize(
    "said",
    [
        "Unsupported value: 'temperature' does not support 0 with this model.",
        "`temperature` is deprecated for this model.",
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_the_temperature_is_left_out_for_models_that_refuse_it(
    model: Provider, server: ScriptedServer, said: str, stream: bool
) -> None:
    server.says(Fails(400, message=said))
    for _ in range(2):
        list(model.stream(ASK, 5)) if stream else model.reply(ASK, 5)
    assert ["temperature" in seen.body for seen in server.seen] == [True, False, False]


@pytest.mark.parametrize(
    "said",
    [
        "This response_format type is unavailable now",
        "'response_format.type' : value is not one of the allowed values ['text','json_object']",
    ],
)
def test_formats_fall_back_step_by_step_and_stay_so(
    model: Provider, server: ScriptedServer, said: str
) -> None:
    server.says(Fails(400, message=said), Fails(422, message=said))
    model.reply(TYPED, 5)
    model.reply(TYPED, 5)
    formats = [seen.body.get("response_format", {}).get("type") for seen in server.seen]
    assert formats == ["json_schema", "json_object", None, None]
    strict = server.seen[0].body["response_format"]["json_schema"]
    assert (strict["strict"], strict["schema"]) == (True, SCHEMA)
    for seen in server.seen[1:]:
        assert "JSON schema" in seen.body["messages"][0]["content"]


def test_all_that_can_be_refused_may_be_refused_at_once(
    model: Provider, server: ScriptedServer
) -> None:
    server.says(
        Fails(400, message="max_tokens is unsupported"),
        Fails(400, message="temperature is unsupported"),
        Fails(400, message="response_format is unsupported"),
        Fails(400, message="response_format is unsupported"),
        Fails(400, message="unknown field stream_options"),
        Says("done"),
    )
    assert "".join(chunk.text for chunk in model.stream(TYPED, 5)) == "done"


@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_that_the_server_breaks_on_twice_is_asked_for_in_words(
    model: Provider, server: ScriptedServer, stream: bool
) -> None:
    other = ModelRequest((ChatMessage("user", "Another question"),), schema=SCHEMA)

    def ask(request: ModelRequest) -> None:
        list(model.stream(request, 5)) if stream else model.reply(request, 5)

    error = b'{"error": {"code": 500, "message": "no", "type": "server_error"}}'
    inside = Sends(b"data: " + error + b"\n\n", "text/event-stream") if stream else Sends(error)
    server.says(Fails(500), inside)
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            ask(TYPED)
    for request in (TYPED, other, TYPED):
        ask(request)
    formats = ["response_format" in seen.body for seen in server.seen]
    assert formats == [True, True, False, True, True], "that request alone, and once"
    assert "fit this JSON schema" in server.seen[2].body["messages"][0]["content"]


def test_a_server_that_is_overloaded_is_still_asked_with_the_schema(
    model: Provider, server: ScriptedServer
) -> None:
    server.says(Fails(503), Fails(503), Fails(503))
    for _ in range(3):
        with pytest.raises(ModelUnavailable):
            model.reply(TYPED, 5)
    model.reply(TYPED, 5)
    assert all("response_format" in seen.body for seen in server.seen)


def test_a_limit_that_is_too_high_is_no_question_of_dialect(
    model: Provider, server: ScriptedServer
) -> None:
    said = "max_tokens is too large: 50. This model supports at most 10 completion tokens."
    server.says(Fails(400, message=said))
    with pytest.raises(ModelRejected):
        model.reply(ASK, 5)
    assert len(server.seen) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
def test_who_may_not_ask_gets_no_further_tries(
    model: Provider, server: ScriptedServer, status: int
) -> None:
    server.says(Fails(status, message="temperature and response_format are unsupported"))
    with pytest.raises(ModelRejected):
        model.reply(TYPED, 5)
    assert len(server.seen) == 1


def test_an_echo_of_the_request_is_not_taken_for_a_complaint(
    model: Provider, server: ScriptedServer
) -> None:
    echo = {"loc": ["body", "model"], "msg": "wrong", "input": {"temperature": 0}}
    server.says(Sends(json.dumps({"detail": [echo]}).encode(), status=422))
    with pytest.raises(ModelRejected):
        model.reply(ASK, 5)
    assert len(server.seen) == 1


def test_a_schema_that_is_no_object_is_asked_for_inside_of_one(
    model: Provider, server: ScriptedServer
) -> None:
    model.reply(ModelRequest(ASK.messages, schema={"type": "boolean"}), 5)
    sent = server.seen[0].body["response_format"]["json_schema"]["schema"]
    assert sent["properties"] == {"value": {"type": "boolean"}}


def test_an_account_without_credit_is_not_retried(model: Provider, server: ScriptedServer) -> None:
    server.says(Fails(429, code="insufficient_quota"))
    with pytest.raises(ModelRejected, match=r"OPENAI_API_KEY has no credit left"):
        model.reply(ASK, 5)


def test_an_error_code_is_shown_but_its_text_is_not(
    model: Provider, server: ScriptedServer
) -> None:
    server.says(Fails(400, code="context_length_exceeded", message="You said: How?"))
    with pytest.raises(ModelRejected, match="context_length_exceeded") as caught:
        model.reply(ASK, 5)
    assert "How?" not in str(caught.value)


def test_a_redirect_is_not_followed(model: Provider, server: ScriptedServer) -> None:
    server.says(Fails(308, headers={"Location": "http://127.0.0.1:9/"}))
    with pytest.raises(ModelRejected, match="redirect; look at OPENAI_BASE_URL"):
        model.reply(ASK, 5)


def test_a_server_that_drips_is_left_in_time(model: Provider, server: ScriptedServer) -> None:
    server.says(Hangs(drip=b": still here\n\n"))
    with pytest.raises(ModelUnavailable, match="no whole answer within"):
        list(model.stream(ASK, 0.4))


def test_a_server_that_does_not_stream_is_heard_too(
    model: Provider, server: ScriptedServer
) -> None:
    whole = {"choices": [{"message": {"content": "all"}, "finish_reason": "stop"}]}
    server.says(Sends(json.dumps(whole).encode()))
    chunks = list(model.stream(ASK, 5))
    assert [chunk.text for chunk in chunks] == ["all", ""]


def test_an_error_with_a_good_status_is_an_error(model: Provider, server: ScriptedServer) -> None:
    server.says(Sends(b'{"error": {"code": 429, "message": "slow down"}}'))
    with pytest.raises(ModelUnavailable):
        model.reply(ASK, 5)


@pytest.mark.parametrize(
    ("message", "calls"),
    [
        ({"tool_calls": [{"function": {"name": "a", "arguments": {"x": 1}}}]}, [("a", {"x": 1})]),
        ({"tool_calls": [{"id": "1", "function": {"name": "a", "arguments": ""}}]}, [("a", {})]),
        (
            {"tool_calls": [{"id": str(i), "function": {"name": n}} for i, n in enumerate("ab")]},
            [("a", {}), ("b", {})],
        ),
    ],
)
def test_calls_are_read_as_servers_write_them(
    model: Provider, server: ScriptedServer, message: Any, calls: Any
) -> None:
    answer = {"choices": [{"message": message, "finish_reason": "stop"}]}
    server.says(Sends(json.dumps(answer).encode()))
    reply = model.reply(ASK, 5)
    assert [(call.name, call.arguments) for call in reply.calls] == calls
    assert reply.finish == "tools"
    assert all(call.id for call in reply.calls)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda part: (
        st.lists(part, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "delta",
                    "content",
                    "tool_calls",
                    "function",
                    "usage",
                    "index",
                ]
            ),
            part,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["choices", "usage"]), _JSON))
def test_json_of_another_shape_is_said_so(piece: Any) -> None:
    answer = CompletionReader()
    try:
        answer.add(piece)
        reply = answer.reply("m", Prices())
    except (AttributeError, TypeError, KeyError, ValueError):
        return  # what the provider turns into ModelUnavailable
    assert isinstance(reply.text, str)
