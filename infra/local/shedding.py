"""Refuses connections to a server that has enough to do: in one thread, whatever their number."""

import selectors
import socket
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue

_BODY = b'{"message": "Service Unavailable"}'
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)
#: Seconds that a client may take to send its request and to read the answer.
_PATIENCE = 5.0


class Shedder:
    """Answers connections with 503.

    It reads what a client sends until that hangs up: closing before would reset the connection, and
    the client would never read the answer.
    """

    def __init__(self) -> None:
        self._new: SimpleQueue[socket.socket] = SimpleQueue()
        self._inside, self._outside = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._inside, selectors.EVENT_READ)
        self._since: dict[socket.socket, float] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="shedder", daemon=True)
        self._thread.start()

    def take(self, connection: socket.socket) -> None:
        """Refuse the connection, soon."""
        self._new.put(connection)
        self._outside.send(b".")

    def stop(self) -> None:
        """Close all connections."""
        self._stopping = True
        self._outside.send(b".")
        self._thread.join()
        self._accept()
        for connection in list(self._since):
            self._drop(connection)
        for one in (self._selector, self._inside, self._outside):
            one.close()

    def _run(self) -> None:
        while not self._stopping:
            for key, _ in self._selector.select(1.0):
                if key.fileobj is self._inside:
                    self._inside.recv(4096)
                    self._accept()
                elif isinstance(key.fileobj, socket.socket):
                    self._read(key.fileobj)
            oldest = time.monotonic() - _PATIENCE
            for connection in [one for one, since in self._since.items() if since < oldest]:
                self._drop(connection)

    def _accept(self) -> None:
        with suppress(Empty):
            while connection := self._new.get_nowait():
                self._since[connection] = time.monotonic()
                connection.setblocking(False)
                self._selector.register(connection, selectors.EVENT_READ)
                with suppress(OSError):
                    connection.send(_REFUSAL)
                    connection.shutdown(socket.SHUT_WR)

    def _read(self, connection: socket.socket) -> None:
        """Drop what the client says; drop the connection when it has hung up."""
        try:
            if connection.recv(65536):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._drop(connection)

    def _drop(self, connection: socket.socket) -> None:
        del self._since[connection]
        self._selector.unregister(connection)
        connection.close()
