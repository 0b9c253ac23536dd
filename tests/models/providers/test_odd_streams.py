"""More of what servers really send: lines, ends, errors and repetitions in other shapes."""

import json
from typing import Any

import pytest

from shared.errors import ModelRejected, ModelUnavailable
from shared.models import Provider, Usage
from shared.models.providers.bedrock.wire import ConverseReader
from shared.models.providers.event_stream import lines_of
from shared.models.providers.openai.embeddings import _in_order
from shared.models.providers.thoughts import Thoughts, without_unopened
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.conftest import NAMES
from tests.models.providers.test_odd_replies import (
    ASK,
    BERGEN,
    DONE,
    OSLO,
    TEXT,
    WELL,
    Json,
    answered,
    ask,
    call,
    chunk,
    events,
    message,
    more,
    streamed,
    whole,
)
from tests.models.scripted_server import ScriptedServer, Sends

ALL = [chunk(content=WELL[:9]), chunk(content=WELL[9:]), chunk("stop")]
SSE = b"".join(f"data: {json.dumps(piece)}\n\n".encode() for piece in ALL) + DONE.encode()
LINES = [json.dumps(piece) for piece in ALL]


@pytest.fixture
def openai(settings: Settings) -> Provider:
    return Models(settings).provider(NAMES["openai"])


@pytest.fixture
def anthropic(settings: Settings) -> Provider:
    return Models(settings).provider(NAMES["anthropic"])


def sse(body: bytes | str, kind: str = "text/event-stream") -> Sends:
    return Sends(body.encode() if isinstance(body, str) else body, kind)


def fielded(*lines: str, end: str = "\n\n") -> Sends:
    return sse("".join(line + end for line in lines))


STREAMS = {
    "CRLF": sse(SSE.replace(b"\n", b"\r\n")),
    "CR": sse(SSE.replace(b"\n", b"\r")),
    "CR without blank lines": sse(SSE.replace(b"\n\n", b"\r")),
    "a byte-order mark and CRLF": sse(b"\xef\xbb\xbf" + SSE.replace(b"\n", b"\r\n")),
    "a byte-order mark under JSON": sse(b"\xef\xbb\xbf" + SSE, "application/json; charset=utf-8"),
    "no type at all": sse(SSE, ""),
    "octets": sse(SSE, "application/octet-stream"),
    "blank lines first": sse(b"\r\n\n\n" + SSE),
    "no blank behind the colon": sse(SSE.replace(b"data: ", b"data:")),
    "blanks around": sse(SSE.replace(b"data: ", b"  data :   ")),
    "capitals": sse(SSE.replace(b"data:", b"DATA:")),
    "blanks behind the end": sse(SSE.replace(b"[DONE]", b"[DONE] \t")),
    "a small end": sse(SSE.replace(b"[DONE]", b"[done]")),
    "an end in quotes": sse(SSE.replace(b"[DONE]", b'"[DONE]"')),
    "an end without its field": sse(SSE.replace(b"data: [DONE]", b"[DONE]")),
    "signs of life": fielded(
        "data:",
        "data: ",
        ": hi",
        "data: ping",
        "data: null",
        'data: "alive"',
        "event: ping",
        *(f"data: {line}" for line in LINES),
    ),
    "the end alone, no reason": streamed(*ALL[:2], DONE),
    "the reason null as text": streamed(chunk("null", content=WELL), chunk("None"), DONE),
    "an object over several lines": sse(
        "".join(f"data: {json.dumps(p, indent=1)}\n\n" for p in ALL) + DONE
    ),
    "several fields for an object": sse(
        "".join(
            "".join(f"data: {line}\n" for line in json.dumps(p, indent=1).split("\n")) + "\n"
            for p in ALL
        )
    ),
    "one object behind the other": sse("".join(LINES), "text/plain"),
    "objects in a list": sse("[" + "\n,\n".join(LINES) + "]", "application/json;x"),
    "objects with CR": sse("\r".join(LINES), "application/jsonl"),
    "objects and the end": sse("\n".join([*LINES, "[DONE]"]), "application/jsonl"),
    "names of events": sse("".join(f"event: message\ndata: {line}\n\n" for line in LINES)),
    "names without blank lines": sse("".join(f"event: x\ndata: {line}\n" for line in LINES)),
    "ids and times to wait": sse("".join(f"id: 1\nretry: 3\ndata: {line}\n\n" for line in LINES)),
    "a choice in place of a list": streamed(
        {"choices": {"delta": {"content": WELL}, "finish_reason": "STOP "}}
    ),
    "the format of completions": streamed({"choices": [{"text": WELL, "finish_reason": "stop"}]}),
    "an error of nothing": streamed(
        {"error": None} | chunk(content=WELL), {"error": {"code": None}} | chunk("stop")
    ),
    "all once more, stripped": streamed(
        chunk(content="\n\n" + WELL[:5]),
        chunk(content=WELL[5:] + "\n"),
        whole("stop", content=WELL),
    ),
    "all once more, before the end": streamed(*ALL[:2], chunk(content=WELL), chunk("stop"), DONE),
    "all once more, without thoughts": streamed(
        chunk(content=f"<think>Hm.</think>{WELL}"), whole("stop", content=WELL), DONE
    ),
    "all so far in each piece": streamed(
        whole(None, content=WELL[:4]), whole(None, content=WELL[:9]), whole("stop", content=WELL)
    ),
    "thoughts as parts": streamed(
        chunk(content=[{"type": "thinking", "text": "Hm."}, {"type": "text", "text": WELL}]),
        chunk("stop"),
    ),
}


