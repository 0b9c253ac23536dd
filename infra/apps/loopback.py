"""A page on this machine alone that brings a filled manifest to GitHub, and hears the code that
GitHub sends the browser back with."""

import hmac
import html
import json
import queue
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit

from shared.errors import AgentFlowsError
from shared.events import Json

#: The path that GitHub sends the browser back to.
BACK = "/made"
#: Seconds that the browser waits to hear how it went.
_PATIENCE = 90.0

_PAGE = """<!doctype html><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui;max-width:36em;margin:4em auto;padding:0 1em}}</style>
<h1>{title}</h1>{body}"""
_FORM = """<p>GitHub shows the App's name next, and a button to create it.</p>
<form id="form" method="post" action="{action}"><input type="hidden" name="manifest"
 value="{manifest}"><button>Go on to GitHub</button></form>
<script>document.getElementById("form").submit()</script>"""


class PortTaken(AgentFlowsError):
    pass


class Loopback:
    """Listens on 127.0.0.1 as a context manager. `take` gets each code that comes with `state`, and
    returns what the browser shows; it runs in a thread of its own."""

    def __init__(self, port: int, state: str) -> None:
        """Raises PortTaken."""
        self._state = state
        self._codes: queue.SimpleQueue[tuple[str, queue.SimpleQueue[str]]] = queue.SimpleQueue()
        self._form = ""
        page = self._page

        class Handler(BaseHTTPRequestHandler):
            timeout = 120.0

            def do_GET(self) -> None:
                status, text = page(self.path, self.headers.get("Host", ""))
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.send_header("Referrer-Policy", "no-referrer")
                self.send_header("Content-Security-Policy", "frame-ancestors 'none'")
                self.end_headers()
                with suppress(OSError):  # the person closed the page
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass  # a line would hold the code

        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        except OSError as err:
            raise PortTaken(f"port {port}: {err.strerror}") from err
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    def offer(self, action: str, manifest: Json) -> str:
        """Let the first page bring this manifest to `action`, and return that page."""
        self._form = shown("Register the GitHub App", form(action, manifest))
        return self._form

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        while another := self.heard():
            another[1]("This sitting has its App already. Delete the other one on GitHub.")
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def heard(self) -> "tuple[str, Callable[[str], None]] | None":
        """Return the next code that came, with what tells the browser how it went."""
        with suppress(queue.Empty):
            code, answer = self._codes.get_nowait()
            return code, answer.put
        return None

    def _page(self, path: str, host: str) -> tuple[HTTPStatus, str]:
        parts = urlsplit(path)
        if host not in {f"127.0.0.1:{self.port}", f"localhost:{self.port}"}:
            # Another site's name that leads here: its scripts could read what this page says.
            return HTTPStatus.FORBIDDEN, shown("Not here", "<p>Open the address as printed.</p>")
        if parts.path == "/" and self._form:
            return HTTPStatus.OK, self._form
        if parts.path != BACK:
            return HTTPStatus.NOT_FOUND, shown("Nothing is here", "")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if not hmac.compare_digest(query.get("state", "").encode(), self._state.encode()):
            words = "This page belongs to another sitting. Start again from the terminal."
            return HTTPStatus.FORBIDDEN, shown("Not ours", f"<p>{words}</p>")
        code = query.get("code", "")
        if not is_code(code):
            words = "GitHub sent no code here. Open the page again from the terminal."
            return HTTPStatus.BAD_REQUEST, shown("No code", f"<p>{words}</p>")
        answer: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._codes.put((code, answer))
        with suppress(queue.Empty):
            return HTTPStatus.OK, shown("GitHub", f"<p>{html.escape(answer.get(True, _PATIENCE))}")
        return HTTPStatus.GATEWAY_TIMEOUT, shown("GitHub", "<p>Look at the terminal.</p>")


def is_code(text: str) -> bool:
    """Tell if a text could be a code of GitHub, which does not say what one looks like."""
    return bool(re.fullmatch(r"[A-Za-z0-9._-]{1,200}", text))


def form(action: str, manifest: Json) -> str:
    text = html.escape(json.dumps(manifest), quote=True)
    return _FORM.format(action=html.escape(action, quote=True), manifest=text)


def shown(title: str, body: str) -> str:
    return _PAGE.format(title=title, body=body)
