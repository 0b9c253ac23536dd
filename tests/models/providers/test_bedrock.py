"""Bedrock: what a conversation must look like there, and what models turn out not to take."""

import json

import pytest

from shared.errors import ModelRejected, ModelUnavailable
from shared.models import Message, Provider, Request, ToolCall, ToolSpec
from shared.models.providers.bedrock import model as bedrock
from shared.models.providers.bedrock.wire import messages_of, tools_of
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.scripted_server import Fails, Says, ScriptedServer, Sends

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
ASK = Request((Message("user", "How?"),), system="Be brief.", max_tokens=50)
TYPED = Request((Message("user", "How?"),), schema=SCHEMA, max_tokens=50)
LOOK = ToolSpec("look", "Look at it.", {"type": "object", "properties": {}})
CALL = ToolCall("c1", "look", {})


@pytest.fixture
def model(settings: Settings) -> Provider:
    return Models(settings).provider("bedrock:us.some.model-v1:0")


def test_a_conversation_starts_with_the_user_and_alternates() -> None:
    turns = messages_of(
        [
            Message("assistant", "Hi."),
            Message("user", " "),
            Message("user", "Look"),
            Message("user", "there."),
            Message("assistant", "", (CALL, ToolCall("c2", "look", {}))),
            Message("tool", "one", call_id="c1"),
            Message("tool", "", call_id="c2"),
            Message("user", "And?"),
        ]
    )
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2 + ["user"]
    assert [list(block) for block in turns[-1]["content"]] == [["toolResult"]] * 2 + [["text"]]
    texts = [block["text"] for turn in turns for block in turn["content"] if "text" in block]
    assert all(text.strip() for text in texts)


def test_tools_of_earlier_calls_stay_described() -> None:
    request = Request((Message("user", "a"), Message("assistant", "", (CALL,))))
    config = tools_of(request, force=True, answer=True)
    assert config is not None
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["look"]
    assert tools_of(ASK, force=True, answer=True) is None


@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_is_asked_for_by_a_forced_tool(
    model: Provider, server: ScriptedServer, stream: bool
) -> None:
    server.says(Says("", "tools", calls=(("give_answer", '{"a": "ü"}'),)))
    reply = list(model.stream(TYPED, 5))[-1].reply if stream else model.reply(TYPED, 5)
    assert reply is not None
    assert json.loads(reply.text) == {"a": "ü"}
    assert (reply.finish, reply.calls) == ("stop", ())
    config = server.seen[0].body["toolConfig"]
    assert config["toolChoice"] == {"tool": {"name": "give_answer"}}
    assert config["tools"][0]["toolSpec"]["inputSchema"]["json"] == SCHEMA


def test_with_other_tools_the_model_has_the_choice_among_all(
    model: Provider, server: ScriptedServer
) -> None:
    model.reply(Request(ASK.messages, tools=(LOOK,), schema=SCHEMA), 5)
    assert server.seen[0].body["toolConfig"]["toolChoice"] == {"any": {}}


def test_what_a_model_does_not_take_is_left_out_from_then_on(
    model: Provider, server: ScriptedServer
) -> None:
    server.says(
        Fails(400, message="`temperature` is deprecated for this model."),
        Fails(400, message="This model doesn't support the toolConfig.toolChoice.tool field."),
        Fails(400, message="This model doesn't support tool use."),
    )
    model.reply(TYPED, 5)
    model.reply(TYPED, 5)
    bodies = [seen.body for seen in server.seen]
    assert ["temperature" in body["inferenceConfig"] for body in bodies] == [True] + [False] * 4
    assert ["toolChoice" in body.get("toolConfig", {}) for body in bodies] == [True] * 2 + [
        False
    ] * 3
    assert ["toolConfig" in body for body in bodies] == [True] * 3 + [False] * 2
    assert "JSON schema" in bodies[-1]["system"][0]["text"]


def test_a_model_without_a_profile_gets_the_advice(model: Provider, server: ScriptedServer) -> None:
    said = "Invocation of model ID x with on-demand throughput isn't supported."
    server.says(Fails(400, message=said))
    with pytest.raises(ModelRejected, match="inference profile"):
        model.reply(ASK, 5)


def test_an_event_stream_that_is_garbage_is_unavailable(
    model: Provider, server: ScriptedServer
) -> None:
    server.says(
        Sends(b"\x00\x00\x00\x10garbage of some length", "application/vnd.amazon.eventstream")
    )
    with pytest.raises(ModelUnavailable):
        list(model.stream(ASK, 5))


def test_missing_credentials_are_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    bedrock.session.cache_clear()
    try:
        with pytest.raises(ModelRejected, match="AWS_ACCESS_KEY_ID"):
            Models(settings).provider("bedrock:some.model").reply(ASK, 5)
    finally:
        bedrock.session.cache_clear()
