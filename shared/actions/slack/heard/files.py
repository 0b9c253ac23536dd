"""Reads the bytes of a file in Slack. The bot's token goes to Slack's own hosts alone: an address
elsewhere is not called, and no redirect is followed to one.

https://docs.slack.dev/reference/objects/file-object (url_private_download, file_access, mode) and
https://docs.slack.dev/reference/methods/files.info
"""

import re
import time
from base64 import b64encode
from http.client import HTTPResponse
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from shared.actions.slack.errors import SlackRefused, border
from shared.actions.slack.heard.queries import ReadSlackFile
from shared.actions.slack.session import SlackSession, read
from shared.errors import ActionUnavailable
from shared.events import Json

#: Where files lie, by the host of the API; elsewhere on the server of the API itself.
_HOSTS = {
    "slack.com": "https://files.slack.com",
    "slack-gov.com": "https://files.slack-gov.com",
}
#: No character of these means a user, a host or a port to any reader of URLs.
_PATH = r"/[A-Za-z0-9/_.~%?=&+,;:@!$'()*-]{1,2000}"
#: Redirects within the host, and bytes and seconds of one file.
_HOPS, _PIECE, _SECONDS = 3, 65_536, 15.0
_GONE = {"tombstone": "it was deleted", "hidden_by_limit": "the workspace's plan hides it"}
_SCOPE = "the app may not read files; give it the scope files:read and install it again"


class _Unread(Exception):
    """Why a file has no bytes for us."""


class _Staying(HTTPRedirectHandler):
    """Leaves a redirect as the answer."""

    def redirect_request(self, *_: object) -> None:
        return None


def read_slack_file(session: SlackSession, query: ReadSlackFile) -> Json:
    """Return the bytes, or a note; raises ActionUnavailable when Slack cannot be reached now."""
    try:
        url, size = (query.url, query.size) if query.url else _looked_up(session, query)
        if size > query.most:
            raise _Unread(f"it is larger than {query.most // 1_000_000} MB")
        return {"data": b64encode(_bytes(session, query, url)).decode()}
    except _Unread as err:
        return {"note": str(err)}


def _looked_up(session: SlackSession, query: ReadSlackFile) -> tuple[str, int]:
    """Ask for a file of which the event told only the id, as in channels of two companies."""
    doing = f"look up file {query.file}"
    try:
        found = read(doing, session.client.files_info, file=query.file).get("file") or {}
    except SlackRefused as err:
        raise _Unread(_SCOPE if err.code == "missing_scope" else f"Slack says {err.code}") from err
    if gone := _GONE.get(str(found.get("mode"))):
        raise _Unread(gone)
    url = found.get("url_private_download") or found.get("url_private")
    if not isinstance(url, str) or not url:
        raise _Unread("Slack names no address of it")
    size = found.get("size")
    return url, size if type(size) is int else 0


def _bytes(session: SlackSession, query: ReadSlackFile, url: str) -> bytes:
    """Download a file; follow redirects within its host."""
    api = urlsplit(session.client.base_url)
    root = _HOSTS.get(api.netloc.lower(), f"{api.scheme}://{api.netloc}")
    end = time.monotonic() + _SECONDS
    for _ in range(_HOPS):
        if not re.fullmatch(re.escape(root) + _PATH, url):
            raise _Unread(f"it does not lie on {root}")
        body, onward = _answer(session, query, url, end)
        if not onward:
            return body
        url = urljoin(url, onward)
    raise _Unread("its address leads on and on")


def _answer(session: SlackSession, query: ReadSlackFile, url: str, end: float) -> tuple[bytes, str]:
    """Return the bytes at an address, or the address that it leads to."""
    token = session.client.credential.value or session.client.token
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    doing = f"read file {query.file}"
    with border(doing, acts=False):
        try:
            response: HTTPResponse = build_opener(_Staying).open(
                Request(url, headers=headers), timeout=min(session.client.timeout, _SECONDS)
            )
        except HTTPError as err:
            err.close()
            if err.code in {301, 302, 303, 307, 308}:
                return b"", err.headers.get("Location") or "/"
            if err.code == 429 or err.code >= 500:
                said = f"slack: could not {doing}: HTTP {err.code}"
                raise ActionUnavailable(said, sent=False) from err
            raise _Unread(_SCOPE if err.code in {401, 403} else f"HTTP {err.code}") from err
        with response:
            return _content(response, query.most, end), ""


def _content(response: HTTPResponse, most: int, end: float) -> bytes:
    pieces, size = [], 0
    while piece := response.read1(_PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise _Unread(f"it is larger than {most // 1_000_000} MB")
        if time.monotonic() > end:
            raise _Unread(f"it did not arrive within {_SECONDS:.0f} s")
    body = b"".join(pieces)
    # Without the right to read it Slack shows the page to sign in, with a good status.
    if response.headers.get_content_type() == "text/html" and b"signin" in body[:200_000]:
        raise _Unread(_SCOPE)
    return body
