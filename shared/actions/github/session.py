"""Who we are on GitHub: what the settings name, a token or an app that is installed per account."""

import base64
import binascii
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from shared.actions.github.app_token import AppToken
from shared.actions.github.connection import Answer, Connection
from shared.errors import SettingsError
from shared.events import Json
from shared.settings import Settings

#: Ask for a new installation token when the old one has less than this many seconds left.
_MARGIN = 120.0

_PAGE = 100


class Identity(Protocol):
    """Threads may share it."""

    def connection(self, repository: str) -> Connection:
        """Return a connection that may act on `repository`."""
        ...

    def renew(self, repository: str) -> bool:
        """Forget the credentials for `repository`; False when new ones cannot be had."""
        ...

    def login(self) -> str:
        """Return the login that our comments carry, in lower case."""
        ...


class TokenIdentity:
    """A person or a machine user, by GITHUB_TOKEN."""

    def __init__(self, url: str, token: str, timeout: int) -> None:
        self._connection = Connection(url, lambda: f"Bearer {token}", "GITHUB_TOKEN", timeout)
        self._login = ""

    def connection(self, repository: str) -> Connection:
        return self._connection

    def renew(self, repository: str) -> bool:
        return False

    def login(self) -> str:
        if not self._login:
            doing = "learn whose GITHUB_TOKEN it is"
            me = self._connection.call(doing, "GET", "/user", writes=False)
            self._login = me.data["login"].lower()
        return self._login


class AppIdentity:
    """A GitHub App. Each installation has a token of its own, which GitHub ends after an hour."""

    _CREDENTIALS = "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"

    def __init__(
        self,
        url: str,
        app_id: str,
        private_key: str,
        timeout: int,
        permissions: Mapping[str, str] | None = None,
    ) -> None:
        """With `permissions` the tokens are good for these and nothing else."""
        self._url = url
        self._permissions = permissions
        self._timeout = timeout
        self._as_app = self._connect(AppToken(app_id, private_key))
        self._installations: dict[str, int] = {}
        self._tokens: dict[int, tuple[Connection, float]] = {}
        self._login = ""
        self._lock = threading.Lock()

    @property
    def as_app(self) -> Connection:
        """The connection of the app itself, which may act on no repository."""
        return self._as_app

    def connection(self, repository: str) -> Connection:
        with self._lock:
            installation = self._installation(repository)
            connection, ends = self._tokens.get(installation, (None, 0.0))
            if connection is None or ends - time.time() < _MARGIN:
                connection, ends = self._grant(installation)
                self._tokens[installation] = (connection, ends)
            return connection

    def renew(self, repository: str) -> bool:
        with self._lock:
            self._tokens.pop(self._installations.pop(repository, 0), None)
        return True

    def login(self) -> str:
        with self._lock:
            if not self._login:
                app = self._as_app.call("learn the app's name", "GET", "/app", writes=False)
                self._login = f"{app.data['slug']}[bot]".lower()
            return self._login

    def _installation(self, repository: str) -> int:
        if repository not in self._installations:
            doing = f"find the app's installation on {repository}"
            path = f"/repos/{repository}/installation"
            found = self._as_app.call(doing, "GET", path, writes=False)
            self._installations[repository] = int(found.data["id"])
        return self._installations[repository]

    def _grant(self, installation: int) -> tuple[Connection, float]:
        """Return a connection with a new token, and when it ends in seconds since the epoch."""
        doing = f"get a token for installation {installation}"
        path = f"/app/installations/{installation}/access_tokens"
        # A token that is made twice does no harm, so this POST counts as a read.
        body = {"permissions": dict(self._permissions)} if self._permissions else None
        grant = self._as_app.call(doing, "POST", path, body, writes=False).data
        ends = datetime.fromisoformat(grant["expires_at"]).timestamp()
        return self._connect(lambda: f"Bearer {grant['token']}"), ends

    def _connect(self, authorize: Callable[[], str]) -> Connection:
        return Connection(self._url, authorize, self._CREDENTIALS, self._timeout)


