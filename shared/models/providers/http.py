"""JSON and server-sent events over a pool of connections to model servers, without retries."""

import json
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import chain
from typing import NamedTuple
from urllib.parse import unquote

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    SSLError,
)
from urllib3.exceptions import TimeoutError as SilenceError

from shared.errors import ModelRejected, ModelUnavailable
from shared.events import Json
from shared.models.deadline import Deadline
from shared.models.guards.congestion import CEILING
from shared.models.providers.cutoff import shared_cutoff
from shared.models.providers.event_stream import (
    ServerEvent,
    begins_events,
    events_of,
    lines_of,
    values_in,
)
from shared.models.providers.failures import garbled, problem_of
from shared.models.providers.reply_reader import fields
from shared.models.providers.servers import ModelServer
from shared.settings import proxy_to

#: An event of this type ends a stream on Anthropic's wire.
_LAST_TYPE = "message_stop"
#: Stands for the mark of the end, or the end of an answer that is one JSON object.
END: Json = {}

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Http:
    """JSON over HTTP to model servers, without retries. Thread-safe.

    All methods raise ModelUnavailable or ModelRejected; the latter is a BodyRefused when the server
    explained its refusal.
    """

    def __init__(self) -> None:
        self._pools = urllib3.PoolManager(num_pools=8, maxsize=CEILING)
        #: By the address of a server: to parse it for each call takes a tenth of a call's CPU.
        self._places: dict[str, tuple[urllib3.HTTPConnectionPool, str]] = {}

    def post(self, server: ModelServer, path: str, body: Json, deadline: Deadline) -> Json:
        """Send `body` and return the JSON object that comes back."""
        with self._answer(server, _posted(path, body), deadline) as response:
            return _json(server, response, deadline)

    def upload(
        self, server: ModelServer, path: str, body: bytes, kind: str, deadline: Deadline
    ) -> Json:
        """Send `body` of the content type `kind`, and return the JSON object that comes back."""
        with self._answer(server, _Call("POST", path, body, kind), deadline) as response:
            return _json(server, response, deadline)

    def get(self, server: ModelServer, path: str, deadline: Deadline) -> Json:
        """Return the JSON object at `path`."""
        with self._answer(server, _Call("GET", path), deadline) as response:
            return _json(server, response, deadline)

    def lines(
        self, server: ModelServer, path: str, deadline: Deadline
    ) -> Generator[Json, None, None]:
        """Yield the JSON object of each line at `path`, as it arrives; lines without are passed
        over."""
        with self._answer(server, _Call("GET", path), deadline) as response:
            for line in filter(bytes.strip, _lines(response)):
                with suppress(ValueError, RecursionError):
                    parsed = json.loads(line)
                    if isinstance(parsed, dict):
                        yield parsed
            _check(deadline)

    def events(
        self, server: ModelServer, path: str, body: Json, deadline: Deadline
    ) -> Iterator[Json]:
        """Send `body` and return each server-sent event's JSON object.

        The first one is read before this returns, so that a refusal is raised here. An answer may
        be one JSON object as well, which is then the only event, whether `body` asked for a stream
        or not. `END` says that the answer is whole.
        """
        events = self._events(server, path, body, deadline)
        first = next(events, None)

        def whole() -> Iterator[Json]:
            if first is not None:
                yield first
            yield from events

        return whole()

    def _events(
        self, server: ModelServer, path: str, body: Json, deadline: Deadline
    ) -> Iterator[Json]:
        with self._answer(server, _posted(path, body), deadline) as response:
            lines = _lines(response)
            first = next(filter(bytes.strip, lines), b"")
            if not begins_events(first):
                yield from _objects(server, response, b"\n".join([first, *lines]), deadline)
                return
            for event in events_of(chain([first], lines)):
                piece = END if event.ends else _piece(server, event)
                if piece:
                    yield piece
                if event.ends or (piece and piece.get("type") == _LAST_TYPE):
                    _finish(response)
                    yield END
                    return
            _check(deadline)

    @contextmanager
    def _answer(
        self, server: ModelServer, call: "_Call", deadline: Deadline
    ) -> Iterator[urllib3.BaseHTTPResponse]:
        """Open the answer, translate errors until the block ends, and close it."""
        response = None
        try:
            response = self._send(server, call, deadline, key := server.key.value)
            if response.status == 401 and (other := server.key.renewed(key)):
                response.close()
                response = self._send(server, call, deadline, other)
            with _cut_off(response, deadline.left):
                if response.status >= 300:
                    raw = response.read(65536)
                    raise problem_of(server, response.status, response.headers, raw)
                yield response
        except (HTTPError, OSError, UnicodeDecodeError) as err:
            raise _translated(server, deadline, err) from err
        finally:
            if response is not None and not response.closed:
                response.close()

    def _send(
        self, server: ModelServer, call: "_Call", deadline: Deadline, key: str
    ) -> urllib3.BaseHTTPResponse:
        headers = {"content-type": call.kind} if call.body is not None else {}
        left = max(deadline.left, 0.001)
        pool, prefix = self._place(server.url)
        return pool.urlopen(
            call.method,
            prefix + call.path,
            body=call.body,
            headers=headers | {"user-agent": "agent-flows"} | server.headers(key.strip()),
            timeout=urllib3.Timeout(connect=min(left, 10.0), read=left),
            preload_content=False,
            redirect=False,
            retries=False,
            assert_same_host=False,  # a proxy gets whole addresses
        )

    def _place(self, url: str) -> tuple[urllib3.HTTPConnectionPool, str]:
        """Return the connections to the server of `url`, and the path that `url` begins with."""
        if url not in self._places:
            self._places[url] = self._found(url)
        return self._places[url]

    def _found(self, url: str) -> tuple[urllib3.HTTPConnectionPool, str]:
        place = urllib3.util.parse_url(url)
        proxy = proxy_to(place.scheme or "", place.host or "")
        if not proxy:
            return self._pools.connection_from_url(url), place.path or ""
        auth = unquote(urllib3.util.parse_url(proxy).auth or "")
        headers = urllib3.make_headers(proxy_basic_auth=auth or None)
        pools = urllib3.ProxyManager(proxy, num_pools=8, maxsize=CEILING, proxy_headers=headers)
        # A proxy reads the address of plain HTTP in full; it cannot read that of a tunnel.
        path = url if place.scheme == "http" else place.path or ""
        return pools.connection_from_url(url), path.rstrip("/")


