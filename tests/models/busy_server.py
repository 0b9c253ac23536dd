"""A model server that holds so many calls at a time, answers after a fixed time and refuses the
rest, in a process of its own so that its CPU is nobody else's.

Run it as `python -m tests.models.busy_server HELD SECONDS RETRY_AFTER`; it prints its port, and a
GET answers what it counted since the last one.
"""

import asyncio
import json
import selectors
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE, Popen
from typing import NamedTuple

import urllib3

from infra.project import ROOT


class Counts(NamedTuple):
    """Calls answered, calls refused, the most that were held at once, and new connections."""

    answered: int = 0
    refused: int = 0
    most: int = 0
    connections: int = 0


ANSWER = json.dumps(
    {
        "choices": [{"message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 400, "completion_tokens": 40},
    }
).encode()


class BusyServer(NamedTuple):
    """The client's side: where it listens, and what it counted."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def counts(self) -> Counts:
        """Return what happened since the last time this was asked."""
        return Counts(**urllib3.request("GET", self.url, retries=False).json())


@contextmanager
def busy_server(
    held: int, seconds: float, retry_after: float | None = None
) -> Iterator[BusyServer]:
    """Run one until the block ends."""
    wait = "" if retry_after is None else f"{retry_after:g}"
    command = [sys.executable, "-m", __name__, str(held), str(seconds), wait]
    with Popen(command, stdout=PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            yield BusyServer(int(process.stdout.readline()))
        finally:
            process.terminate()


class _State:
    def __init__(self, held: int, seconds: float, retry_after: str) -> None:
        self.seconds = seconds
        self.free = held
        self._held = held
        self.counts = Counts()
        asked = f"Retry-After: {retry_after}\r\n" if retry_after else ""
        self.ok = _response("200 OK", ANSWER)
        self.refusal = _response("429 Too Many Requests", b'{"error":{"code":"busy"}}', asked)

    def take(self) -> bool:
        """Take a place, if one is free."""
        answered, refused, most, _ = self.counts
        if not self.free:
            self.counts = self.counts._replace(refused=refused + 1)
            return False
        self.free -= 1
        most = max(most, self._held - self.free)
        self.counts = self.counts._replace(answered=answered + 1, most=most)
        return True

    def connected(self) -> None:
        self.counts = self.counts._replace(connections=self.counts.connections + 1)

    def counted(self) -> bytes:
        counts, self.counts = self.counts, Counts()
        return _response("200 OK", json.dumps(counts._asdict()).encode())


def _response(status: str, body: bytes, headers: str = "") -> bytes:
    kind = "Content-Type: application/json\r\n"
    head = f"HTTP/1.1 {status}\r\n{kind}{headers}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, state: _State) -> None:
        self._state = state
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._state.connected()

    def data_received(self, data: bytes) -> None:
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._read = b""
        if head.startswith(b"GET"):
            self._transport.write(self._state.counted())
        elif self._state.take():
            asyncio.get_running_loop().call_later(self._state.seconds, self._answer)
        else:
            self._transport.write(self._state.refusal)

    def _answer(self) -> None:
        self._state.free += 1
        self._transport.write(self._state.ok)


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    return 0


async def _serve(held: int, seconds: float, retry_after: str) -> None:
    state = _State(held, seconds, retry_after)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Connection(state), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _loop() -> asyncio.AbstractEventLoop:
    """A loop that waits by select: epoll rounds its waits up to whole milliseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(_serve(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]))
