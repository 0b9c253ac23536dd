"""TLS in front of a test's Postgres, whose own build has none: real handshakes, real Postgres.

It can also be slow to wake, as a paused Aurora is, or without TLS.
"""

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg import conninfo

_SSL_REQUEST = (80877103).to_bytes(4, "big")


class Authority:
    """A certificate authority of a test, whose certificate is the file `ca`."""

    def __init__(self, folder: Path, name: str = "ours") -> None:
        self._folder, self._name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = _named(name)
        self.ca = folder / f"{name}.pem"
        self.ca.write_bytes(_pem(self._certificate(self._subject, self._key, None)))

    def context(self, host: str) -> ssl.SSLContext:
        """Return the TLS of a server for `host`, a name or an address."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            name = x509.DNSName(host)
        file = self._folder / f"{self._name}-{host}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        file.write_bytes(private + _pem(self._certificate(_named(host), key, name)))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _certificate(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, name: x509.GeneralName | None
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        building = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(name is None, None), critical=True)
        )
        if name is not None:
            building = building.add_extension(x509.SubjectAlternativeName([name]), critical=False)
        return building.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


class Front:
    """Listens on a port of 127.0.0.1 for the server at `url`. A context manager.

    With `context` it speaks TLS. For `asleep` seconds after the first try to connect it answers
    nobody, as a database that wakes.
    """

    def __init__(self, url: str, context: ssl.SSLContext | None, asleep: float = 0.0) -> None:
        server = conninfo.conninfo_to_dict(url)
        self._behind = f"{server['host']}/.s.PGSQL.{server['port']}"
        self._context = context
        self._asleep = asleep
        self._woken_at: float | None = None
        self.tries = 0

    def __enter__(self) -> Self:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listening.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self.tries += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            self._woken_at = self._woken_at or time.monotonic() + self._asleep
            time.sleep(max(0.0, self._woken_at - time.monotonic()))
            greeting = client.recv(8, socket.MSG_PEEK)
            if greeting[4:] == _SSL_REQUEST:
                client.recv(8)
                client.sendall(b"S" if self._context else b"N")
                if self._context:
                    client = self._context.wrap_socket(client, server_side=True)
            with client, socket.socket(socket.AF_UNIX) as server:
                server.connect(self._behind)
                threading.Thread(target=_pump, args=(server, client), daemon=True).start()
                _pump(client, server)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