@pytest.mark.parametrize("sent", STREAMS.values(), ids=STREAMS)
def test_the_same_stream_in_any_dress(
    openai: Provider, server: ScriptedServer, sent: Sends
) -> None:
    server.says(sent)
    *pieces, last = openai.stream(ASK, 5)
    assert last.reply
    assert (last.reply.text.strip(), last.reply.finish) == (WELL, "stop")
    assert "".join(piece.text for piece in pieces).strip() == WELL


WHOLES = {
    "a stream": sse(SSE),
    "a stream under JSON": sse(SSE, "application/json"),
    "a stream with CR": sse(SSE.replace(b"\n", b"\r")),
    "objects": sse("\n".join(LINES), "application/json"),
    "a list of one": answered([whole(content=WELL)]),  # type: ignore[arg-type]
    "content as one part": answered(whole(content={"type": "text", "text": WELL})),
    "no reason, no role": answered({"choices": [{"message": {"content": WELL}}], "usage": "?"}),
}


@pytest.mark.parametrize("sent", WHOLES.values(), ids=WHOLES)
def test_what_was_asked_for_whole_may_come_as_a_stream(
    openai: Provider, server: ScriptedServer, sent: Sends
) -> None:
    server.says(sent)
    assert openai.reply(ASK, 5).text == WELL


