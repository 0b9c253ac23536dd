"""What servers really send, beside what is documented: the answer is the same, or the call fails.

Each row is a kind that was reported for a server in use.
"""

import json
from typing import Any

import pytest

from shared.errors import ModelUnavailable
from shared.models import ChatMessage, ModelReply, ModelRequest, Provider, ToolCall, ToolSpec, Usage
from shared.models.providers.thoughts import Thoughts, without_unopened
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.conftest import NAMES
from tests.models.scripted_server import ScriptedServer, Sends

Json = dict[str, Any]

WEATHER = ToolSpec("weather", "The weather.", {"type": "object", "properties": {}})
ASK = ModelRequest((ChatMessage("user", "How is it?"),), tools=(WEATHER,))
OSLO, BERGEN = '{"city":"Oslo"}', '{"city":"Bergen"}'
WELL = "All well, and it stays so."


def chunk(finish: str | None = None, **delta: Any) -> Json:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def whole(finish: str | None = "stop", **message: Any) -> Json:
    return {"choices": [{"message": {"role": "assistant"} | message, "finish_reason": finish}]}


def call(arguments: Any, name: str = "weather", **rest: Any) -> Json:
    return rest | {"type": "function", "function": {"name": name, "arguments": arguments}}


def more(arguments: str, **rest: Any) -> Json:
    return rest | {"function": {"arguments": arguments}}


def streamed(*pieces: Json | str) -> Sends:
    lines = [p if isinstance(p, str) else f"data: {json.dumps(p)}\n\n" for p in pieces]
    return Sends("".join(lines).encode(), "text/event-stream")


def answered(body: Json) -> Sends:
    return Sends(json.dumps(body).encode())


def ask(model: Provider, server: ScriptedServer, sent: Sends) -> tuple[ModelReply, str]:
    """Return the reply, and what a reader saw of it."""
    server.says(sent)
    if sent.content_type == "application/json" and sent.body.startswith(b"{"):
        reply = model.reply(ASK, 5)
        return reply, reply.text
    chunks = list(model.stream(ASK, 5))
    assert chunks[-1].reply
    return chunks[-1].reply, "".join(chunk.text for chunk in chunks)


@pytest.fixture
def openai(settings: Settings) -> Provider:
    return Models(settings).provider(NAMES["openai"])


@pytest.fixture
def anthropic(settings: Settings) -> Provider:
    return Models(settings).provider(NAMES["anthropic"])


DONE = "data: [DONE]\n\n"
END = chunk("tool_calls")
TWO_CALLS = {
    "one index for all": [
        chunk(tool_calls=[call(OSLO, index=0, id="a")]),
        chunk(tool_calls=[call(BERGEN, index=0, id="b")]),
    ],
    "one index for all, no id": [
        chunk(tool_calls=[call(OSLO, index=0)]),
        chunk(tool_calls=[call(BERGEN, index=0)]),
    ],
    "one index for all, in pieces": [
        chunk(tool_calls=[call("", index=0, id="a")]),
        chunk(tool_calls=[more(OSLO, index=0)]),
        chunk(tool_calls=[call("", index=0, id="b")]),
        chunk(tool_calls=[more(BERGEN[:5], index=0)]),
        chunk(tool_calls=[more(BERGEN[5:], index=0)]),
    ],
    "no index, no id": [chunk(tool_calls=[call(OSLO, id=""), call(BERGEN, id=None)])],
    "no index, id in each piece": [
        chunk(tool_calls=[call(OSLO[:6], id="a")]),
        chunk(tool_calls=[more(OSLO[6:], id="a")]),
        chunk(tool_calls=[call(BERGEN, id="b")]),
    ],
    "the name in each piece, no id": [
        chunk(tool_calls=[call(OSLO[:6], index=0)]),
        chunk(tool_calls=[call(OSLO[6:], index=0)]),
        chunk(tool_calls=[call(BERGEN, index=1)]),
    ],
    "indexes as text, out of order": [
        chunk(tool_calls=[call(OSLO[:6], index="0", id="a"), call(BERGEN[:6], index="1", id="b")]),
        chunk(tool_calls=[more(BERGEN[6:], index="1")]),
        chunk(tool_calls=[more(OSLO[6:], index="0")]),
    ],
    "the id after the name": [
        chunk(tool_calls=[call("", index=0)]),
        chunk(tool_calls=[more(OSLO, index=0, id="a")]),
        chunk(tool_calls=[call(BERGEN, index=1, id="b")]),
    ],
    "arguments as objects": [
        chunk(tool_calls=[call({"city": "Oslo"}, index=0), call({"city": "Bergen"}, index=1)])
    ],
    "all once more at the end": [
        chunk(tool_calls=[call(OSLO, index=0, id="a"), call(BERGEN, index=1, id="b")]),
        whole("tool_calls", tool_calls=[call(OSLO, id="a"), call(BERGEN, id="b")]),
    ],
    "junk between": [
        chunk(tool_calls=[None, 3, call(OSLO, index=0, id="a")]),
        {"choices": None, "usage": None},
        {"choices": [None]},
        chunk(tool_calls=[call(BERGEN, index=1, id="b")]),
    ],
}


