"""Sends one HTTP request to GitHub per call, with credentials.

It does not retry, because the effect retries; it does not follow redirects, because a redirected
write is lost. PyGithub would do the same for 0.2 s more CPU at each cold start.

What was read before is asked for again by its ETag: an answer that is the same counts against no
limit. https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api
"""

import json
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, urlsplit

import urllib3
from urllib3.util import parse_url

from shared.actions.github.errors import check, translated
from shared.actions.github.paths import GRAPHQL, GitHubPath, is_whole, query_of
from shared.errors import ActionRejected, ActionUnavailable, SettingsError
from shared.patterns import lazily

#: Answers that are kept to ask for them by their ETag, and the largest of them in bytes.
_KEPT, _LARGEST = 64, 65_536
#: Bytes of a file that are read at once, and the most of one file.
_CHUNK, _LONGEST_FILE = 65_536, 64 * 1024 * 1024
_LINK = lazily(r'<([^>]*)>[^,]*\brel="?(\w+)')


class GitHubResponse(NamedTuple):
    status: int
    headers: Mapping[str, str]
    data: Any

    @property
    def pages(self) -> int:
        """The number of pages of the list, from the Link header; 1 without one."""
        query = self._link("last")
        return int(parse_qs(query)["page"][0]) if query else 1

    @property
    def pages_if_known(self) -> int:
        """As `pages`; 0 where there is a next page and GitHub does not say how many follow."""
        return 0 if self._link("next") and not self._link("last") else self.pages

    @property
    def next_query(self) -> dict[str, int | str]:
        """The parameters of the list's next page, from the Link header; empty on the last page."""
        return dict(parse_qsl(self._link("next")))

    def _link(self, relation: str) -> str:
        links = {rel: url for url, rel in _LINK.findall(self.headers.get("link", ""))}
        return str(urlsplit(links.get(relation, "")).query)


def address(base_url: str, doing: str, path: GitHubPath, query: str) -> str:
    """Return the URL, which urllib3 will send exactly as it stands here; raises ActionRejected for
    one that would lead elsewhere."""
    base, url = parse_url(base_url), parse_url(f"{base_url}{path.text}{query}")
    meant = (base.scheme, base.auth, base.netloc, f"{base.path or ''}{path.text}", query)
    sent = (url.scheme, url.auth, url.netloc, url.path, f"?{url.query}" if url.query else "")
    if sent != meant or url.fragment is not None or not is_whole(path):
        raise ActionRejected(
            f"github: could not {doing}: not a valid path; the request would go elsewhere"
        )
    return url.url


