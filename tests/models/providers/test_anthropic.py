"""Anthropic's Messages: what is asked there, what models turn out not to take, odd answers."""

import json
from typing import Annotated, Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ModelRejected, ModelUnavailable
from shared.events import Json
from shared.models import ChatMessage, ModelRequest, Provider, ToolCall, ToolSpec
from shared.models.answers.typed import Between, schema_of
from shared.models.prices import Prices
from shared.models.providers.anthropic.wire import MessageReader, body_of, messages_of
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.conftest import KEY
from tests.models.scripted_server import Fails, Hangs, Says, ScriptedServer, Sends


class Verdict(NamedTuple):
    sure: Annotated[float, Between(0, 1), "how sure you are"]
    labels: Annotated[list[str], Between(2, 3)]


SCHEMA = schema_of(Verdict)
ASK = ModelRequest((ChatMessage("user", "How?"),), system="Be brief.", max_tokens=50)
TYPED = ModelRequest((ChatMessage("user", "How?"),), schema=SCHEMA, max_tokens=50)
LOOK = ToolSpec("look", "Look at it.", {"type": "object", "properties": {}})
CALL = ToolCall("c1", "look", {})


@pytest.fixture
def model(settings: Settings) -> Provider:
    return Models(settings).provider("anthropic:claude-haiku-4-5")


def _usage(**counts: int) -> Json:
    return {"input_tokens": 3, "output_tokens": 1} | counts


def _message(*content: Json, **more: Any) -> Json:
    message = {"type": "message", "role": "assistant", "content": list(content)}
    return message | {"stop_reason": "end_turn", "usage": _usage()} | more


def test_a_request_is_written_as_the_wire_wants_it(model: Provider, server: ScriptedServer) -> None:
    turns = (
        *ASK.messages,
        ChatMessage("assistant", "", (CALL,)),
        ChatMessage("tool", "seen", (), "c1"),
    )
    model.reply(ModelRequest(turns, "Be brief.", (LOOK,), max_tokens=50), 5)
    seen = server.seen[0]
    assert seen.path == "/v1/messages"
    assert seen.headers["x-api-key"] == KEY
    assert seen.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in seen.headers
    assert seen.body == {
        "model": "claude-haiku-4-5",
        "max_tokens": 50,
        "temperature": 0.0,
        "tools": [{"name": "look", "description": "Look at it.", "input_schema": LOOK.parameters}],
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "How?"}]},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c1", "name": "look", "input": {}}],
            },
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "seen"}],
            },
        ],
    }


def test_a_conversation_starts_with_the_user_and_alternates() -> None:
    turns = messages_of(
        [
            ChatMessage("assistant", "Hi."),
            ChatMessage("user", " "),
            ChatMessage("user", "Look"),
            ChatMessage("user", "there."),
            ChatMessage("assistant", "", (CALL, ToolCall("c2", "look", {}))),
            ChatMessage("tool", "one", call_id="c1"),
            ChatMessage("tool", "", call_id="c2"),
            ChatMessage("user", "And?"),
        ]
    )
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2 + ["user"]
    assert [block["type"] for block in turns[-1]["content"]] == ["tool_result"] * 2 + ["text"]
    texts = [block.get("text", "-") for turn in turns for block in turn["content"]]
    assert all(text.strip() for text in texts)
    assert turns[-1]["content"][1]["content"] == "(nothing)"


def test_calls_of_other_servers_keep_their_results() -> None:
    call = ToolCall("functions.look:0", "look", {})
    said = [ChatMessage("assistant", "", (call,)), ChatMessage("tool", "seen", call_id=call.id)]
    (_, use, result) = messages_of(said)
    assert use["content"][0]["id"] == result["content"][0]["tool_use_id"] == "functions_look_0"


