"""The kept connection over TLS: what it trusts, and that it sees when the other side has gone."""

import datetime
import ipaddress
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.aws.signed_http import Connection
from shared.errors import PublishError
from tests.scripted_http import answer, served

_AWS = "sns.us-east-1.amazonaws.com"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate, with its key, of this machine and of an AWS endpoint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName(_AWS)]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_connection_is_kept_and_its_end_is_seen(
    certificate: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with served(answer(), answer(), answer(close=True), tls=tls) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
        connection = Connection("sns", "us-east-1", "unused.invalid")
        connection.open()
        # The server's session tickets arrive unasked; they are no end.
        time.sleep(0.05)
        for _ in range(3):
            assert connection.request("POST", "/", {}, b"x").status == 200
        assert server.connections == 1
        time.sleep(0.05)
        assert connection.request("POST", "/", {}, b"x").status == 200
        connection.close()
    assert len(server.requests) == 4
    assert server.connections == 2


def test_stranger_is_not_trusted(
    certificate: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tls=tls) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
        connection = Connection("sns", "us-east-1", "unused.invalid")
        with pytest.raises(PublishError, match="CERTIFICATE_VERIFY_FAILED"):
            connection.request("POST", "/", {}, b"secret")
    assert server.requests == []


def test_name_must_match(
    certificate: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with served(tls=tls) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", f"https://localhost:{server.port}")
        connection = Connection("sns", "us-east-1", "unused.invalid")
        with pytest.raises(PublishError, match="Hostname mismatch"):
            connection.request("POST", "/", {}, b"secret")
    assert server.requests == []


def test_where_amazons_roots_do_not_do_the_systems_are_asked(
    certificate: Path, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that inspects TLS shows a certificate of its own, which the system trusts."""
    look_up = socket.getaddrinfo

    def to_this_machine(host: Any, port: Any, *rest: Any, **options: Any) -> Any:
        assert host == _AWS.encode()
        return look_up("127.0.0.1", port, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", to_this_machine)
    with served(tls=tls) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", f"https://{_AWS}:{server.port}")
        connection = Connection("sns", "us-east-1", "unused.invalid")
        with pytest.raises(PublishError, match="CERTIFICATE_VERIFY_FAILED"):
            connection.request("POST", "/", {}, b"secret")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        connection = Connection("sns", "us-east-1", "unused.invalid")
        assert connection.request("POST", "/", {}, b"x").status == 200
        connection.close()
    assert [request.body for request in server.requests] == [b"x"]