FAILED = {
    "an event called error": fielded(
        f"data: {LINES[0]}", 'event: error\ndata: {"message": "x"}', "data: [DONE]"
    ),
    "an event called error, in words": fielded(
        f"data: {LINES[0]}", "event: error\ndata: oh no", "data: [DONE]"
    ),
    "a field called error": fielded(
        f"data: {LINES[0]}", 'error: {"code": 500, "message": "x"}', "data: [DONE]"
    ),
    "an error in words": streamed(ALL[0], {"error": "overloaded"}, DONE),
    "an error in a list": streamed(ALL[0], {"error": [{"message": "x"}]}, DONE),
    "errors": streamed(ALL[0], {"errors": ["x"]}, DONE),
    "a detail": streamed(ALL[0], {"detail": "x"}, DONE),
    "a message and a code": streamed(ALL[0], {"code": 1302, "msg": "busy"}, DONE),
    "an object called error": streamed({"object": "error", "message": "x", "code": 50001}),
    "an error of an unknown kind": streamed(ALL[0], {"error": {"type": "engine_is_full"}}, DONE),
    "an error within an error": streamed(ALL[0], {"error": {"error": {"code": "503"}}}, DONE),
    "a whole error": answered({"error": {"message": "x", "status_code": "529"}}),
    "a whole error in a list": answered([{"error": {"message": "x", "code": 500}}]),  # type: ignore[arg-type]
    "words alone": answered({"message": "x"}),
    "the end, in small letters": sse("data: [done]\n\n"),
    "the end twice": sse("data: [DONE]\n\ndata: [DONE]\n\n"),
    "only tokens and the end": streamed({"choices": [], "usage": {"prompt_tokens": 3}}, DONE),
    "only signs of life": fielded(": hi", "data: ping", "data: [DONE]"),
    "half an object": sse(SSE[:40]),
    "half an object, then the end": sse(SSE[:40] + b"\n\n" + DONE.encode()),
    "a reason of its own": streamed(ALL[0], chunk("FINISH_REASON_UNSPECIFIED"), DONE),
    "malformed": answered(whole("malformed_tool_use", content=WELL)),
    "no list of choices": answered({"choices": 3}),
    "a null message": answered({"choices": [{"message": None}]}),
    "nothing": sse(b""),
    "null": answered(None),  # type: ignore[arg-type]
    "a text": answered("hello"),  # type: ignore[arg-type]
    "an empty list": answered([]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("sent", FAILED.values(), ids=FAILED)
def test_a_failure_in_a_good_answer_is_one_and_may_pass(
    openai: Provider, server: ScriptedServer, sent: Sends, streams: bool
) -> None:
    server.says(sent)
    with pytest.raises(ModelUnavailable):
        list(openai.stream(ASK, 5)) if streams else openai.reply(ASK, 5)


@pytest.mark.parametrize(
    "error",
    [
        {"type": "invalid_request_error", "message": "x"},
        {"code": "context_length_exceeded"},
        {"code": 400, "message": "x"},
        {"type": "authentication_error"},
        {"code": "model_not_found"},
        [{"error": {"status": 422}}],
    ],
)
def test_a_refusal_in_a_good_answer_is_final(
    openai: Provider, server: ScriptedServer, error: Any
) -> None:
    for sent in (answered({"error": error}), streamed(ALL[0], {"error": error}, DONE)):
        with pytest.raises(ModelRejected):
            ask(openai, server, sent)


ENDS = [
    ("FinishReason.STOP", "stop"),
    ("finish_reason_max_tokens", "length"),
    ("end-turn", "stop"),
    ("<|im_end|>", "stop"),
    ("maxTokens", "length"),
    (" Stop ", "stop"),
    ("contentFilter", "refused"),
]


@pytest.mark.parametrize(("name", "finish"), ENDS)
def test_the_reason_may_be_written_in_any_way(
    openai: Provider, server: ScriptedServer, name: str, finish: str
) -> None:
    assert ask(openai, server, answered(whole(name, content=WELL)))[0].finish == finish


CALLS = {
    "a call in place of a list": answered(whole(tool_calls=call(OSLO))),
    "ids as numbers": answered(whole(tool_calls=[call(OSLO, id=7)])),
    "indexes below zero": streamed(
        chunk(tool_calls=[call(OSLO[:5], index=-1, id="a")]),
        chunk(tool_calls=[more(OSLO[5:], index=-1)]),
        chunk("tool_calls"),
    ),
    "a null function": answered(
        whole(tool_calls=[{"id": "a", "function": None, "name": "weather", "arguments": OSLO}])
    ),
    "a stream that was not asked for": streamed(
        chunk(tool_calls=[call(OSLO, index=None)]), chunk("stop"), DONE
    ),
    "the call once more at the end": streamed(
        chunk(tool_calls=[call(OSLO, index=0, id="a")]),
        chunk("tool_calls", tool_calls=[call(OSLO, index=0, id="a")]),
    ),
    "the call once more, without id": streamed(
        chunk(tool_calls=[call(OSLO[:4], index=0)]),
        chunk(tool_calls=[more(OSLO[4:], index=0)]),
        chunk("tool_calls", tool_calls=[call(OSLO, index=0)]),
    ),
    "JSON in a string in a string": answered(whole(tool_calls=[call(json.dumps(OSLO))])),
    "thoughts first": streamed(
        chunk(content="<think>Oslo, "),
        chunk(content="then.</think>"),
        chunk(tool_calls=[call(OSLO, index=0)]),
        chunk("tool_calls"),
        DONE,
    ),
}


@pytest.mark.parametrize("sent", CALLS.values(), ids=CALLS)
def test_a_call_is_read(openai: Provider, server: ScriptedServer, sent: Sends) -> None:
    reply, seen = ask(openai, server, sent)
    assert (reply.finish, seen, reply.text) == ("tools", "", "")
    assert [c.arguments for c in reply.calls] == [{"city": "Oslo"}]


def test_two_equal_calls_are_two_where_the_server_says_so(
    openai: Provider, server: ScriptedServer
) -> None:
    for rest in ([{"index": 0}, {"index": 1}], [{"id": "a"}, {"id": "b"}]):
        pieces = [chunk(tool_calls=[call(OSLO, **each)]) for each in rest]
        reply, _ = ask(openai, server, streamed(*pieces, chunk("tool_calls"), DONE))
        assert len(reply.calls) == 2


def test_thoughts_in_the_arguments_of_a_call_stay(openai: Provider, server: ScriptedServer) -> None:
    written = {"city": "<think>Oslo</think>\n<think>x"}
    sent = answered(whole(tool_calls=[call(json.dumps(written))]))
    assert ask(openai, server, sent)[0].calls[0].arguments == written


def test_what_a_server_does_not_count_has_no_known_cost(
    openai: Provider, server: ScriptedServer, settings: Settings
) -> None:
    sent = answered(whole(content=WELL) | {"usage": None})
    assert ask(openai, server, sent)[0].cost is None
    free = settings._replace(model_prices=f"{NAMES['openai']}=0/0/0")
    assert ask(Models(free).provider(NAMES["openai"]), server, sent)[0].cost == 0
    tokens = {"usage": {"input_tokens": "12", "output_tokens": 3}}
    assert ask(openai, server, answered(whole(content=WELL) | tokens))[0].usage == Usage(12, 3)


START: Json = {"type": "message_start", "message": message()}
OPEN: Json = {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}}
STOP: Json = {"type": "message_stop"}


def delta(text: str, index: object = 0, **rest: Any) -> Json:
    said = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": index, "delta": said} | rest


def typeless(*pieces: Json) -> Sends:
    lines = [(p["type"], {k: v for k, v in p.items() if k != "type"}) for p in pieces]
    return sse("".join(f"event: {name}\ndata: {json.dumps(p)}\n\n" for name, p in lines))


MESSAGES = {
    "no reason to stop": streamed(START, OPEN, delta(WELL), STOP),
    "the end of the other wire": streamed(START, OPEN, delta(WELL), DONE),
    "types by the names of events": typeless(START, OPEN, delta(WELL), STOP),
    "CR": sse(events(message(), {"type": "text"}, TEXT).body.replace(b"\n", b"\r")),
    "a null type of a block": events(message(), {"type": None, "text": None}, TEXT),
    "no type of a message": answered({"content": [{"text": WELL}], "stop_reason": "END_TURN"}),
    "content as text": answered(message(content=WELL)),
    "a stream that was not asked for": sse(
        events(message(), {"type": "text"}, TEXT).body, "application/json"
    ),
    "all once more": streamed(
        START,
        OPEN,
        delta(WELL[:5]),
        delta(WELL[5:]),
        delta(WELL),
        message(content=[{"type": "text", "text": WELL}], stop_reason="end_turn"),
        STOP,
    ),
    "the beginning of a block once more": streamed(
        START,
        {"type": "content_block_start", "content_block": {"type": "text", "text": WELL}},
        delta(WELL),
        STOP,
    ),
    "blocks that repeat at their end": streamed(
        START,
        OPEN,
        delta(WELL),
        {"type": "content_block_stop", "content_block": {"type": "text", "text": WELL}},
        STOP,
    ),
    "thoughts of Nova cut anywhere": streamed(
        START,
        OPEN,
        delta("<thin"),
        delta("king>Hm"),
        delta(". </thi"),
        delta(f"nking>\n{WELL}"),
        STOP,
    ),
    "tokens as a text": events(message(usage="12"), {"type": "text"}, TEXT, usage=[]),
}


@pytest.mark.parametrize("sent", MESSAGES.values(), ids=MESSAGES)
def test_a_message_in_any_dress(anthropic: Provider, server: ScriptedServer, sent: Sends) -> None:
    reply, seen = ask(anthropic, server, sent)
    assert (reply.text, reply.finish, seen) == (WELL, "stop", WELL)


def use(arguments: str, index: object = 0, **rest: Any) -> list[Json]:
    block = {"type": "tool_use", "id": "", "name": "weather", "input": {}} | rest
    piece = {"type": "input_json_delta", "partial_json": arguments}
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        {"type": "content_block_delta", "index": index, "delta": piece},
    ]


