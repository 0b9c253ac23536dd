"""A loopback HTTP server that does what a test scripts, and keeps what it was sent."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

PUBLISHED = (
    b"<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)


class Request(NamedTuple):
    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


#: Answers one request on its connection; the connection is closed when it returns False.
Step = Callable[[socket.socket, Request], bool]


def answer(status: int = 200, body: bytes = PUBLISHED, *, close: bool = False) -> Step:
    """Answer in full; with `close` the connection ends after it, unannounced."""

    def step(client: socket.socket, request: Request) -> bool:
        head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        return not close

    return step


def raw(data: bytes) -> Step:
    """Send `data` as it is and close."""

    def step(client: socket.socket, request: Request) -> bool:
        client.sendall(data)
        return False

    return step


def reset(client: socket.socket, request: Request) -> bool:
    """Reset the connection instead of answering."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    return False


def silence(client: socket.socket, request: Request) -> bool:
    """Never answer; wait until the client gives up."""
    client.recv(1)
    return False


class Server:
    """Takes the steps of the script one request after the other, then answers 200 for ever."""

    def __init__(self, *script: Step, tls: ssl.SSLContext | None = None) -> None:
        self.requests: list[Request] = []
        self.connections = 0
        self.accepted = threading.Event()
        self._script = list(script)
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        # A listener that a thread waits on is woken by shutdown, not by close.
        self._listener.shutdown(socket.SHUT_RDWR)
        for client in self._clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self.accepted.set()
            self._clients.append(client)
            thread = threading.Thread(target=self._serve, args=(client, self.connections))
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket, number: int) -> None:
        with client:
            # Nothing here takes this long; it ends the thread when a test goes wrong.
            client.settimeout(10)
            try:
                talk = self._tls.wrap_socket(client, server_side=True) if self._tls else client
                with talk, talk.makefile("rb") as stream:
                    self._talk(talk, stream, number)
            except OSError:
                return

    def _talk(self, client: socket.socket, stream: BinaryIO, number: int) -> None:
        while request := _read(stream, number):
            self.requests.append(request)
            step = self._script.pop(0) if self._script else answer()
            if not step(client, request):
                return


def _read(stream: BinaryIO, connection: int) -> Request | None:
    line = stream.readline().decode().strip()
    if not line:
        return None
    headers = {}
    while header := stream.readline().decode().strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    return Request(line, headers, stream.read(int(headers.get("content-length", 0))), connection)


@contextmanager
def served(*script: Step, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    server = Server(*script, tls=tls)
    try:
        yield server
    finally:
        server.close()
