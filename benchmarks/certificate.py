"""An authority of our own and a certificate for loopback, so that TLS can be measured."""

import datetime
import ipaddress
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from shared.aws.root_certificates import ROOTS


def make_tls(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Return the server's context and the file of the roots that a client should trust: Amazon's,
    and ours. RSA, as the endpoints of AWS have it."""
    authority_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    authority = _certificate("benchmark authority", "benchmark authority", authority_key, None)
    server = _certificate("127.0.0.1", "benchmark authority", authority_key, key)
    chain = folder / "server.pem"
    chain.write_bytes(_private(key) + _public(server))
    roots = folder / "roots.pem"
    roots.write_bytes(ROOTS.encode() + b"\n" + _public(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context, roots


def _certificate(
    subject: str, issuer: str, signer: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey | None
) -> x509.Certificate:
    """Sign a certificate for `key`, or without one the signer's own, as an authority."""
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(_named(issuer))
        .public_key((key or signer).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=key is None, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _private(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