class Connection:
    """`authorize` gives the Authorization header; `credentials` names its settings. When GitHub
    answers 401, `renew` tells if another header can be had by now.

    `timeout` is in seconds: for the connection, and then for each part of a response. Threads may
    share it.
    """

    def __init__(
        self,
        url: str,
        authorize: Callable[[], str],
        credentials: str,
        timeout: float,
        renew: Callable[[], bool] = lambda: False,
    ) -> None:
        self._url = self.url = url
        self._authorize = authorize
        self._renew = renew
        self._credentials = credentials
        self._known: dict[str, urllib3.BaseHTTPResponse] = {}
        self._http = urllib3.PoolManager(
            maxsize=8, timeout=urllib3.Timeout(connect=timeout, read=timeout), retries=False
        )

    def authorized(self, authorize: Callable[[], str]) -> "Connection":
        """Return one with another Authorization header, which shares the open sockets."""
        other = copy(self)
        other._authorize, other._renew, other._known = authorize, lambda: False, {}
        return other

    def exchange(
        self,
        doing: str,
        verb: str,
        path: GitHubPath,
        body: Any = None,
        parameters: Mapping[str, int | str] | None = None,
        *,
        writes: bool,
        accept: str = "",
    ) -> GitHubResponse:
        """Send one request and return the response, whatever its status. What another media type is
        asked for is always asked anew: it may hold addresses that end.

        Raises ActionUnavailable without a response; `sent` is then True if the request `writes` and
        may have arrived. Raises ActionRejected for an address that would lead elsewhere.
        """
        # https://docs.github.com/en/enterprise-server@3.19/graphql/guides/forming-calls-with-graphql
        base = self._url.removesuffix("/v3") if path == GRAPHQL else self._url
        url = address(base, doing, path, query_of(doing, parameters or {}))
        sent = None if body is None else json.dumps(body).encode()
        answer = self._send(doing, verb, url, sent, writes=writes, accept=accept)
        if answer.status == 401 and self._renew():
            answer = self._send(doing, verb, url, sent, writes=writes, accept=accept)
        try:
            data = json.loads(answer.data) if answer.data else None
        except ValueError as err:
            if answer.status < 400:
                raise ActionUnavailable(
                    f"github: could not {doing}: the answer is not JSON; check GITHUB_API_URL",
                    sent=writes,
                ) from err
            data = None
        return GitHubResponse(answer.status, answer.headers, data)

    def _send(
        self,
        doing: str,
        verb: str,
        url: str,
        body: bytes | None,
        *,
        writes: bool,
        accept: str,
    ) -> urllib3.BaseHTTPResponse:
        known = self._known.get(url) if verb == "GET" and not accept else None
        headers = self._headers(doing) | ({"If-None-Match": known.headers["etag"]} if known else {})
        headers |= {"Accept": accept} if accept else {}
        with translated(doing, writes=writes):
            answer = self._http.request(verb, url, body=body, headers=headers, redirect=False)
        if known and answer.status == 304:
            return known
        if verb == "GET" and not accept and answer.status == 200 and "etag" in answer.headers:
            self._keep(url, answer)
        return answer

    def _keep(self, url: str, answer: urllib3.BaseHTTPResponse) -> None:
        if len(answer.data) <= _LARGEST:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[url] = answer

    def _headers(self, doing: str) -> dict[str, str]:
        try:
            authorization = self._authorize()
        except SettingsError as err:  # the key that signs for the app
            raise ActionRejected(f"github: could not {doing}: {err}") from err
        return {
            "Accept": "application/vnd.github+json",
            "Authorization": authorization,
            "Content-Type": "application/json",
            "User-Agent": "agent-flows",
            "X-GitHub-Api-Version": "2022-11-28",
        }

    def open_file(self, doing: str, url: str, most: int) -> bytes | None:
        """Return the file at a signed address, to which no credentials go, and from which no
        redirect leads on; None when it is gone or has more than `most` bytes."""
        with translated(doing, writes=False):
            answer = self._http.request("GET", url, redirect=False, preload_content=False)
            try:
                if answer.status != 200:
                    return None
                kept = b""
                for chunk in answer.stream(_CHUNK):
                    kept += chunk
                    if len(kept) > most:
                        return None
                return kept
            finally:
                answer.close()

    def tail(self, doing: str, url: str, most: int) -> bytes | None:
        """Return the last `most` bytes of the file at `url`, to which GitHub sends its callers: the
        address itself is the permission, so no credentials go there. None when it is gone."""
        at = urlsplit(url)
        if at.scheme != "https" and (at.scheme, at.netloc) != urlsplit(self._url)[:2]:
            raise ActionRejected(f"github: could not {doing}: it would come from elsewhere")
        with translated(doing, writes=False):
            answer = self._http.request("GET", url, redirect=False, preload_content=False)
            try:
                if answer.status != 200:
                    return None
                kept, read = b"", 0
                for chunk in answer.stream(_CHUNK):
                    kept, read = (kept + chunk)[-most:], read + len(chunk)
                    if read > _LONGEST_FILE:
                        break  # what comes behind is not looked at
                return kept
            finally:
                answer.close()

    def call(
        self,
        doing: str,
        verb: str,
        path: GitHubPath,
        body: Any = None,
        parameters: Mapping[str, int | str] | None = None,
        *,
        writes: bool,
    ) -> GitHubResponse:
        """Send one request and return the response; raises an ActionError for other than 2xx."""
        answer = self.exchange(doing, verb, path, body, parameters, writes=writes)
        return self.checked(doing, answer, writes=writes)

    def checked(self, doing: str, answer: GitHubResponse, *, writes: bool) -> GitHubResponse:
        check(
            doing,
            answer.status,
            answer.headers,
            answer.data,
            writes=writes,
            credentials=self._credentials,
        )
        return answer