def test_tools_of_earlier_calls_stay_described() -> None:
    body = body_of(
        "m", ModelRequest((ChatMessage("user", "a"), ChatMessage("assistant", "", (CALL,))))
    )
    assert [tool["name"] for tool in body["tools"]] == ["look"]
    assert "tools" not in body_of("m", ASK)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("claude-haiku-4-5", True),
        ("claude-haiku-4-5-20251001", True),
        ("claude-sonnet-4-6", True),
        ("claude-opus-4-20250514", True),
        ("claude-opus-4-1", True),
        ("claude-3-5-haiku-latest", True),
        ("qwen3", True),
        ("claude-opus-4-7", False),
        ("claude-sonnet-5", False),
        ("claude-haiku-5-5", False),
        ("claude-fable-5-2", False),
    ],
)
def test_the_temperature_goes_to_models_that_take_one(
    settings: Settings, server: ScriptedServer, name: str, sent: bool
) -> None:
    Models(settings).provider(f"anthropic:{name}").reply(ASK, 5)
    assert ("temperature" in server.seen[0].body) is sent


def test_the_temperature_is_one_at_most() -> None:
    assert body_of("m", ModelRequest(ASK.messages, temperature=1.5))["temperature"] == 1.0


@pytest.mark.parametrize("stream", [False, True])
def test_a_temperature_that_is_refused_is_left_out_from_then_on(
    model: Provider, server: ScriptedServer, stream: bool
) -> None:
    server.says(Fails(400, message="`temperature` is deprecated for this model."))
    for _ in range(2):
        list(model.stream(ASK, 5)) if stream else model.reply(ASK, 5)
    assert ["temperature" in seen.body for seen in server.seen] == [True, False, False]


def test_a_schema_is_asked_for_natively_with_its_bounds_in_words(
    model: Provider, server: ScriptedServer
) -> None:
    model.reply(TYPED, 5)
    body = server.seen[0].body
    assert not body.keys() & {"tools", "tool_choice", "system"}
    written = body["output_config"]["format"]
    assert written["type"] == "json_schema"
    assert written["schema"] == {
        "type": "object",
        "properties": {
            "sure": {"type": "number", "description": "how sure you are (minimum: 0, maximum: 1)"},
            "labels": {
                "type": "array",
                "items": {"type": "string"},
                "description": "(minItems: 2, maxItems: 3)",
            },
        },
        "required": ["sure", "labels"],
        "additionalProperties": False,
    }
    assert SCHEMA["properties"]["sure"]["minimum"] == 0, "the request's own schema stays whole"


def test_a_property_may_be_called_like_a_bound(model: Provider, server: ScriptedServer) -> None:
    bound = {"type": "object", "properties": {"minimum": {"type": "integer", "minimum": 3}}}
    schema = bound | {"required": ["minimum"], "additionalProperties": False}
    model.reply(ModelRequest(ASK.messages, schema=schema), 5)
    sent = server.seen[0].body["output_config"]["format"]["schema"]["properties"]
    assert sent == {"minimum": {"type": "integer", "description": "(minimum: 3)"}}


def test_the_answer_that_comes_by_a_tool_is_streamed(
    model: Provider, server: ScriptedServer
) -> None:
    answer = '{"sure": 1, "labels": ["ü", "b"]}'
    server.says(
        Fails(400, message="output_config.format: Extra inputs are not permitted"),
        Says("", "tools", calls=(("give_answer", answer),)),
    )
    chunks = list(model.stream(TYPED, 5))
    reply = chunks[-1].reply
    assert reply is not None
    assert reply.text == "".join(chunk.text for chunk in chunks) == answer
    assert (reply.finish, reply.calls) == ("stop", ())


def test_what_is_refused_step_by_step_is_left_out_from_then_on(
    model: Provider, server: ScriptedServer
) -> None:
    answer = '{"sure": 1, "labels": ["ü", "b"]}'
    server.says(
        Fails(400, message="output_config.format: this model does not support it"),
        Says("", "tools", calls=(("give_answer", answer),)),
        Fails(400, message="tool_choice forces tool use is not compatible with this model."),
        Says(answer),
    )
    replies = [model.reply(TYPED, 5) for _ in range(3)]
    assert [reply.finish for reply in replies] == ["stop"] * 3
    assert [json.loads(reply.text) for reply in replies[:2]] == [json.loads(answer)] * 2
    bodies = [seen.body for seen in server.seen]
    assert ["output_config" in body for body in bodies] == [True] + [False] * 4
    choices = [body.get("tool_choice") for body in bodies]
    forced = {"type": "tool", "name": "give_answer"}
    assert choices == [None, forced, forced, None, None]
    assert bodies[1]["tools"][0]["input_schema"] == SCHEMA
    for body in bodies[3:]:
        assert "tools" not in body
        assert "JSON schema" in body["system"][0]["text"]


