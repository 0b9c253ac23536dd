"""The HTTP of the sandbox GitHub: finds the caller, the endpoint, the page and the fault."""

import hashlib
import json
import math
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from infra.local.sandbox.github.call import ApiReply, Call, Listing, Raw, Site
from infra.local.sandbox.github.endpoints import GRAPHQL, find, needs
from infra.local.sandbox.github.errors import GitHubError, not_found
from infra.local.sandbox.github.faults import Fault, Faults
from infra.local.sandbox.github.pages import Pages
from infra.local.sandbox.github.tokens import Who

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

#: The start of the API's addresses, as on GitHub Enterprise Server.
PREFIX = "/api/v3"

_REMEMBERED = 1000
_HOURLY = 5000


class Exchange(NamedTuple):
    """One request and its answer; `status` 0 means that there was none."""

    method: str
    path: str
    sent: Any
    status: int
    answered: Any


class Web:
    """The WSGI application."""

    def __init__(self, site: Site, faults: Faults) -> None:
        self.exchanges: deque[Exchange] = deque(maxlen=_REMEMBERED)
        #: Ends the answers that are held back, and everything after.
        self.stopping = threading.Event()
        self._site = site
        self._faults = faults
        self._used = 0
        self._pages = Pages(site.registration, site.state, site.sign_in, site.uploads)

    def __call__(self, environ: "WSGIEnvironment", start: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        path = _normalised(request.path).removeprefix(PREFIX)
        if page := self._page(request):
            return page(environ, start)
        fault = self._faults.take(request.method, path)
        if fault:
            self.stopping.wait(fault.delay)
        if fault and not fault.after and fault.status != HTTPStatus.OK:
            reply = _failed(fault)
        else:
            reply = _unless_known(request, self._reply(request, _normalised(request.path)))
        dropped = self.stopping.is_set() or (fault and (fault.after or not fault.status))
        status = 0 if dropped else reply.status
        sent = _json(request)
        self.exchanges.append(Exchange(request.method, path, sent, status, reply.body))
        if dropped:
            with suppress(OSError):  # the other side was faster
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return self._response(reply)(environ, start)

    def _page(self, request: Request) -> Response | None:
        """Answer a browser, which asks for what is not of the API."""
        if request.path.startswith(PREFIX):
            return None
        with suppress(HTTPException), self._site.state.lock:
            return self._pages.answer(request)
        return None

    def _reply(self, request: Request, path: str) -> ApiReply:
        try:
            if not f"{path}/".startswith((f"{PREFIX}/", f"{GRAPHQL}/")):
                raise not_found()
            path = path.removeprefix(PREFIX)
            who = self._who(request, path)
            endpoint, values = find(request.method, path)
            sent = _json(request)
            if sent is None and request.get_data():
                raise GitHubError(400, "Problems parsing JSON")
            accept = request.headers.get("Accept", "")
            call = Call(self._site, who, request.args.to_dict(), sent, needs(path), accept)
            with self._site.state.lock:
                reply = endpoint(call.about(path, values), **values)
                if isinstance(reply.body, Listing):
                    return _page(reply.body, request)
                if ".full" in accept and isinstance(reply.body, dict) and "body" in reply.body:
                    made = self._site.uploads.rendered(reply.body["body"] or "")
                    return reply._replace(body=reply.body | {"body_html": made})
                return reply
        except GitHubError as err:
            return ApiReply(err.body, err.status, err.headers)
        except HTTPException as err:
            return ApiReply(not_found().body, 404 if err.code is None else err.code)

    def _who(self, request: Request, path: str) -> Who:
        """Return the caller; nobody has to sign in for what the code of a manifest opens."""
        if path.startswith("/app-manifests/"):
            return Who("")
        return self._site.tokens.who(request.headers.get("Authorization", ""))

    def _response(self, reply: ApiReply) -> Response:
        self._used += reply.status != HTTPStatus.NOT_MODIFIED
        content, media = _written(reply)
        headers = {
            "X-GitHub-Media-Type": f"github.v3; {media}",
            "X-RateLimit-Limit": str(_HOURLY),
            "X-RateLimit-Remaining": str(max(_HOURLY - self._used, 1)),
            "X-RateLimit-Used": str(self._used),
            "X-RateLimit-Reset": str(int(time.time()) + 3600),
            "X-RateLimit-Resource": "core",
            **reply.headers,
        }
        kind = "application/json" if media == "format=json" else "application/vnd.github.v3"
        kind += f".{media.removeprefix('param=')}" * (media != "format=json")
        return Response(content, reply.status, headers, content_type=f"{kind}; charset=utf-8")


def _written(reply: ApiReply) -> tuple[bytes, str]:
    """Return the content of an answer, and what GitHub says of its media type."""
    if isinstance(reply.body, Raw):
        return reply.body.content, f"param={reply.body.media}"
    if reply.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
        return b"", "format=json"
    return reply.written or json.dumps(reply.body).encode(), "format=json"


def _unless_known(request: Request, reply: ApiReply) -> ApiReply:
    """Give an answer that was asked for its ETag; answer 304 to who has it already.

    https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
    """
    if request.method != "GET" or reply.status != HTTPStatus.OK:
        return reply
    content = _written(reply)[0]
    tag = f'W/"{hashlib.sha256(content).hexdigest()}"'
    headers = {**reply.headers, "ETag": tag}
    if request.headers.get("If-None-Match") == tag:
        return ApiReply(None, HTTPStatus.NOT_MODIFIED, headers)
    return reply._replace(headers=headers, written=content)


def _normalised(path: str) -> str:
    """Resolve `.`, `..` and doubled slashes of the decoded path, as servers such as nginx do.

    https://nginx.org/en/docs/http/ngx_http_core_module.html#location
    """
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            kept[-1:] = []
        elif part not in {"", "."}:
            kept.append(part)
    return "/" + "/".join(kept)


def _failed(fault: Fault) -> ApiReply:
    return ApiReply(GitHubError(fault.status, fault.message).body, fault.status, fault.headers)


def _json(request: Request) -> Any:
    """Return the body, or None when it is empty or not JSON."""
    try:
        return json.loads(request.get_data())
    except ValueError:
        return None


def _page(listing: Listing, request: Request) -> ApiReply:
    """Show the requested page, and link to the others."""
    size = min(max(request.args.get("per_page", 30, int), 1), 100)
    if listing.cursor:
        return _page_by_cursor(listing, request, size)
    page = max(request.args.get("page", 1, int), 1)
    last = max(math.ceil(len(listing.rows) / size), 1)
    places: dict[str, int] = {}
    if page > 1:
        places |= {"prev": min(page - 1, last), "first": 1}
    if page < last:
        places |= {"next": page + 1, "last": last}
    links = []
    for name, number in places.items():
        query = urlencode({**request.args.to_dict(), "page": number})
        links.append(f'<{request.base_url}?{query}>; rel="{name}"')
    headers = {"Link": ", ".join(links)} if links else {}
    rows = listing.rows[(page - 1) * size : page * size]
    shown = [listing.show(row) for row in rows]
    if listing.under:
        return ApiReply({"total_count": len(listing.rows), listing.under: shown}, 200, headers)
    return ApiReply(shown, 200, headers)


def _page_by_cursor(listing: Listing, request: Request, size: int) -> ApiReply:
    """Show what follows the row that the cursor names, and link to the next page only."""
    ids = [f"v1_{row['id']}" for row in listing.rows]
    cursor = request.args.get("cursor", "")
    if cursor and cursor not in ids:
        raise GitHubError(422, "Invalid cursor")
    start = ids.index(cursor) + 1 if cursor else 0
    rows, headers = listing.rows[start : start + size], {}
    if start + size < len(ids):
        query = urlencode({**request.args.to_dict(), "cursor": ids[start + size - 1]})
        headers = {"Link": f'<{request.base_url}?{query}>; rel="next"'}
    return ApiReply([listing.show(row) for row in rows], 200, headers)
