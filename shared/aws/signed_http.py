"""Requests over one kept connection, for functions that must not import boto3 or a vendor's SDK:
signed ones to AWS, and plain ones.

Such an import costs more CPU than all the rest of a cold start. Each signed request reads the
credentials anew, because they rotate while a function lives.
"""

import hashlib
import hmac
import socket
import time
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from shared.aws.root_certificates import ROOTS
from shared.errors import PublishError
from shared.settings import AwsCredentials, aws_credentials, aws_endpoint, aws_region

if TYPE_CHECKING:
    from ssl import SSLContext

#: Seconds to connect, and to wait for each part of an answer. Slack waits 3 s for all of ours.
TIMEOUT = 1.2
_MAX_LINE = 65536
#: The ends of hosts, by how names of regions begin; all others end in amazonaws.com.
_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
    "eu-isoe-": "cloud.adc-e.uk",
}


class HttpResponse(NamedTuple):
    status: int
    body: bytes


def sign(
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    region: str,
    credentials: AwsCredentials,
    now: float,
) -> dict[str, str]:
    """Return `headers`, which hold `host` and have lower-case names, with a Signature Version 4.

    `path` has nothing to escape; the names of its query stand in order.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    digest = hashlib.sha256(body).hexdigest()
    signed = {**headers, "x-amz-date": stamp}
    if credentials.session_token:
        signed["x-amz-security-token"] = credentials.session_token
    if service == "s3":
        signed["x-amz-content-sha256"] = digest
    ordered = sorted(signed)
    names = ";".join(ordered)
    lines = "".join([f"{name}:{signed[name].strip()}\n" for name in ordered])
    path, _, query = path.partition("?")
    request = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    hashed = hashlib.sha256(request.encode()).hexdigest()
    code = _keyed(credentials.secret_key, scope).copy()
    code.update(f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}".encode())
    signed["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={code.hexdigest()}"
    )
    return signed


@lru_cache(maxsize=4)
def _keyed(secret: str, scope: str) -> hmac.HMAC:
    """Return the hash that every signature of a day begins with; copy it. Four hashes derive its
    key."""
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, digestmod="sha256")


def host_of(service: str, region: str) -> str:
    suffixes = (suffix for begin, suffix in _SUFFIXES.items() if region.startswith(begin))
    return f"{service}.{region}.{next(suffixes, 'amazonaws.com')}"


class HttpConnection:
    """One connection to the server of `root`, such as `https://slack.com`, made when it is first
    needed. One thread at a time. Connections may share a `context`: to make one takes 5 ms."""

    def __init__(
        self, root: str, timeout: float = TIMEOUT, context: "SSLContext | None" = None
    ) -> None:
        scheme, _, rest = root.partition("://")
        self._is_tls = scheme == "https"
        self._host = rest.rstrip("/")
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._stream: BinaryIO | None = None
        self._context = context

    def open(self) -> None:
        """Connect now, so that the first request need not; raises OSError."""
        host, _, port = self._host.partition(":")
        # As bytes: for a str Python imports tables of international names, 2 ms of a cold start.
        name: Any = host.encode("ascii")
        address = (name, int(port or (443 if self._is_tls else 80)))
        plain = socket.create_connection(address, timeout=self._timeout)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = self._secured(plain, name) if self._is_tls else plain
        self._stream = self._socket.makefile("rb")

    def close(self) -> None:
        if self._stream:
            self._stream.close()
        if self._socket:
            self._socket.close()
        self._stream = self._socket = None

    def send(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """Send once, and return the response whatever its status; raises OSError or ValueError."""
        if self._socket is None:
            self.open()
        assert self._socket and self._stream
        sent = self._headers(method, path, {**headers, "host": self._host}, body)
        lines = "".join([f"{name}: {value}\r\n" for name, value in sent.items()])
        head = f"{method} {path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        reply, is_last = _read_reply(self._stream)
        if is_last:
            self.close()
        return reply

    def _headers(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> dict[str, str]:
        return headers

    def _secured(self, plain: socket.socket, name: bytes) -> socket.socket:
        import ssl

        if self._context is None:
            is_aws = name.endswith(b".amazonaws.com")
            self._context = _trusting_aws() if is_aws else ssl.create_default_context()
        try:
            return self._context.wrap_socket(plain, server_hostname=name)
        except OSError as err:
            plain.close()
            if isinstance(err, ssl.SSLCertVerificationError):
                # The next try asks the system's roots.
                self._context = ssl.create_default_context()
            raise


class AwsConnection(HttpConnection):
    """One connection to one AWS service, made again when it is lost.

    `host` is used unless AWS_ENDPOINT_URL_<SERVICE> names another; `endpoint` is the service's name
    in that variable where it differs from the one that is signed.
    """

    def __init__(
        self, service: str, region: str, host: str, *, endpoint: str = "", timeout: float = TIMEOUT
    ) -> None:
        super().__init__(aws_endpoint(endpoint or service) or f"https://{host}", timeout)
        self._service, self._region = service, region

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        """Send, and return the response whatever its status; raises PublishError when none came.

        A lost connection is replaced silently. Beside that, a request that fails or gets a 5xx is
        sent once more, so it must be safe to send twice.
        """
        is_second_try = False
        while True:
            is_kept = self._socket is not None
            try:
                reply = self.send(method, path, headers, body)
            except (OSError, ValueError) as err:
                self.close()
                if is_kept and not isinstance(err, TimeoutError):
                    # The server closed it, perhaps long ago while the function was frozen.
                    continue
                if is_second_try:
                    reason = str(err) or type(err).__name__
                    raise PublishError(
                        f"{self._service}: no answer from {self._host}: {reason}"
                    ) from err
            else:
                if reply.status < 500 or is_second_try:
                    return reply
            is_second_try = True

    def _headers(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> dict[str, str]:
        return sign(
            method,
            path,
            headers,
            body,
            service=self._service,
            region=self._region,
            credentials=aws_credentials(),
            now=time.time(),
        )


@cache
def trusting_system() -> "SSLContext":
    """Return a context with the system's roots, for connections to others than AWS."""
    import ssl

    return ssl.create_default_context()


