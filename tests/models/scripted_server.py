"""A model server on loopback that says what a test scripts, in each wire format, and fails in each
way that real ones do."""

import json
import struct
import threading
from base64 import b64encode
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self
from zlib import crc32

Json = dict[str, Any]


@dataclass(frozen=True)
class Says:
    """An answer. `bytewise` sends each byte of it on its own; `breaks_off` closes in its middle;
    `pause` is how many seconds lie between the pieces of a stream."""

    text: str = "ok"
    finish: str = "stop"
    calls: tuple[tuple[str, str], ...] = ()
    cached: int = 0
    bytewise: bool = False
    pause: float = 0.0
    breaks_off: bool = False
    fails_inside: str = ""


@dataclass(frozen=True)
class Fails:
    """A status with an error body in the style of the wire."""

    status: int
    code: str = ""
    message: str = "no"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sends:
    """Raw bytes with a good status."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200


@dataclass(frozen=True)
class Hangs:
    """Silence, or `drip` sent again and again, until the test is over."""

    drip: bytes = b""


Turn = Says | Fails | Sends | Hangs


class Seen(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: Json
    connection: tuple[str, int]


class ScriptedServer:
    """Answers each request with the next turn of its script, and remembers what it was asked."""

    def __init__(self) -> None:
        self.script: deque[Turn] = deque()
        self.seen: list[Seen] = []
        self.over = threading.Event()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"script": self}))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def says(self, *turns: Turn) -> None:
        self.script.extend(turns)

    def turn(self, seen: Seen) -> Turn:
        """Return the answer to a request."""
        return self.script.popleft() if self.script else Says()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: ScriptedServer

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(length) or b"{}")
        seen = Seen(self.path, dict(self.headers), body, self.client_address)
        self.script.seen.append(seen)
        turn = self.script.turn(seen)
        _WIRES[_wire(self.path)](self, seen, turn)

    def answer(
        self, status: int, body: bytes, kind: str, headers: Mapping[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, kind: str, pieces: Iterator[bytes], turn: Says) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        parts = list(pieces)
        if turn.breaks_off:
            parts = parts[: len(parts) // 2]
        if turn.bytewise:
            parts = [bytes([byte]) for part in parts for byte in part]
        for part in parts:
            self.script.over.wait(turn.pause)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        if turn.breaks_off:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def hang(self, turn: Hangs) -> None:
        self.close_connection = True
        if turn.drip:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
        with suppress(OSError):
            while not self.script.over.wait(0.05):
                self.wfile.write(turn.drip)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


def _wire(path: str) -> str:
    if path.startswith("/model/"):
        return "bedrock"
    return "anthropic" if path.endswith("/messages") else "openai"


def _openai(handler: Any, seen: Seen, turn: Turn) -> None:
    if isinstance(turn, Hangs):
        handler.hang(turn)
    elif isinstance(turn, Sends):
        handler.answer(turn.status, turn.body, turn.content_type)
    elif isinstance(turn, Fails):
        error = {"message": turn.message, "type": "error", "code": turn.code or None}
        body = json.dumps({"error": error}).encode()
        handler.answer(turn.status, body, "application/json", turn.headers)
    elif seen.path.endswith("/embeddings"):
        packed = seen.body.get("encoding_format") == "base64"
        rows = [
            {"index": i, "embedding": _packed(row) if packed else row}
            for i, row in enumerate(_rows(seen.body["input"], seen.body.get("dimensions", 768)))
        ]
        answer = {"data": rows[::-1], "usage": {"prompt_tokens": 3 * len(rows)}}
        handler.answer(200, json.dumps(answer).encode(), "application/json")
    elif seen.body.get("stream"):
        pieces = (f"data: {event}\n\n".encode() for event in _openai_events(turn))
        handler.stream("text/event-stream; charset=utf-8", pieces, turn)
    else:
        handler.answer(200, json.dumps(_openai_whole(turn)).encode(), "application/json")


def _rows(texts: list[str], size: int) -> list[list[float]]:
    """A vector per text that says how long the text is."""
    return [[float(len(text))] + [1.0] * (size - 1) for text in texts]


def _packed(row: list[float]) -> str:
    return b64encode(struct.pack(f"<{len(row)}f", *row)).decode()


_OPENAI_FINISH = {"tools": "tool_calls", "refused": "content_filter"}


def _openai_usage(turn: Says) -> Json:
    details = {"cached_tokens": turn.cached}
    return {"prompt_tokens": 12, "completion_tokens": 5, "prompt_tokens_details": details}


def _openai_calls(turn: Says) -> list[Json]:
    return [
        {
            "index": i,
            "id": f"call_{i}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        for i, (name, arguments) in enumerate(turn.calls)
    ]


def _openai_whole(turn: Says) -> Json:
    message: Json = {"role": "assistant", "content": turn.text}
    if turn.calls:
        message["tool_calls"] = _openai_calls(turn)
    finish = _OPENAI_FINISH.get(turn.finish, turn.finish)
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"choices": [choice], "usage": _openai_usage(turn)}


def _openai_events(turn: Says) -> Iterator[str]:
    def event(delta: Json, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return json.dumps({"choices": [choice]}, ensure_ascii=False)

    yield event({"role": "assistant", "content": ""})
    for start in range(0, len(turn.text), 3):
        yield event({"content": turn.text[start : start + 3]})
    for call in _openai_calls(turn):
        arguments = call["function"]["arguments"]
        half = len(arguments) // 2
        first = {**call, "function": {**call["function"], "arguments": arguments[:half]}}
        yield event({"tool_calls": [first]})
        rest = {"index": call["index"], "function": {"arguments": arguments[half:]}}
        yield event({"tool_calls": [rest]})
    if turn.fails_inside:
        yield json.dumps({"error": {"message": "no", "code": turn.fails_inside}})
        return
    yield event({}, _OPENAI_FINISH.get(turn.finish, turn.finish))
    yield json.dumps({"choices": [], "usage": _openai_usage(turn)})
    yield "[DONE]"


def _anthropic(handler: Any, seen: Seen, turn: Turn) -> None:
    if isinstance(turn, Hangs):
        handler.hang(turn)
    elif isinstance(turn, Sends):
        handler.answer(turn.status, turn.body, turn.content_type)
    elif isinstance(turn, Fails):
        body = json.dumps(_anthropic_error(turn.code or _ANTHROPIC_ERRORS[turn.status], turn))
        handler.answer(turn.status, body.encode(), "application/json", turn.headers)
    elif seen.body.get("stream"):
        pieces = (
            f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
            for event in _anthropic_events(turn)
        )
        handler.stream("text/event-stream; charset=utf-8", pieces, turn)
    else:
        handler.answer(200, json.dumps(_anthropic_whole(turn)).encode(), "application/json")


#: https://platform.claude.com/docs/en/api/errors
_ANTHROPIC_ERRORS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "api_error",
    503: "api_error",
    529: "overloaded_error",
}
_ANTHROPIC_FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tools": "tool_use",
    "refused": "refusal",
}


def _anthropic_error(code: str, turn: Fails | Says) -> Json:
    said = turn.message if isinstance(turn, Fails) else "no"
    return {"type": "error", "error": {"type": code, "message": said}, "request_id": "req_1"}


def _anthropic_message(turn: Says, content: list[Json], output: int) -> Json:
    usage = {"cache_read_input_tokens": turn.cached, "cache_creation_input_tokens": 0}
    usage |= {"input_tokens": 12 - turn.cached, "output_tokens": output}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude"}
    return message | {"content": content, "stop_reason": None, "usage": usage}


def _anthropic_whole(turn: Says) -> Json:
    content: list[Json] = [{"type": "text", "text": turn.text}] if turn.text else []
    for i, (name, arguments) in enumerate(turn.calls):
        use = {"type": "tool_use", "id": f"toolu_{i}", "name": name}
        content.append(use | {"input": json.loads(arguments)})
    finish = _ANTHROPIC_FINISH.get(turn.finish, turn.finish)
    return _anthropic_message(turn, content, 5) | {"stop_reason": finish}


def _anthropic_events(turn: Says) -> Iterator[Json]:
    """https://platform.claude.com/docs/en/build-with-claude/streaming"""

    def block(index: int, start: Json, deltas: list[Json]) -> Iterator[Json]:
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}

    yield {"type": "message_start", "message": _anthropic_message(turn, [], 1)}
    thought = {"type": "thinking_delta", "thinking": "Well."}
    yield from block(0, {"type": "thinking", "thinking": "", "signature": ""}, [thought])
    yield {"type": "ping"}
    pieces = [turn.text[start : start + 3] for start in range(0, len(turn.text), 3)]
    texts: list[Json] = [{"type": "text_delta", "text": piece} for piece in pieces]
    yield from block(1, {"type": "text", "text": ""}, texts)
    for i, (name, arguments) in enumerate(turn.calls):
        half = len(arguments) // 2
        parts = ["", arguments[:half], arguments[half:]]
        inputs: list[Json] = [{"type": "input_json_delta", "partial_json": part} for part in parts]
        start = {"type": "tool_use", "id": f"toolu_{i}", "name": name, "input": {}}
        yield from block(i + 2, start, inputs)
    if turn.fails_inside:
        yield _anthropic_error(turn.fails_inside, turn)
        return
    ended = {"stop_reason": _ANTHROPIC_FINISH.get(turn.finish, turn.finish), "stop_sequence": None}
    yield {"type": "message_delta", "delta": ended, "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


def _bedrock(handler: Any, seen: Seen, turn: Turn) -> None:
    if isinstance(turn, Hangs):
        handler.hang(turn)
    elif isinstance(turn, Sends):
        handler.answer(turn.status, turn.body, turn.content_type)
    elif isinstance(turn, Fails):
        headers = {"x-amzn-errortype": turn.code or _ERRORS[turn.status], **turn.headers}
        body = json.dumps({"message": turn.message}).encode()
        handler.answer(turn.status, body, "application/json", headers)
    elif seen.path.endswith("/invoke"):
        body = json.dumps(_bedrock_vectors(seen.body)).encode()
        handler.answer(200, body, "application/json", {"x-amzn-bedrock-input-token-count": "3"})
    elif seen.path.endswith("/converse-stream"):
        pieces = (event_frame(kind, payload) for kind, payload in _bedrock_events(turn))
        handler.stream("application/vnd.amazon.eventstream", pieces, turn)
    else:
        handler.answer(200, json.dumps(_bedrock_whole(turn)).encode(), "application/json")


def _bedrock_vectors(body: Json) -> Json:
    """Titan's answer, or Cohere's: by type where types were asked for.

    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html,
    https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
    """
    if "inputText" in body:
        [row] = _rows([body["inputText"]], body["dimensions"])
        return {"embedding": row, "inputTextTokenCount": 3, "embeddingsByType": {"float": row}}
    rows = _rows(body["texts"], body.get("output_dimension", 1024))
    if "embedding_types" in body:
        return {"embeddings": {"float": rows}, "response_type": "embeddings_by_type"}
    return {"embeddings": rows, "response_type": "embeddings_floats", "texts": body["texts"]}


_ERRORS = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_BEDROCK_FINISH = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tools": "tool_use",
    "refused": "guardrail_intervened",
}


