"""Requests about repositories, with the credentials of the settings. Everything that the adapter
does on GitHub goes through here."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from shared.actions.github.connection import Connection, GitHubResponse
from shared.actions.github.errors import check_limit
from shared.actions.github.identity import identity
from shared.actions.github.paths import (
    GRAPHQL,
    GitHubPath,
    Segments,
    in_repository,
    of_search,
    within,
)
from shared.errors import ActionRejected
from shared.events import Json
from shared.paging import pages
from shared.settings import Settings

#: Items of a page, and at most so many pages of a list.
_PAGE, _PAGES = 100, 300
#: Asks for a text as HTML too.
_FULL = "application/vnd.github.full+json"
#: The parameters by which a page names the next one.
_CURSOR = ("after", "page")
#: What GraphQL calls that the credentials may not do something.
_FORBIDDEN = frozenset({"FORBIDDEN", "INSUFFICIENT_SCOPES"})


class GitHubSession:
    """Threads may share it."""

    def __init__(
        self, settings: Settings, timeout: int, permissions: Mapping[str, str] | None = None
    ) -> None:
        """Raises SettingsError when the settings lack credentials, or the address is invalid."""
        self._identity = identity(settings, timeout, permissions)

    def request(
        self,
        doing: str,
        repository: str,
        verb: str,
        path: Segments,
        body: Any = None,
        /,
        **parameters: int | str,
    ) -> GitHubResponse:
        """Send one request to `path` under `repository`. `doing` completes "could not …".

        Raises ActionRejected, or ActionUnavailable with `sent` True when a write may have happened.
        """
        at = in_repository(doing, repository, path)
        connection, response = self.send(
            doing, repository, verb, at, body=body, parameters=parameters
        )
        return connection.checked(doing, response, writes=verb != "GET")

    def look(self, doing: str, repository: str, path: Segments, /, **parameters: int | str) -> Any:
        """Return the JSON at `path`, or None when it is missing or gone."""
        at = in_repository(doing, repository, path)
        connection, response = self.send(doing, repository, "GET", at, parameters=parameters)
        if response.status in {404, 409, 410}:
            return None
        return connection.checked(doing, response, writes=False).data

    def tail(self, doing: str, repository: str, path: Segments, most: int) -> bytes | None:
        """Return the last `most` bytes of the file that `path` leads to; None when it is gone."""
        at = in_repository(doing, repository, path)
        connection, response = self.send(doing, repository, "GET", at)
        if response.status in {404, 410}:
            return None
        if response.status != 302:
            connection.checked(doing, response, writes=False)
        return connection.tail(doing, response.headers.get("location", ""), most)

    def api_url(self, repository: str) -> str:
        """Return where the API is that knows a repository."""
        return self._identity.connection(repository).url

    def rendered(self, doing: str, repository: str, path: Segments) -> str:
        """Return the HTML that GitHub makes of the text at `path`, with signed addresses; '' when
        it is gone."""
        at = in_repository(doing, repository, path)
        connection, response = self.send(doing, repository, "GET", at, accept=_FULL)
        if response.status in {404, 410}:
            return ""
        return str(connection.checked(doing, response, writes=False).data.get("body_html") or "")

    def upload(self, doing: str, repository: str, url: str, most: int) -> bytes | None:
        """Return the file at a signed address; None when it is gone, or has more than `most`
        bytes."""
        return self._identity.connection(repository).open_file(doing, url, most)

    def exists(self, doing: str, repository: str, path: Segments) -> bool:
        """Tell whether `path` exists; its response may have no content."""
        at = in_repository(doing, repository, path)
        connection, response = self.send(doing, repository, "GET", at)
        return response.status != 404 and bool(connection.checked(doing, response, writes=False))

    def remove(self, doing: str, repository: str, path: Segments) -> None:
        """Delete what is at `path`, if it is still there."""
        at = in_repository(doing, repository, path)
        connection, response = self.send(doing, repository, "DELETE", at)
        if response.status != 404:
            connection.checked(doing, response, writes=True)

    def edit(self, doing: str, repository: str, path: Segments, body: Any) -> Any:
        """Change the object at `path` and return its new state, or None when it is gone."""
        at = in_repository(doing, repository, path)
        connection, response = self.send(doing, repository, "PATCH", at, body=body)
        if response.status in {404, 410}:
            return None
        return connection.checked(doing, response, writes=True).data

    def search(
        self,
        doing: str,
        repository: str,
        kind: Literal["issues", "code"],
        words: str,
        per_page: int,
    ) -> Json:
        """Search for `words` in `repository` alone and return a page of results."""
        asked: dict[str, int | str] = {"q": within(doing, repository, words), "per_page": per_page}
        connection, response = self.send(
            doing, repository, "GET", of_search(kind), parameters=asked
        )
        found: Json = connection.checked(doing, response, writes=False).data
        return found

    def graphql(self, doing: str, repository: str, query: str, /, **variables: int | str) -> Json:
        """Ask the GraphQL API, with the credentials for `repository`, and return its `data`.

        Raises ActionRejected with the status 403 for what the credentials may not do.
        """
        return self._graphql(doing, repository, query, variables)

    def graphql_parts(
        self, doing: str, repository: str, query: str, /, **variables: int | str
    ) -> Json:
        """Ask as `graphql` does; what is not there, or may not be seen, is None in the answer."""
        return self._graphql(doing, repository, query, variables, parts=True)

    def _graphql(
        self,
        doing: str,
        repository: str,
        query: str,
        variables: Mapping[str, int | str],
        *,
        parts: bool = False,
    ) -> Json:
        in_repository(doing, repository)
        writes = query.lstrip().startswith("mutation")
        body = {"query": query, "variables": variables}
        connection, response = self.send(doing, repository, "POST", GRAPHQL, body=body)
        found = connection.checked(doing, response, writes=writes).data
        for error in found.get("errors") or ():
            check_limit(doing, response.headers, str(error.get("message", "")))
            kind = error.get("type", "")
            status = 403 if kind in _FORBIDDEN else 404 if kind == "NOT_FOUND" else 400
            if parts and status != 400 and found.get("data"):
                continue
            raise ActionRejected(
                f"github: could not {doing}: {str(error.get('message', ''))[:100]}", status=status
            )
        data: Json = found["data"]
        return data

    def wrote(self, thing: Json) -> bool:
        """Tell whether our own login is the author: anybody can copy a mark."""
        return self.is_own((thing["user"] or {}).get("login", ""))

    def is_own(self, login: str) -> bool:
        return login.lower() == self._identity.login()

    def send(
        self,
        doing: str,
        repository: str,
        verb: str,
        path: GitHubPath,
        *,
        body: Any = None,
        parameters: Mapping[str, int | str] | None = None,
        accept: str = "",
    ) -> tuple[Connection, GitHubResponse]:
        """Send one request, about `repository` or a search in it, with the credentials for it."""
        if path.root not in {f"/repos/{repository}", "/search", "/graphql"}:
            raise ActionRejected(f"github: could not {doing}: not a valid path for its repository")
        writes = verb != "GET"
        connection = self._identity.connection(repository)
        response = connection.exchange(
            doing, verb, path, body, parameters, writes=writes, accept=accept
        )
        if response.status == 401 and self._identity.renew(repository):
            # A token can expire early, as when the app is installed again.
            connection = self._identity.connection(repository)
            response = connection.exchange(
                doing, verb, path, body, parameters, writes=writes, accept=accept
            )
        return connection, response

    def every(
        self, doing: str, repository: str, path: Segments, /, **asked: int | str
    ) -> Iterator[Any]:
        """Yield a list in GitHub's order."""
        for response in self.listed(doing, repository, path, **asked):
            yield from response.data

    def listed(
        self, doing: str, repository: str, path: Segments, /, **asked: int | str
    ) -> Iterator[GitHubResponse]:
        """Yield a list page by page. Each page names the next one: a list of issues has no number
        of pages, and a large one takes only the cursor of the page before.

        https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api
        """

        def fetch(cursor: str) -> GitHubResponse:
            return self.page(doing, repository, path, cursor, **asked)

        return pages(fetch, following, "", most=_PAGES, endless=_endless(doing))

    def page(
        self, doing: str, repository: str, path: Segments, after: str, /, **asked: int | str
    ) -> GitHubResponse:
        """Return the page of a list that is `after` what `following` said of another; the first
        one after ''."""
        sent = {**asked, **dict(parse_qsl(after))}
        return self.request(doing, repository, "GET", path, per_page=_PAGE, **sent)

    def reached(self, doing: str, owner: str) -> Iterator[Any]:
        """Yield the repositories of `owner` that the credentials reach."""
        connection, path = self._identity.listing(owner)

        def fetch(cursor: str) -> GitHubResponse:
            asked: dict[str, int | str] = {"per_page": _PAGE, **dict(parse_qsl(cursor))}
            return connection.call(doing, "GET", path, parameters=asked, writes=False)

        for response in pages(fetch, following, "", most=_PAGES, endless=_endless(doing)):
            found = response.data
            rows = found["repositories"] if isinstance(found, dict) else found  # of an installation
            yield from (row for row in rows if row["owner"]["login"].lower() == owner.lower())

    def newest_first(self, doing: str, repository: str, path: Segments) -> Iterator[Any]:
        """Yield a list that GitHub sorts oldest first from its end, page by page."""
        first = self.page(doing, repository, path, "")
        if following(first) and not first.pages_if_known:
            yield from reversed([*self.every(doing, repository, path)])
            return
        if first.pages > _PAGES:
            raise _endless(doing)(f"the server has more than {_PAGES} pages")
        for page in range(first.pages, 1, -1):
            more = self.request(doing, repository, "GET", path, per_page=_PAGE, page=page)
            yield from reversed(more.data)
        yield from reversed(first.data)


def following(response: GitHubResponse) -> str | None:
    """Return the parameters that lead to the next page; None after the last one."""
    named = response.next_query if response.data else {}
    return urlencode({name: named[name] for name in _CURSOR if name in named}) or None


def _endless(doing: str) -> Callable[[str], ActionRejected]:
    return lambda why: ActionRejected(f"github: could not {doing}: {why}")