@pytest.mark.parametrize("pieces", TWO_CALLS.values(), ids=TWO_CALLS)
def test_two_calls_are_two_calls(
    openai: Provider, server: ScriptedServer, pieces: list[Json]
) -> None:
    reply, _ = ask(openai, server, streamed(*pieces, END, DONE))
    assert reply.finish == "tools"
    assert [(c.name, c.arguments) for c in reply.calls] == [
        ("weather", {"city": "Oslo"}),
        ("weather", {"city": "Bergen"}),
    ]
    assert len({c.id for c in reply.calls}) == 2


@pytest.mark.parametrize("ids", [["", ""], [None, None], ["a", "a"], ["a", "b"]])
def test_each_call_of_a_whole_reply_is_one(
    openai: Provider, server: ScriptedServer, ids: list[str | None]
) -> None:
    calls = [call(OSLO, id=ids[0], index=0), call(BERGEN, id=ids[1], index=0)]
    reply, _ = ask(openai, server, answered(whole("tool_calls", content=None, tool_calls=calls)))
    assert [c.arguments["city"] for c in reply.calls] == ["Oslo", "Bergen"]


def test_a_call_of_the_old_kind_is_one(openai: Provider, server: ScriptedServer) -> None:
    old = whole("function_call", function_call={"name": "weather", "arguments": OSLO})
    reply, _ = ask(openai, server, answered(old))
    assert reply.calls == (ToolCall("call_0", "weather", {"city": "Oslo"}),)


#: The same answer, each time in another dress.
ANSWERS = {
    "without a reason to finish": streamed(chunk(content=WELL), DONE),
    "without blank lines": streamed(
        *(f"data: {json.dumps(p)}\n" for p in (chunk(content=WELL[:9]), chunk(content=WELL[9:]))),
        f"data: {json.dumps(chunk('stop'))}\n",
        "data: [DONE]\n",
    ),
    "without blank lines and end": streamed(
        f"data: {json.dumps(chunk(content=WELL))}\ndata: {json.dumps(chunk('stop'))}"
    ),
    "under the type of JSON": Sends(
        streamed(": hello\n\n", chunk(content=WELL), chunk("stop"), DONE).body, "application/json"
    ),
    "under the type of a text": Sends(
        streamed(chunk(content=WELL), chunk("stop"), DONE).body, "text/plain"
    ),
    "with a byte-order mark": streamed("\ufeff", chunk(content=WELL), chunk("stop"), DONE),
    "a whole with a byte-order mark": Sends(
        b"\xef\xbb\xbf" + json.dumps(whole(content=WELL)).encode(), "text/event-stream"
    ),
    "a whole over several lines": Sends(
        json.dumps(whole(content=WELL), indent=2).encode(), "text/event-stream"
    ),
    "a JSON object a line": Sends(
        "\n".join(map(json.dumps, (chunk(content=WELL), chunk("stop")))).encode(), "x-ndjson"
    ),
    "the whole once more": streamed(chunk(content=WELL), whole("stop", content=WELL), DONE),
    "the whole once more as a piece": streamed(chunk(content=WELL), chunk("stop", content=WELL)),
    "the rest in a message": streamed(chunk(content=WELL[:4]), whole("stop", content=WELL)),
    "pieces called messages": streamed(
        whole(None, content=WELL[:4]), whole("stop", content=WELL[4:])
    ),
    "nothing but the text": answered({"choices": [{"message": {"content": WELL}}]}),
    "text in parts": answered(whole(content=[{"type": "text", "text": WELL}, None, {"text": 1}])),
    "thoughts": streamed(
        chunk(content="<thi"),
        chunk(content="nk>\nHow dull. <b>"),
        chunk(content=" No.\n</think"),
        chunk(content=">\n\n" + WELL),
        chunk("stop"),
    ),
    "thoughts twice": answered(
        whole(content=f"<think>a</think>\n<THINKING>b\n</THINKING>\n{WELL}")
    ),
    "thoughts without a beginning": answered(whole(content=f"So be it.\n</think>\n\n{WELL}")),
    "thoughts beside the text": streamed(
        chunk(reasoning_content="hm"), chunk(reasoning="hm", content=WELL), chunk("stop")
    ),
}


