"""Requests about repositories, with the credentials of the settings. Everything that the adapter
does on GitHub goes through here."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.actions.github.connection import Connection, GitHubResponse
from shared.actions.github.identity import identity
from shared.events import Json
from shared.settings import Settings

_PAGE = 100


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
        path: str,
        body: Any = None,
        /,
        **parameters: int | str,
    ) -> GitHubResponse:
        """Send one request to `path` under `repository`. `doing` completes "could not …".

        Raises ActionRejected, or ActionUnavailable with `sent` True when a write may have happened.
        """
        url = f"/repos/{repository}{path}"
        connection, response = self.send(
            doing, repository, verb, url, body=body, parameters=parameters
        )
        return connection.checked(doing, response, writes=verb != "GET")

    def look(self, doing: str, repository: str, path: str, /, **parameters: int | str) -> Any:
        """Return the JSON at `path`, or None when it is missing or gone."""
        url = f"/repos/{repository}{path}"
        connection, response = self.send(doing, repository, "GET", url, parameters=parameters)
        if response.status in {404, 409, 410}:
            return None
        return connection.checked(doing, response, writes=False).data

    def exists(self, doing: str, repository: str, path: str) -> bool:
        """Tell whether `path` exists; its response may have no content."""
        url = f"/repos/{repository}{path}"
        connection, response = self.send(doing, repository, "GET", url)
        return response.status != 404 and bool(connection.checked(doing, response, writes=False))

    def edit(self, doing: str, repository: str, path: str, body: Any) -> Any:
        """Change the object at `path` and return its new state, or None when it is gone."""
        url = f"/repos/{repository}{path}"
        connection, response = self.send(doing, repository, "PATCH", url, body=body)
        if response.status in {404, 410}:
            return None
        return connection.checked(doing, response, writes=True).data

    def search(self, doing: str, repository: str, kind: str, **parameters: int | str) -> Json:
        """Search for `kind` with the credentials for `repository` and return a page of results."""
        url = f"/search/{kind}"
        connection, response = self.send(doing, repository, "GET", url, parameters=parameters)
        found: Json = connection.checked(doing, response, writes=False).data
        return found

    def wrote(self, thing: Json) -> bool:
        """Tell whether our own login is the author: anybody can copy a mark."""
        author: str = (thing["user"] or {}).get("login", "")
        return author.lower() == self._identity.login()

    def send(
        self,
        doing: str,
        repository: str,
        verb: str,
        url: str,
        *,
        body: Any = None,
        parameters: Mapping[str, int | str] | None = None,
    ) -> tuple[Connection, GitHubResponse]:
        """Send one request to `url` with the credentials for `repository`."""
        writes = verb != "GET"
        connection = self._identity.connection(repository)
        response = connection.exchange(doing, verb, url, body, parameters, writes=writes)
        if response.status == 401 and self._identity.renew(repository):
            # A token can expire early, as when the app is installed again.
            connection = self._identity.connection(repository)
            response = connection.exchange(doing, verb, url, body, parameters, writes=writes)
        return connection, response

    def every(self, doing: str, repository: str, path: str) -> Iterator[Any]:
        """Yield a list in GitHub's order, page by page."""
        first = self.request(doing, repository, "GET", path, per_page=_PAGE)
        yield from first.data
        for page in range(2, first.pages + 1):
            more = self.request(doing, repository, "GET", path, per_page=_PAGE, page=page)
            yield from more.data

    def newest_first(self, doing: str, repository: str, path: str) -> Iterator[Any]:
        """Yield a list that GitHub sorts oldest first from its end, page by page."""
        first = self.request(doing, repository, "GET", path, per_page=_PAGE)
        for page in range(first.pages, 1, -1):
            more = self.request(doing, repository, "GET", path, per_page=_PAGE, page=page)
            yield from reversed(more.data)
        yield from reversed(first.data)