def _bedrock_usage(turn: Says) -> Json:
    usage = {"inputTokens": 12 - turn.cached, "outputTokens": 5, "totalTokens": 17}
    return usage | {"cacheReadInputTokens": turn.cached}


def _bedrock_whole(turn: Says) -> Json:
    content: list[Json] = [{"text": turn.text}] if turn.text else []
    for i, (name, arguments) in enumerate(turn.calls):
        use = {"toolUseId": f"call_{i}", "name": name, "input": json.loads(arguments)}
        content.append({"toolUse": use})
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": _BEDROCK_FINISH[turn.finish],
        "usage": _bedrock_usage(turn),
        "metrics": {"latencyMs": 1},
    }


def _bedrock_events(turn: Says) -> Iterator[tuple[str, Json]]:
    yield "messageStart", {"role": "assistant"}
    for start in range(0, len(turn.text), 3):
        delta = {"text": turn.text[start : start + 3]}
        yield "contentBlockDelta", {"contentBlockIndex": 0, "delta": delta}
    for i, (name, arguments) in enumerate(turn.calls, 1):
        use = {"toolUse": {"toolUseId": f"call_{i - 1}", "name": name}}
        yield "contentBlockStart", {"contentBlockIndex": i, "start": use}
        half = len(arguments) // 2
        for part in (arguments[:half], arguments[half:]):
            piece = {"contentBlockIndex": i, "delta": {"toolUse": {"input": part}}}
            yield "contentBlockDelta", piece
        yield "contentBlockStop", {"contentBlockIndex": i}
    if turn.fails_inside:
        yield turn.fails_inside, {"message": "no"}
        return
    yield "messageStop", {"stopReason": _BEDROCK_FINISH[turn.finish]}
    yield "metadata", {"usage": _bedrock_usage(turn), "metrics": {"latencyMs": 1}}


def event_frame(kind: str, payload: Json) -> bytes:
    """Write one message of the binary event stream.

    https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
    """
    error = kind.endswith("Exception")
    named = {":exception-type": kind} if error else {":event-type": kind}
    fields = {":message-type": "exception" if error else "event"} | named
    fields[":content-type"] = "application/json"
    headers = b"".join(
        struct.pack("!B", len(name))
        + name.encode()
        + struct.pack("!BH", 7, len(value))
        + value.encode()
        for name, value in fields.items()
    )
    body = json.dumps(payload, ensure_ascii=False).encode()
    prelude = struct.pack("!II", len(headers) + len(body) + 16, len(headers))
    message = prelude + struct.pack("!I", crc32(prelude)) + headers + body
    return message + struct.pack("!I", crc32(message))


_WIRES = {"openai": _openai, "anthropic": _anthropic, "bedrock": _bedrock}
