"""A TCP proxy in front of Postgres that counts round trips and makes each of them longer."""

import queue
import socket
import threading
import time
from contextlib import suppress
from typing import NamedTuple, Self
from urllib.parse import parse_qs, urlsplit

_CHUNK = 65536


class _Late(NamedTuple):
    """Bytes, and when they are to be sent on; none at all are the end."""

    due: float
    content: bytes


class PostgresProxy:
    """Stands between a client and the Postgres at the Unix socket that `url` names.

    `delay` is the seconds that are added to a round trip, half on each way. `turns` counts how
    often a client spoke after the server had: that is what a client waits for.
    """

    def __init__(self, url: str, delay: float = 0.0) -> None:
        parts = urlsplit(url)
        place = parse_qs(parts.query)
        self._upstream = f"{place['host'][0]}/.s.PGSQL.{place['port'][0]}"
        self.delay = delay
        self.turns = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        port = self._server.getsockname()[1]
        user = parts.netloc.partition("@")[0]
        self.url = (
            f"postgresql://{user}@127.0.0.1:{port}{parts.path}?sslmode=disable&gssencmode=disable"
        )

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in (self._server, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._upstream)
            self._open += [client, server]
            _Connection(self, client, server).start()

    def count_turn(self) -> None:
        self.turns += 1


class _Connection:
    """Both ways of one connection; two threads each, so that what is late holds nothing up."""

    def __init__(self, proxy: PostgresProxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._server_spoke = True

    def start(self) -> None:
        for source, sink in ((self._client, self._server), (self._server, self._client)):
            late: queue.SimpleQueue[_Late] = queue.SimpleQueue()
            for work in (self._read, self._write):
                place = source if work == self._read else sink
                threading.Thread(target=work, args=(place, late), daemon=True).start()

    def _read(self, source: socket.socket, late: "queue.SimpleQueue[_Late]") -> None:
        content = b"-"
        while content:
            try:
                content = source.recv(_CHUNK)
            except OSError:
                content = b""
            if source is self._server:
                self._server_spoke = True
            elif content and self._server_spoke:
                self._server_spoke = False
                self._proxy.count_turn()
            late.put(_Late(time.perf_counter() + self._proxy.delay / 2, content))

    def _write(self, sink: socket.socket, late: "queue.SimpleQueue[_Late]") -> None:
        with suppress(OSError):
            while (one := late.get()).content:
                time.sleep(max(0.0, one.due - time.perf_counter()))
                sink.sendall(one.content)
            sink.shutdown(socket.SHUT_RDWR)