@pytest.mark.parametrize("sent", ANSWERS.values(), ids=ANSWERS)
def test_the_answer_is_read(openai: Provider, server: ScriptedServer, sent: Sends) -> None:
    reply, seen = ask(openai, server, sent)
    assert (reply.text, reply.finish) == (WELL, "stop")
    assert seen == WELL


@pytest.mark.parametrize("text", ["haha", "no no"])
def test_a_short_repetition_is_part_of_the_answer(
    openai: Provider, server: ScriptedServer, text: str
) -> None:
    half = text[: len(text) // 2]
    sent = streamed(chunk(content=half), chunk("stop", content=text.removeprefix(half)))
    assert ask(openai, server, sent)[0].text == text


FINISHES = [
    ("STOP", "stop"),
    ("eos_token", "stop"),
    ("End_Turn", "stop"),
    ("", "stop"),
    ("MAX_TOKENS", "length"),
    ("model_length", "length"),
    ("SAFETY", "refused"),
    ("content_filtered", "refused"),
    ("tool_calls", "stop"),  # and there is none
]


@pytest.mark.parametrize(("reason", "finish"), FINISHES)
def test_the_reason_to_finish_is_known_by_many_names(
    openai: Provider, server: ScriptedServer, reason: str, finish: str
) -> None:
    reply, _ = ask(openai, server, answered(whole(reason, content="half")))
    assert reply.finish == finish


FAILURES = {
    "error": answered(whole("error", content="The refund takes ")),
    "error in a stream": streamed(chunk(content="The refund "), chunk("error"), DONE),
    "a new reason": answered(whole("cosmic_rays", content="The refund takes ")),
    "abort": streamed(chunk(content="The"), chunk("abort"), DONE),
    "malformed": answered(whole("MALFORMED_FUNCTION_CALL", content="")),
    "an error beside the choice": streamed(
        chunk(content="The"),
        {"choices": [{"delta": {"content": ""}, "error": {"code": "502", "message": "x"}}]},
        DONE,
    ),
    "null choices and an error": answered(
        {"choices": None, "error": {"code": 500, "message": "x"}}
    ),
    "null choices": answered({"choices": None, "usage": None}),
    "only an end": streamed(DONE),
    "a choice of nothing": answered({"choices": [{}]}),
    "an answer that breaks off": streamed(chunk(content="The")),
}


@pytest.mark.parametrize("sent", FAILURES.values(), ids=FAILURES)
def test_what_did_not_end_well_is_no_answer(
    openai: Provider, server: ScriptedServer, sent: Sends
) -> None:
    with pytest.raises(ModelUnavailable):
        ask(openai, server, sent)


USAGES: list[tuple[Any, Usage]] = [
    ({"prompt_tokens": "12", "completion_tokens": 3.0}, Usage(12, 3)),
    ({"prompt_tokens": None, "completion_tokens": -1}, Usage()),
    ({"prompt_tokens": {}, "completion_tokens": "many", "prompt_tokens_details": 3}, Usage()),
    ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": "4"}}, Usage(9, 0, 4)),
    ({"prompt_tokens": True, "completion_tokens": 1e300}, Usage()),
    (None, Usage()),
    ([], Usage()),
    ("12", Usage()),
]


@pytest.mark.parametrize(("usage", "counted"), USAGES)
def test_tokens_are_counted_or_left_out(
    openai: Provider, server: ScriptedServer, usage: Any, counted: Usage
) -> None:
    assert ask(openai, server, answered(whole(content=WELL) | {"usage": usage}))[0].usage == counted


def message(**rest: Any) -> Json:
    return {"id": "m1", "type": "message", "role": "assistant", "content": []} | rest


def events(start: Json, block: Json, *deltas: Json, **rest: Any) -> Sends:
    found: list[Json] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "content_block": block, "index": 0},
        *({"type": "content_block_delta", "delta": delta, "index": 0} for delta in deltas),
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}} | rest,
        {"type": "message_stop"},
    ]
    return streamed(*found)