def test_a_grammar_that_is_too_large_is_no_end(model: Provider, server: ScriptedServer) -> None:
    server.says(Fails(400, message="The compiled grammar is too large."))
    model.reply(TYPED, 5)
    assert "tool_choice" in server.seen[1].body


def test_an_open_schema_is_asked_for_by_a_tool(model: Provider, server: ScriptedServer) -> None:
    model.reply(ModelRequest(ASK.messages, schema={"type": "object"}, tools=(LOOK,)), 5)
    body = server.seen[0].body
    assert [tool["name"] for tool in body["tools"]] == ["look", "give_answer"]
    assert body["tool_choice"] == {"type": "any"}
    assert "output_config" not in body


@pytest.mark.parametrize(
    "said",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "max_tokens: 50 > 10, which is the maximum allowed number of output tokens",
        "tools.0.custom.input_schema: JSON schema is invalid.",
        "tool_choice: Tool 'x' not found in provided tools",
    ],
)
def test_other_complaints_are_no_question_of_what_a_model_takes(
    model: Provider, server: ScriptedServer, said: str
) -> None:
    server.says(Fails(400, message=said))
    request = ModelRequest(ASK.messages, tools=(LOOK,), tool_choice="look", schema=SCHEMA)
    with pytest.raises(ModelRejected, match=r"invalid_request_error"):
        model.reply(request, 5)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "turn",
    [
        Fails(402),
        Fails(400, message="Your credit balance is too low to access the Anthropic API."),
        Fails(429, message='{"error_code": "enforced_spend_limit_reached"}'),
    ],
)
def test_an_account_without_credit_is_not_retried(
    model: Provider, server: ScriptedServer, turn: Fails
) -> None:
    server.says(turn)
    with pytest.raises(ModelRejected, match="ANTHROPIC_API_KEY has no credit left"):
        model.reply(ASK, 5)


@pytest.mark.parametrize("stream", [False, True])
def test_html_names_the_address(model: Provider, server: ScriptedServer, stream: bool) -> None:
    server.says(Sends(b"<html>Welcome</html>", "text/html"))
    with pytest.raises(ModelUnavailable, match=r"HTML.*ANTHROPIC_BASE_URL"):
        list(model.stream(ASK, 5)) if stream else model.reply(ASK, 5)


def test_overload_is_told(model: Provider, server: ScriptedServer) -> None:
    server.says(Fails(529))
    with pytest.raises(ModelUnavailable, match=r"overloaded \(529\) \[overloaded_error\]"):
        model.reply(ASK, 5)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("code", "error"),
    [("overloaded_error", ModelUnavailable), ("invalid_request_error", ModelRejected)],
)
def test_an_error_with_a_good_status_is_an_error(
    model: Provider, server: ScriptedServer, stream: bool, code: str, error: type[Exception]
) -> None:
    said = {"type": "error", "error": {"type": code, "message": "no"}}
    event = f"event: error\ndata: {json.dumps(said)}\n\n".encode()
    body = Sends(event, "text/event-stream") if stream else Sends(json.dumps(said).encode())
    server.says(body)
    with pytest.raises(error, match=code):
        list(model.stream(ASK, 5)) if stream else model.reply(ASK, 5)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "refused"),
    ],
)
def test_each_reason_to_stop_has_its_meaning(
    model: Provider, server: ScriptedServer, reason: str, finish: str
) -> None:
    server.says(Says("half", reason), Says("half", reason))
    assert model.reply(ASK, 5).finish == finish
    last = list(model.stream(ASK, 5))[-1].reply
    assert last is not None
    assert last.finish == finish