USES = {
    "one number for all": streamed(START, *use(OSLO), *use(BERGEN), STOP),
    "no numbers": streamed(START, *use(OSLO, None), *use(BERGEN, None), STOP),
    "whole": answered(
        message(
            content=[
                {"name": "weather", "input": OSLO},
                {"type": "tool_use", "name": "weather", "input": json.loads(BERGEN)},
            ]
        )
    ),
}


@pytest.mark.parametrize("sent", USES.values(), ids=USES)
def test_two_uses_are_two(anthropic: Provider, server: ScriptedServer, sent: Sends) -> None:
    reply, _ = ask(anthropic, server, sent)
    assert [c.arguments["city"] for c in reply.calls] == ["Oslo", "Bergen"]
    assert reply.finish == "tools"


@pytest.mark.parametrize(
    "sent",
    [
        streamed(START, OPEN, delta(WELL)),
        streamed(START, OPEN, delta(WELL), {"type": "error", "error": None}, STOP),
        fielded(f"data: {json.dumps(START)}", "event: error\ndata: {}"),
        answered({"type": "message", "content": None}),
        answered({"type": "error"}),
    ],
)
def test_a_message_that_failed_is_none(
    anthropic: Provider, server: ScriptedServer, sent: Sends
) -> None:
    with pytest.raises(ModelUnavailable):
        ask(anthropic, server, sent)


