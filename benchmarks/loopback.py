"""What the measured system calls, on loopback: an SNS that takes everything, models that answer
after a fixed time, and a receiver of webhooks."""

import json
import queue
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

from shared.events import Json
from tests.models.scripted_server import event_frame

_PUBLISHED = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    b"<MessageId>567910cd-659e-55d4-8ccb-5aaf14679dc0</MessageId>"
    b"<SequenceNumber>10000000000000003000</SequenceNumber></PublishResult><ResponseMetadata>"
    b"<RequestId>d74b8436-ae13-5ab4-a9ff-ce54dfea72a0</RequestId></ResponseMetadata>"
    b"</PublishResponse>"
)


class ReceivedRequest(NamedTuple):
    """A request as it came in; the names of `headers` are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


AnswerRequest = Callable[[ReceivedRequest], bytes]


class Loopback:
    """A server that answers every POST with 200 and what `answer` gives; a context manager."""

    def __init__(self, answer: AnswerRequest, tls: ssl.SSLContext | None = None) -> None:
        handler = type("Handler", (_Handler,), {"answer": staticmethod(answer)})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    answer: AnswerRequest

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        answer = self.answer(ReceivedRequest(self.path, headers, body))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


def published(delivery: ReceivedRequest) -> bytes:
    """AnswerRequest as SNS does."""
    return _PUBLISHED


class Inbox:
    """Takes webhooks and hands them out in order."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[ReceivedRequest] = queue.SimpleQueue()

    def __call__(self, delivery: ReceivedRequest) -> bytes:
        self._queue.put(delivery)
        return b"{}"

    def next(self) -> ReceivedRequest:
        """Wait for the next webhook; raises queue.Empty after ten seconds."""
        return self._queue.get(timeout=10)


class ModelStandIn:
    """Models that answer after `delay` seconds, on OpenAI's wire and on Bedrock's, and remember how
    long each call took on their side."""

    def __init__(self, text: str, verdict: Json) -> None:
        self.delay = 0.0
        self.took: list[float] = []
        self._text = text
        self._verdict = verdict

    def __call__(self, delivery: ReceivedRequest) -> bytes:
        began = time.perf_counter()
        asked = json.loads(delivery.body)
        if delivery.path.endswith("/invoke"):
            return _embedding(asked["dimensions"])
        answer = self._bedrock(asked) if "/model/" in delivery.path else self._openai(asked)
        time.sleep(max(0.0, self.delay - (time.perf_counter() - began)))
        self.took.append(time.perf_counter() - began)
        if delivery.path.endswith("/converse-stream"):
            return _streamed(answer)
        return json.dumps(answer).encode()

    def _openai(self, asked: Json) -> Json:
        text = json.dumps(self._verdict) if "response_format" in asked else self._text
        choice = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 400, "completion_tokens": 40}
        return {"choices": [{"index": 0, **choice}], "usage": usage}

    def _bedrock(self, asked: Json) -> Json:
        content: list[Json] = [{"text": self._text}]
        if forced := asked.get("toolConfig", {}).get("toolChoice", {}).get("tool"):
            use = {"toolUseId": "call_1", "name": forced["name"], "input": self._verdict}
            content = [{"toolUse": use}]
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": "tool_use" if forced else "end_turn",
            "usage": {"inputTokens": 400, "outputTokens": 40, "totalTokens": 440},
            "metrics": {"latencyMs": 1},
        }


def _streamed(answer: Json) -> bytes:
    """Write Bedrock's answer, which is text, as the events of a stream."""
    (block,) = answer["output"]["message"]["content"]
    metadata = {"usage": answer["usage"], "metrics": answer["metrics"]}
    events = (
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": block["text"]}}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": answer["stopReason"]}),
        ("metadata", metadata),
    )
    return b"".join(event_frame(kind, payload) for kind, payload in events)


def _embedding(dimensions: int) -> bytes:
    vector = [1.0] + [0.0] * (dimensions - 1)
    return json.dumps({"embedding": vector, "inputTextTokenCount": 3}).encode()