def test_all_input_tokens_are_counted(model: Provider, server: ScriptedServer) -> None:
    usage = _usage(cache_read_input_tokens=20, cache_creation_input_tokens=100)
    server.says(Sends(json.dumps(_message(usage=usage)).encode()))
    counted = model.reply(ASK, 5).usage
    assert (counted.input, counted.cached, counted.written, counted.output) == (123, 20, 100, 1)


def test_the_counts_of_a_stream_are_totals() -> None:
    answer = MessageReader()
    answer.add({"type": "message_start", "message": _message(usage=_usage())})
    ended = {"input_tokens": 10, "cache_read_input_tokens": 4, "output_tokens": 7}
    answer.add({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": ended})
    answer.add({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 8}})
    assert (answer.usage.input, answer.usage.cached, answer.usage.output) == (14, 4, 8)
    assert answer.finish == "end_turn"


def test_several_calls_are_kept_apart(model: Provider, server: ScriptedServer) -> None:
    server.says(Says("Let me see.", "tools", calls=(("a", '{"x": {"y": 1}}'), ("b", ""))))
    last = list(model.stream(ASK, 5))[-1].reply
    assert last is not None
    assert last.text == "Let me see."
    assert [(call.name, call.arguments) for call in last.calls] == [
        ("a", {"x": {"y": 1}}),
        ("b", {}),
    ]
    assert len({call.id for call in last.calls}) == 2


def test_an_input_that_is_no_object_is_kept_as_it_was_written(
    model: Provider, server: ScriptedServer
) -> None:
    use = {"type": "tool_use", "id": "1", "name": "a", "input": [1]}
    server.says(Sends(json.dumps(_message(use, stop_reason="tool_use")).encode()))
    (call,) = model.reply(ASK, 5).calls
    assert (call.arguments, call.malformed) == ({}, "[1]")


def test_connections_are_kept(model: Provider, server: ScriptedServer) -> None:
    for _ in range(2):
        model.reply(ASK, 5)
        list(model.stream(ASK, 5))
    assert len({seen.connection for seen in server.seen}) == 1


def test_a_server_that_stays_after_the_last_event_is_left(
    model: Provider, server: ScriptedServer
) -> None:
    events = [
        {"type": "message_start", "message": _message(stop_reason=None)},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "a"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": _usage()},
        {"type": "message_stop"},
    ]
    server.says(Hangs(drip="".join(f"data: {json.dumps(event)}\n\n" for event in events).encode()))
    assert [chunk.text for chunk in model.stream(ASK, 30)] == ["a", ""]


def test_a_server_that_drips_is_left_in_time(model: Provider, server: ScriptedServer) -> None:
    server.says(Hangs(drip=b'event: ping\ndata: {"type": "ping"}\n\n'))
    with pytest.raises(ModelUnavailable, match="no whole answer within"):
        list(model.stream(ASK, 0.4))


def test_a_server_that_does_not_stream_is_heard_too(
    model: Provider, server: ScriptedServer
) -> None:
    server.says(Sends(json.dumps(_message({"type": "text", "text": "all"})).encode()))
    assert [chunk.text for chunk in model.stream(ASK, 5)] == ["all", ""]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda part: (
        st.lists(part, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["type", "content", "delta", "index", "content_block", "usage", "text", "input"]
            ),
            part | st.sampled_from(["text", "tool_use", "text_delta", "input_json_delta"]),
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(
    st.sampled_from(
        ["message", "message_start", "content_block_start", "content_block_delta", "message_delta"]
    ),
    st.dictionaries(st.sampled_from(["content", "usage", "delta", "index", "message"]), _JSON),
)
def test_json_of_another_shape_is_said_so(kind: str, piece: Json) -> None:
    answer = MessageReader()
    try:
        answer.add(piece | {"type": kind})
    except (AttributeError, TypeError, KeyError, ValueError):
        return  # what the provider turns into ModelUnavailable
    reply = answer.reply("m", Prices())
    assert isinstance(reply.text, str)
    assert reply.calls is not None
