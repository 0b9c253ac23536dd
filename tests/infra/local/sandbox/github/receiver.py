"""Stands where the ingress would: takes the sandbox's webhooks and keeps them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """Takes webhooks and answers with the statuses in `answers`, then with 200."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    delay: float = 0.0
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.received]

    @property
    def seen(self) -> list[str]:
        return [
            f"{headers['x-github-event']}.{payload['action']}"
            for (headers, _), payload in zip(self.received, self.payloads, strict=True)
        ]


@contextmanager
def receiving() -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.received.append(({k.lower(): v for k, v in self.headers.items()}, body))
            time.sleep(kept.delay)
            self.send_response(kept.answers.pop(0) if kept.answers else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        kept.url = f"http://127.0.0.1:{server.server_port}/github/webhook"
        try:
            yield kept
        finally:
            server.shutdown()