def test_a_conversation_stream_in_any_dress() -> None:
    reader = ConverseReader()
    tool = {"toolUse": {"toolUseId": None, "name": "weather"}}
    said = [
        {"contentBlockDelta": {"delta": {"text": piece}}}
        for piece in ("<thin", "king>", "Hm</thinking>", WELL[:9], WELL[9:], WELL)
    ]
    sent: list[Any] = [
        {"messageStart": None},
        *said,
        *({"contentBlockStart": {"start": tool}}, {"contentBlockStart": None}),
        {"contentBlockDelta": {"contentBlockIndex": "0", "delta": {"toolUse": {"input": OSLO}}}},
        {"contentBlockStart": {"contentBlockIndex": 0, "start": tool}},
        {"contentBlockDelta": {"delta": {"toolUse": {"input": BERGEN}}}},
        {"contentBlockDelta": None},
        {"messageStop": {}},
        {"metadata": {"usage": "12"}},
    ]
    for event in sent:
        reader.add(event)
    reader.rest()
    assert (reader.text, reader.outcome(), reader.failed) == (WELL, "tools", False)
    assert [json.loads(c["input"])["city"] for c in reader._calls.values()] == ["Oslo", "Bergen"]


THOUGHTS = [
    ("<think>a<think>b</think>c</think>d", "d"),
    ("<think>I may write <think> here.</think>\nanswer", "answer"),
    ("<thinking>a</thinking><think>b</think>c", "c"),
    ('<think class="x">a</think >b', "b"),
    ("[THINK]a[/THINK]\nb", "b"),
    ("<thought>a</thought>b", "b"),
    ("<reasoning>\na\n</reasoning>\n\nb", "b"),
    ("\ufeff<think>a</think>b", "b"),
    ("<thinking>\nnever closed\n```\n", ""),
    ("<thoughtful>", "<thoughtful>"),
    ("~~~\n<think>\n~~~\n<think>a</think>b", "~~~\n<think>\n~~~\nb"),
    ("a\n\n<Thinking>b\n</Thinking>", "a\n\n"),
    ("</think>", "</think>"),
    ('{"a": "<think>b</think>"}', '{"a": "<think>b</think>"}'),
]