class GitHubSession:
    """Requests about repositories, as whom the settings name. Threads may share it."""

    def __init__(
        self, settings: Settings, timeout: int, permissions: Mapping[str, str] | None = None
    ) -> None:
        """Raises SettingsError when the settings name nobody, or the address is none."""
        self._identity = identity(settings, timeout, permissions)

    def login(self) -> str:
        return self._identity.login()

    def request(
        self,
        doing: str,
        repository: str,
        verb: str,
        path: str,
        body: Any = None,
        /,
        **parameters: int | str,
    ) -> Answer:
        """Send one request about `repository`; `path` goes on from it. `doing` says what failed.

        Raises ActionRejected, or ActionUnavailable with `sent` True when a write may have happened.
        """
        connection, answer = self._exchange(
            doing, repository, verb, path, body=body, parameters=parameters
        )
        return connection.checked(doing, answer, writes=verb != "GET")

    def look(self, doing: str, repository: str, path: str, /, **parameters: int | str) -> Any:
        """Return what is at `path`, or None when nothing is: not there, or not any more."""
        connection, answer = self._exchange(
            doing, repository, "GET", path, body=None, parameters=parameters
        )
        if answer.status in {404, 409, 410}:
            return None
        return connection.checked(doing, answer, writes=False).data

    def exists(self, doing: str, repository: str, path: str) -> bool:
        """Tell whether something is at `path`."""
        connection, answer = self._exchange(
            doing, repository, "GET", path, body=None, parameters={}
        )
        return answer.status != 404 and bool(connection.checked(doing, answer, writes=False))

    def search(self, doing: str, repository: str, kind: str, **parameters: int | str) -> Json:
        """Return a page of what the search for `kind` finds, as whoever may act on `repository`."""
        connection, answer = self.send(
            doing, repository, "GET", f"/search/{kind}", body=None, parameters=parameters
        )
        found: Json = connection.checked(doing, answer, writes=False).data
        return found

    def wrote(self, thing: Json) -> bool:
        """Tell whether our own login made it: anybody can copy a mark."""
        author: str = (thing["user"] or {}).get("login", "")
        return author.lower() == self.login()

    def edit(self, doing: str, repository: str, path: str, body: Any) -> Any:
        """Change what is at `path` and return it as it is now, or None when it is gone."""
        connection, answer = self._exchange(
            doing, repository, "PATCH", path, body=body, parameters={}
        )
        if answer.status in {404, 410}:
            return None
        return connection.checked(doing, answer, writes=True).data

    def _exchange(
        self,
        doing: str,
        repository: str,
        verb: str,
        path: str,
        *,
        body: Any,
        parameters: Mapping[str, int | str],
    ) -> tuple[Connection, Answer]:
        url = f"/repos/{repository}{path}"
        return self.send(doing, repository, verb, url, body=body, parameters=parameters)

    def send(
        self,
        doing: str,
        repository: str,
        verb: str,
        url: str,
        *,
        body: Any,
        parameters: Mapping[str, int | str],
    ) -> tuple[Connection, Answer]:
        """Send one request to `url` with what may act on `repository`; all requests go this way."""
        writes = verb != "GET"
        connection = self._identity.connection(repository)
        answer = connection.exchange(doing, verb, url, body, parameters, writes=writes)
        if answer.status == 401 and self._identity.renew(repository):
            # A token can end before its hour, as when the app is installed anew.
            connection = self._identity.connection(repository)
            answer = connection.exchange(doing, verb, url, body, parameters, writes=writes)
        return connection, answer

    def every(self, doing: str, repository: str, path: str) -> Iterator[Any]:
        """Go through a list in GitHub's order, page by page."""
        first = self.request(doing, repository, "GET", path, per_page=_PAGE)
        yield from first.data
        for page in range(2, first.pages + 1):
            more = self.request(doing, repository, "GET", path, per_page=_PAGE, page=page)
            yield from more.data

    def newest_first(self, doing: str, repository: str, path: str) -> Iterator[Any]:
        """Go through a list that GitHub gives oldest first, from its end, page by page."""
        first = self.request(doing, repository, "GET", path, per_page=_PAGE)
        for page in range(first.pages, 1, -1):
            more = self.request(doing, repository, "GET", path, per_page=_PAGE, page=page)
            yield from reversed(more.data)
        yield from reversed(first.data)


def identity(
    settings: Settings, timeout: int, permissions: Mapping[str, str] | None = None
) -> Identity:
    """Choose the app when the settings have one, else the token; raises SettingsError if neither.

    `permissions` narrow the app's tokens; what a token of GITHUB_TOKEN may do, GitHub knows alone.

    The app goes first because many shells carry a GITHUB_TOKEN that is meant for something else.
    """
    if settings.github_app_id or settings.github_app_private_key:
        return app_identity(settings, timeout, permissions)
    if settings.github_token:
        return TokenIdentity(_api(settings), settings.github_token, timeout)
    raise SettingsError(
        "GITHUB_TOKEN is not set, nor GITHUB_APP_ID with GITHUB_APP_PRIVATE_KEY;"
        " docs/settings.md says what they are for"
    )


def app_identity(
    settings: Settings, timeout: int, permissions: Mapping[str, str] | None = None
) -> AppIdentity:
    """Return the app that the settings name; raises SettingsError when they name none."""
    key = pem(settings.require("github_app_private_key"))
    app_id = settings.require("github_app_id")
    return AppIdentity(_api(settings), app_id, key, timeout, permissions)


def _api(settings: Settings) -> str:
    url = settings.github_api_url.rstrip("/")
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise SettingsError(f"GITHUB_API_URL is {url!r}; expected https://…")
    return url


def pem(text: str) -> str:
    r"""Return the PEM text of a key that has line ends, a literal `\n` in their place, or base64.

    Raises SettingsError when it is none of these.
    """
    key = text.strip().replace("\\n", "\n")
    if "-----BEGIN" not in key:
        try:
            key = base64.b64decode("".join(key.split()), validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            key = ""
    if "-----BEGIN" not in key:
        raise SettingsError(
            "GITHUB_APP_PRIVATE_KEY is no PEM key; paste the .pem file that GitHub gave,"
            r" with \n for line ends, or its base64"
        )
    return key
