"""What every provider promises, whatever it speaks."""

import json
from dataclasses import replace

import pytest

from shared.models import Message, Provider, Reply, Request, ToolCall, ToolSpec
from shared.models.answers import typed
from tests.models.scripted_server import Says, ScriptedServer

ASK = Request((Message("user", "How do I reset my password?"),), system="Be brief.", max_tokens=50)
WEATHER = ToolSpec(
    "get_weather",
    "Return the weather in a city.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


def _streamed(provider: Provider, request: Request) -> tuple[str, list[Reply]]:
    chunks = list(provider.stream(request, 5))
    assert chunks[-1].reply is not None, "the reply comes last"
    return "".join(c.text for c in chunks), [c.reply for c in chunks if c.reply]


def test_a_reply_holds_text_usage_and_the_name_of_its_model(
    provider: Provider, server: ScriptedServer
) -> None:
    server.says(Says("Press reset."))
    reply = provider.reply(ASK, 5)
    assert reply.text
    assert reply.finish == "stop"
    assert reply.model == provider.name
    assert reply.usage.input > 0
    assert reply.usage.output > 0
    assert reply.cost is not None


def test_a_stream_ends_with_one_reply_that_equals_its_pieces(
    provider: Provider, server: ScriptedServer
) -> None:
    server.says(Says("Press reset, 然后等待。 🙂"), Says("Press reset, 然后等待。 🙂"))
    text, replies = _streamed(provider, ASK)
    assert replies == [provider.reply(ASK, 5)]
    assert text == replies[0].text


def test_an_answer_of_a_schema_is_valid(provider: Provider, server: ScriptedServer) -> None:
    said = json.dumps({"value": "bug"})
    server.says(Says(said))
    schema = {"type": "string", "enum": ["bug", "question"]}
    text = provider.reply(replace(ASK, schema=schema), 5).text
    assert typed.parse(str, text)
    assert "bug" in text or "question" in text


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_is_called_with_its_arguments(
    provider: Provider, server: ScriptedServer, stream: bool
) -> None:
    server.says(Says("", "tools", calls=(("get_weather", '{"city": "Zürich"}'),)))
    request = Request((Message("user", "What is the weather in Zürich?"),), tools=(WEATHER,))
    reply = _streamed(provider, request)[1][0] if stream else provider.reply(request, 5)
    assert reply.finish == "tools"
    assert [(call.name, call.arguments) for call in reply.calls] == [
        ("get_weather", {"city": "Zürich"})
    ]
    assert reply.calls[0].id


def test_results_of_tools_are_taken_back(provider: Provider, server: ScriptedServer) -> None:
    server.says(Says("It is sunny."))
    call = ToolCall("call_0", "get_weather", {"city": "Zürich"})
    turns = (
        Message("user", "What is the weather in Zürich?"),
        Message("assistant", "", (call,)),
        Message("tool", "The weather in Zürich is sunny.", call_id="call_0"),
    )
    reply = provider.reply(Request(turns, tools=(WEATHER,)), 5)
    assert "sunny" in reply.text
    assert not reply.calls


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800", "😀", "x" * 60_000, "</data>"])
def test_any_text_can_be_asked(provider: Provider, text: str) -> None:
    assert provider.reply(Request((Message("user", text),), system=text), 5).text
