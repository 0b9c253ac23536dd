"""The server's side of a websocket (RFC 6455), as much of it as Socket Mode needs."""

import hashlib
import socket
import struct
import threading
from base64 import b64encode
from contextlib import suppress

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUATION, _TEXT, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x8, 0x9, 0xA


class WebSocket:
    """One connection, after the client's request for an upgrade with this key."""

    def __init__(self, connection: socket.socket, key: str) -> None:
        self._connection = connection
        self._sending = threading.Lock()
        accept = b64encode(hashlib.sha1(f"{key}{_GUID}".encode()).digest()).decode()
        connection.sendall(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )

    def send(self, text: str) -> None:
        self._send(_TEXT, text.encode())

    def receive(self) -> str | None:
        """Return the next text, or None when the other side is gone; answer pings on the way."""
        text = b""
        while True:
            try:
                final, kind, data = self._frame()
            except OSError:
                return None
            if kind == _CLOSE:
                return None
            if kind == _PING:
                self._send(_PONG, data)
            elif kind in {_TEXT, _CONTINUATION}:
                text += data
                if final:
                    return text.decode()

    def close(self) -> None:
        """Break the connection; a `receive` under way returns None."""
        with suppress(OSError):  # the other side was faster
            self._connection.shutdown(socket.SHUT_RDWR)

    def _frame(self) -> tuple[bool, int, bytes]:
        first, second = self._exactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self._exactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._exactly(8))
        mask = self._exactly(4) if second & 0x80 else bytes(4)
        data = self._exactly(size)
        return bool(first & 0x80), first & 0x0F, bytes(b ^ mask[n % 4] for n, b in enumerate(data))

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._connection.recv(size - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return data

    def _send(self, kind: int, data: bytes) -> None:
        size = len(data)
        if size < 126:
            header = struct.pack("!BB", 0x80 | kind, size)
        elif size < 1 << 16:
            header = struct.pack("!BBH", 0x80 | kind, 126, size)
        else:
            header = struct.pack("!BBQ", 0x80 | kind, 127, size)
        with self._sending:
            self._connection.sendall(header + data)