TEXT = {"type": "text_delta", "text": WELL}
BLOCKS = {
    "a block without text": events(message(), {"type": "text"}, TEXT),
    "a block of nothing": events({}, {}, TEXT),
    "null everywhere": events(
        message(usage=None, stop_reason=None, content=None), {"type": "text", "text": None}, TEXT
    ),
    "no type of a piece": events(message(), {"type": "text"}, {"text": WELL}),
    "counts as text": events(message(), {"type": "text"}, TEXT, usage={"output_tokens": "4"}),
    "whole, without usage": answered(message(content=[{"type": "text", "text": WELL}])),
    "whole, with thoughts": answered(
        message(content=[{"text": f"<thinking>Hm.</thinking> {WELL}"}, {"type": "thinking"}])
    ),
    "thoughts in pieces": events(
        message(), {"type": "text"}, {"text": "<thinking>H"}, {"text": "m</thinking>\n"}, TEXT
    ),
}


@pytest.mark.parametrize("sent", BLOCKS.values(), ids=BLOCKS)
def test_blocks_are_read(anthropic: Provider, server: ScriptedServer, sent: Sends) -> None:
    reply, seen = ask(anthropic, server, sent)
    assert (reply.text, reply.finish, seen) == (WELL, "stop", WELL)


CONVERSED: list[tuple[Json, str]] = [
    ({"stopReason": "end_turn"}, WELL),
    ({"stopReason": "end_turn", "usage": {"inputTokens": None}}, WELL),
    ({"stopReason": "malformed_model_output"}, ""),
    ({"stopReason": "malformed_tool_use"}, ""),
]


@pytest.mark.parametrize(("rest", "text"), CONVERSED)
def test_converse_is_read_or_failed(settings: Settings, rest: Json, text: str) -> None:
    model = Models(settings).provider(NAMES["bedrock"])
    said = {"text": f"<thinking>Nova thinks aloud.</thinking>\n{WELL}"}
    body = {"output": {"message": {"content": [{"reasoningContent": {}}, said]}}} | rest
    if text:
        assert model.read(body).text == text  # type: ignore[attr-defined]
    else:
        with pytest.raises(ModelUnavailable, match="malformed"):
            model.read(body)  # type: ignore[attr-defined]


THOUGHTS = [
    ("plain", "plain"),
    ("", ""),
    ("<think>a</think>b", "b"),
    ("<think>a</think>  \n\n  b", "b"),
    ("  <thinking>a\n\nb</thinking>\nc\n", "c\n"),
    ("a\n<think>b</think>\nc", "a\nc"),
    ("<think>cut off", ""),
    ("Write <think> here, and </think> there", "Write <think> here, and </think> there"),
    ("```html\n<think>\n```\nb", "```html\n<think>\n```\nb"),
    ("<thinker>a</thinker>", "<thinker>a</thinker>"),
    ("<think", "<think"),
    ("思考\n<think>不\n</think>\n好 🎉", "思考\n好 🎉"),
]


@pytest.mark.parametrize(("text", "shown"), THOUGHTS)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_thoughts_are_left_out_however_they_come(text: str, shown: str, size: int) -> None:
    thoughts = Thoughts()
    pieces = [thoughts.without(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join([*pieces, thoughts.rest()]) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hm\n</think>\na", "a"),
        ("the tag </think> ends it", "the tag </think> ends it"),
        ("```\n</think>\n```\na", "```\n</think>\n```\na"),
    ],
)
def test_thoughts_without_a_beginning_are_left_out(text: str, shown: str) -> None:
    assert without_unopened(text) == shown
