"""Serves files: takes uploads, and gives the bytes to who has the bot's token. Without a good one
Slack shows its page to sign in, with a good status."""

import time
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from werkzeug.wrappers import Request, Response

from infra.local.sandbox.slack.files.store import Files

_SIGN_IN = "<!DOCTYPE html><html><body><form action=/signin>Sign in to Slack</form></body></html>"
#: Bytes of one piece of a download.
_PIECE = 65_536


class Trouble(NamedTuple):
    """What goes wrong with the next downloads: another `status`, a `location` to go to, seconds
    between the pieces, or bytes without an end."""

    status: int = 200
    location: str = ""
    pause: float = 0.0
    endless: bool = False


class FileServer:
    def __init__(self, files: Files, token: str) -> None:
        self._files = files
        self._token = token
        #: The next downloads fail so.
        self.troubles: deque[Trouble] = deque()
        #: The tokens that were shown, by path.
        self.seen: deque[tuple[str, str]] = deque(maxlen=1_000)

    def takes(self, path: str) -> bool:
        return path.startswith(("/files-pri/", "/upload/v1/"))

    def serve(self, request: Request) -> Response:
        if request.path.startswith("/upload/v1/"):
            done = self._files.put(request.path.rpartition("/")[2], request.get_data())
            return Response("OK - stored" if done else "bad upload", 200 if done else 400)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.seen.append((request.path, token))
        trouble = self.troubles.popleft() if self.troubles else Trouble()
        if trouble.location:
            return Response("", 302, {"Location": trouble.location})
        if trouble.status != 200:
            return Response("", trouble.status)
        if token != self._token:
            return Response(_SIGN_IN, content_type="text/html; charset=utf-8")
        body = self._files.body(request.path.split("/")[2].rpartition("-")[2])
        if body is None:
            return Response("", 404)
        pieces = _pieces(body, trouble)
        return Response(pieces, content_type="application/octet-stream")


def _pieces(body: bytes, trouble: Trouble) -> Iterator[bytes]:
    for start in range(0, len(body), _PIECE):
        yield body[start : start + _PIECE]
        time.sleep(trouble.pause)
    while trouble.endless:
        yield b"x" * _PIECE