class _Call(NamedTuple):
    """A call of a server; `kind` is the content type of `body`."""

    method: str
    path: str
    body: bytes | None = None
    kind: str = "application/json"


def _posted(path: str, body: Json) -> _Call:
    # A lone surrogate, which JSON can smuggle in, cannot be sent as UTF-8.
    return _Call("POST", path, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace"))


@cache
def shared_http() -> Http:
    """Return the pool that all models of this process share."""
    return Http()


@contextmanager
def _cut_off(response: urllib3.BaseHTTPResponse, seconds: float) -> Iterator[None]:
    """Stop the reading of `response` after `seconds`.

    A socket's own time-out starts again with each byte, so a slow drip never meets it.
    """

    def stop() -> None:
        with suppress(OSError, RuntimeError, ValueError):
            response.shutdown()

    with shared_cutoff().after(seconds, stop):
        yield


def _lines(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    return lines_of(iter(lambda: response.read1(65536), b""))


def _finish(response: urllib3.BaseHTTPResponse) -> None:
    """Read the few bytes behind the end mark, so that the connection can be used again."""
    with _cut_off(response, 0.2):
        response.drain_conn()


def _check(deadline: Deadline) -> None:
    """Raise if the answer was cut off: some answers have no other mark of their end."""
    if deadline.left <= 0:
        raise TimeoutError


def _json(server: ModelServer, response: urllib3.BaseHTTPResponse, deadline: Deadline) -> Json:
    raw = response.read().removeprefix(_BYTE_ORDER_MARK)
    _check(deadline)
    _refuse_html(server, response, raw)
    return _object(server, raw)


def _objects(
    server: ModelServer, response: urllib3.BaseHTTPResponse, raw: bytes, deadline: Deadline
) -> Iterator[Json]:
    """Yield the JSON objects of an answer: mostly one, and then `END`."""
    _check(deadline)
    _refuse_html(server, response, raw)
    try:
        values = list(values_in(raw.decode()))
    except (ValueError, RecursionError) as err:
        raise _not_json(server, raw) from err
    if not values:
        raise _not_json(server, raw)
    parts = [part for value in values for part in (value if isinstance(value, list) else [value])]
    objects = [part for part in parts if isinstance(part, dict)]
    if not objects or len(objects) < len(parts):
        raise _no_object(server)
    yield from objects
    if len(objects) == 1:
        yield END


def _piece(server: ModelServer, event: ServerEvent) -> Json | None:
    """Return the object of an event; None for a sign of life. Some servers tell what it is only by
    the event's name."""
    if event.is_noise:
        return None
    try:
        parsed = json.loads(event.data)
    except (ValueError, RecursionError) as err:
        if event.name != "error":
            raise _not_json(server, event.data.encode()) from err
        parsed = event.data
    if isinstance(parsed, list):
        parsed = next((part for part in parsed if isinstance(part, dict)), None)
    if event.name == "error" and not fields(parsed, "error"):
        return {"error": parsed or "error"}
    if not isinstance(parsed, dict):
        raise _no_object(server)
    return {"type": event.name} | parsed if event.name else parsed


def _refuse_html(server: ModelServer, response: urllib3.BaseHTTPResponse, raw: bytes) -> None:
    if "html" in response.headers.get("content-type", "") or raw.lstrip()[:1] == b"<":
        raise garbled(server, "answered HTML, so a proxy or another kind of server is there")


def _object(server: ModelServer, raw: bytes) -> Json:
    try:
        parsed = json.loads(raw)
    except (ValueError, RecursionError) as err:
        raise _not_json(server, raw) from err
    if not isinstance(parsed, dict):
        raise _no_object(server)
    return parsed


def _not_json(server: ModelServer, raw: bytes) -> ModelUnavailable:
    return garbled(server, f"answered {len(raw)} bytes that are not JSON")


def _no_object(server: ModelServer) -> ModelUnavailable:
    return garbled(server, "answered JSON that is not an object")


def _translated(
    server: ModelServer, deadline: Deadline, err: Exception
) -> ModelUnavailable | ModelRejected:
    """Translate an error of the connection."""
    name = server.name
    if isinstance(err, LocationValueError):
        return ModelRejected(f"{name}: not an address; look at {server.address}")
    if isinstance(err, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(err):
        return ModelRejected(f"{name}: the certificate is not trusted; look at {server.address}")
    if isinstance(err, NewConnectionError | ConnectTimeoutError):
        return ModelUnavailable(f"{name}: no connection; look at {server.address}")
    if isinstance(err, SilenceError | TimeoutError) or deadline.left <= 0:
        return ModelUnavailable(f"{name}: no whole answer within {deadline.seconds:.1f} s")
    if isinstance(err, UnicodeDecodeError):
        return garbled(server, "answered bytes that are not UTF-8")
    return ModelUnavailable(f"{name}: the connection broke ({type(err).__name__})")