@pytest.mark.parametrize(("text", "shown"), THOUGHTS)
@pytest.mark.parametrize("size", [1, 4, 7, 1000])
def test_thoughts_of_any_form_are_left_out(text: str, shown: str, size: int) -> None:
    thoughts = Thoughts()
    pieces = [thoughts.without(text[at : at + size]) for at in range(0, len(text), size)]
    assert "".join([*pieces, thoughts.rest()]) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hm. So be it.</think>\n\na", "a"),
        ("hm\n</think>a", "a"),
        ("hm\n</thinking >\na", "a"),
        ("hm\n[/THINK]\na", "a"),
        ("</think>\n\na", "a"),
    ],
)
def test_the_end_of_thoughts_begins_or_ends_a_line(text: str, shown: str) -> None:
    assert without_unopened(text) == shown


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_lines_end_in_any_way_wherever_they_are_cut(end: bytes, size: int) -> None:
    text = end.join([b"a", b"", b"bc", b"\xc3\xa4", b"", b"", b"d"]) + end
    chunks = (text[at : at + size] for at in range(0, len(text), size))
    assert list(lines_of(chunks)) == [b"a", b"", b"bc", b"\xc3\xa4", b"", b"", b"d"]


@pytest.mark.parametrize(
    "pieces",
    [
        [chunk(tool_calls=[call("{}", index=0, id="a")]), chunk(tool_calls=[more(OSLO, index=0)])],
        [chunk(tool_calls=[call(OSLO, index=0, id="a")]), chunk(tool_calls=[more(OSLO, index=0)])],
    ],
)
def test_arguments_that_begin_anew_take_the_place_of_the_first(
    openai: Provider, server: ScriptedServer, pieces: list[Json]
) -> None:
    reply, _ = ask(openai, server, streamed(*pieces, chunk("tool_calls"), DONE))
    assert [one.arguments for one in reply.calls] == [json.loads(OSLO)]


def test_an_input_may_stand_in_the_start_of_its_block_too(
    anthropic: Provider, server: ScriptedServer
) -> None:
    block = {"type": "tool_use", "id": "a", "name": "weather", "input": json.loads(OSLO)}
    delta = {"type": "input_json_delta", "partial_json": OSLO}
    pieces: list[Json] = [
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
    ]
    reply, _ = ask(anthropic, server, streamed(*pieces))
    assert [one.arguments for one in reply.calls] == [json.loads(OSLO)]


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (
            [chunk(content="Hello "), chunk(content="you"), chunk("stop", content="Hello you")],
            "Hello you",
        ),
        ([chunk(content="ha"), chunk("stop", content="ha")], "haha"),
        ([chunk(content=["all ", "well"]), chunk("stop")], "all well"),
        ([f"data: data: {json.dumps(piece)}\n\n" for piece in ALL], WELL),
        ([chunk(content="◁think▷hm◁/think▷well"), chunk("stop")], "well"),
        ([chunk(content="<seed:think>hm</seed:think>well"), chunk("stop")], "well"),
        (
            [
                chunk(content="<|begin_of_"),
                chunk(content="thought|>hm<|end_of_thought|>well"),
                chunk("stop"),
            ],
            "well",
        ),
    ],
)
def test_a_text_comes_once_without_thoughts_in_whatever_pieces(
    openai: Provider, server: ScriptedServer, pieces: list[Any], text: str
) -> None:
    reply, shown = ask(openai, server, streamed(*pieces, DONE))
    assert (reply.text, shown) == (text, text)


def test_vectors_are_put_in_order_also_when_a_server_counts_from_one() -> None:
    sent = {"data": [{"index": 2, "embedding": [2.0]}, {"index": "1", "embedding": [1.0]}]}
    assert _in_order(sent) == [[1.0], [2.0]]