@cache
def _trusting_aws() -> "SSLContext":
    """Return what all connections to AWS share."""
    import ssl

    return ssl.create_default_context(cadata=ROOTS)


def _read_reply(stream: BinaryIO) -> tuple[HttpResponse, bool]:
    """Read one response, and True when the server closes after it; raises OSError or ValueError."""
    version, status, *_ = [*_line(stream).split(b" ", 2), b""]
    if not version.startswith(b"HTTP/1."):
        raise ValueError("the answer is not HTTP/1.1")
    headers: dict[bytes, bytes] = {}
    while line := _line(stream):
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip().lower()
    if headers.get(b"transfer-encoding") == b"chunked":
        body = _read_chunks(stream)
    else:
        # SNS and S3 send one of the two; an answer with neither is refused as no number.
        body = _exactly(stream, int(headers.get(b"content-length", b"none")))
    return HttpResponse(int(status), body), headers.get(
        b"connection"
    ) == b"close" or version == b"HTTP/1.0"


def _read_chunks(stream: BinaryIO) -> bytes:
    chunks = []
    while size := int(_line(stream).partition(b";")[0], 16):
        chunks.append(_exactly(stream, size))
        _line(stream)
    while _line(stream):
        pass
    return b"".join(chunks)


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(_MAX_LINE)
    if not line.endswith(b"\n"):
        raise ConnectionError("the server closed the connection")
    return line.rstrip(b"\r\n")


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ConnectionError("the server closed the connection in the middle of its answer")
    return data


def s3_object(
    method: str, bucket: str, key: str, body: bytes, *, timeout: float = TIMEOUT
) -> HttpResponse:
    """PUT or GET one object; returns the response whatever its status, raises PublishError when
    none came. `key` has nothing to escape."""
    region = aws_region()
    host, path = _s3_address(bucket, key, region)
    connection = AwsConnection("s3", region, host, timeout=timeout)
    try:
        return connection.request(method, path, {"content-type": "application/json"}, body)
    finally:
        connection.close()


def _s3_address(bucket: str, key: str, region: str) -> tuple[str, str]:
    """Return host and path: AWS wants the bucket in the host, other servers in the path."""
    if aws_endpoint("s3"):
        return "", f"/{bucket}/{key}"
    return f"{bucket}.{host_of('s3', region)}", f"/{key}"
