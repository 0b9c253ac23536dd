"""A front door for tests of the Slack parts: it checks signatures, remembers what came and answers
as it is told."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qs

from slack_sdk.signature import SignatureVerifier

Json = dict[str, Any]
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


class Posted(NamedTuple):
    """One request: the body as JSON or as the fields of the form, header names in lower case."""

    path: str
    body: Json
    headers: dict[str, str]

    @property
    def event(self) -> Json:
        event: Json = self.body["event"]
        return event


class Planned(NamedTuple):
    """How to answer one request."""

    status: int = 200
    delay: float = 0.0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class RecordingFrontDoor:
    """Serves on loopback. A request that is not signed with SECRET gets 401 and is not kept."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []
        self.plan: list[Planned] = []
        self.stopping = threading.Event()
        door = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                door.handle(self)

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/base"

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        raw = request.rfile.read(int(request.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = Planned(401)
        if SignatureVerifier(SECRET).is_valid_request(raw, headers):
            self.posted.append(Posted(request.path, _body(raw, headers), headers))
            answer = self.plan.pop(0) if self.plan else Planned()
        self.stopping.wait(answer.delay)
        try:
            request.send_response(answer.status)
            for name, value in (*answer.headers, ("Content-Length", str(len(answer.body)))):
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(answer.body)
        except ConnectionError:
            return  # the other side did not wait

    def events(self, kind: str) -> list[Json]:
        """The events of one type that came, in their order."""
        return [p.event for p in self.posted if p.path.endswith("/events") and _kind(p) == kind]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _kind(posted: Posted) -> str:
    return str(posted.event["type"])


def _body(raw: bytes, headers: dict[str, str]) -> Json:
    if headers["content-type"] == "application/json":
        body: Json = json.loads(raw)
        return body
    fields = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
    return json.loads(fields["payload"]) if "payload" in fields else fields
