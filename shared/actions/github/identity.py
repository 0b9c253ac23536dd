"""The credentials for GitHub that the settings name: a token, or an app with a token for each
repository that can do only what the flow needs."""

import threading
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from shared.actions.github.app_jwt import AppJwt, pem
from shared.actions.github.connection import Connection
from shared.actions.github.paths import (
    APP,
    OF_INSTALLATION,
    OF_USER,
    USER,
    GitHubPath,
    in_repository,
    of_app,
)
from shared.errors import ActionRejected, SettingsError
from shared.events import Json
from shared.people.addresses import api_url
from shared.settings import Credential, Settings

#: Ask for a new installation token when the old one has less than this many seconds left.
_MARGIN = 120.0
#: Pages of installations to look through, of 100 each.
_PAGES = 100
#: Each permission includes those before it.
_LEVELS = ("read", "write", "admin")


class Identity(Protocol):
    """Threads may share it."""

    def connection(self, repository: str) -> Connection:
        """Return a connection that may act on `repository`."""
        ...

    def listing(self, owner: str) -> tuple[Connection, GitHubPath]:
        """Return where the repositories of `owner` are listed, perhaps with others, and a
        connection that may do no more there than list them."""
        ...

    def renew(self, repository: str) -> bool:
        """Forget the credentials for `repository`; False when new ones cannot be had."""
        ...

    def login(self) -> str:
        """Return the login that our comments carry, in lower case."""
        ...


class TokenIdentity:
    """A person or a machine user, known by GITHUB_TOKEN."""

    def __init__(self, url: str, token: Credential, timeout: int) -> None:
        self._token, self._sent = token, ""
        self._connection = Connection(
            url, self._authorize, "GITHUB_TOKEN", timeout, lambda: bool(token.renewed(self._sent))
        )
        self._login = ""

    def _authorize(self) -> str:
        self._sent = self._token.value
        return f"Bearer {self._sent}"

    def connection(self, repository: str) -> Connection:
        return self._connection

    def listing(self, owner: str) -> tuple[Connection, GitHubPath]:
        return self._connection, OF_USER

    def renew(self, repository: str) -> bool:
        return False

    def login(self) -> str:
        if not self._login:
            doing = "learn whose GITHUB_TOKEN it is"
            me = self._connection.call(doing, "GET", USER, writes=False)
            self._login = me.data["login"].lower()
        return self._login


class AppIdentity:
    """A GitHub App. Each repository has a token of its own, which expires after an hour."""

    _CREDENTIALS = "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"

    def __init__(
        self,
        url: str,
        app_id: str,
        private_key: Credential,
        timeout: int,
        permissions: Mapping[str, str] | None = None,
    ) -> None:
        """With `permissions`, the tokens carry only these, as far as the installation has them."""
        self._permissions = permissions
        signed = AppJwt(app_id, private_key)
        self._as_app = Connection(url, signed, self._CREDENTIALS, timeout, signed.renew)
        self._tokens: dict[str, tuple[Connection, float]] = {}
        self._login = ""
        self._lock = threading.Lock()

    @property
    def as_app(self) -> Connection:
        """The connection of the app itself, which cannot act on repositories."""
        return self._as_app

    def connection(self, repository: str) -> Connection:
        with self._lock:
            connection, ends = self._tokens.get(repository, (None, 0.0))
            if connection is None or ends - time.time() < _MARGIN:
                connection, ends = self._grant(repository)
                self._tokens = {name: one for name, one in self._tokens.items() if _lives(*one)}
                self._tokens[repository] = (connection, ends)
            return connection

    def listing(self, owner: str) -> tuple[Connection, GitHubPath]:
        installation = self._installation(owner)
        body: Json = {"permissions": {"metadata": "read"}}
        grant = self._token(f"get a token for {owner}", installation, body)
        return self._as_app.authorized(lambda: f"Bearer {grant['token']}"), OF_INSTALLATION

    def _installation(self, owner: str) -> Json:
        """Look through the app's installations; raises ActionRejected when there is none."""
        doing = f"find the app's installation on {owner}"
        at = of_app(doing, ("installations",))
        for page in range(1, _PAGES + 1):
            asked = {"per_page": 100, "page": page}
            answer = self._as_app.call(doing, "GET", at, parameters=asked, writes=False)
            for one in answer.data:
                if one["account"]["login"].lower() == owner.lower():
                    found: Json = one
                    return found
            if not answer.next_query:
                break
        raise ActionRejected(f"github: could not {doing}: there is none; install the app")

    def renew(self, repository: str) -> bool:
        with self._lock:
            self._tokens.pop(repository, None)
        return True

    def login(self) -> str:
        with self._lock:
            if not self._login:
                app = self._as_app.call("learn the app's name", "GET", APP, writes=False)
                self._login = f"{app.data['slug']}[bot]".lower()
            return self._login

    def _grant(self, repository: str) -> tuple[Connection, float]:
        """Return a connection with a new token, and its end in seconds since the epoch.

        https://docs.github.com/en/rest/apps/apps#create-an-installation-access-token-for-an-app
        """
        doing = f"find the app's installation on {repository}"
        at = in_repository(doing, repository, ("installation",))
        installation = self._as_app.call(doing, "GET", at, writes=False).data
        doing = f"get a token for {repository}"
        body: Json = {"repositories": [repository.partition("/")[2]]}
        if self._permissions is not None:
            body["permissions"] = _narrowed(self._permissions, installation["permissions"])
        grant = self._token(doing, installation, body)
        ends = datetime.fromisoformat(grant["expires_at"]).timestamp()
        return self._as_app.authorized(lambda: f"Bearer {grant['token']}"), ends

    def _token(self, doing: str, installation: Json, body: Json) -> Json:
        """Ask for a token. A second one does no harm, so this POST counts as a read."""
        path = of_app(doing, ("installations", int(installation["id"]), "access_tokens"))
        found: Json = self._as_app.call(doing, "POST", path, body, writes=False).data
        return found


def _lives(_: Connection, ends: float) -> bool:
    return ends > time.time()


def _narrowed(needed: Mapping[str, str], granted: Mapping[str, str]) -> dict[str, str]:
    """Return what to ask for: GitHub refuses a token with more than the installation has, and the
    request that needs it names what is missing. Every token may read the metadata."""
    wanted = {"metadata": "read", **needed}
    return {
        name: min(level, granted[name], key=_LEVELS.index)
        for name, level in sorted(wanted.items())
        if name in granted
    }


def identity(
    settings: Settings, timeout: int, permissions: Mapping[str, str] | None = None
) -> Identity:
    """Choose the app if the settings have one, else the token; raises SettingsError without both.

    The app goes first because many shells carry a GITHUB_TOKEN for something else. `permissions`
    narrow the tokens of the app; they cannot narrow GITHUB_TOKEN.
    """
    if settings.latest("github_app_id") or settings.latest("github_app_private_key"):
        return app_identity(settings, timeout, permissions)
    if settings.github_token:
        settings.require("github_token")
        return TokenIdentity(api_url(settings), settings.credential("github_token"), timeout)
    raise SettingsError(
        "GITHUB_TOKEN is not set, nor GITHUB_APP_ID with GITHUB_APP_PRIVATE_KEY;"
        " docs/settings.md explains them"
    )


def app_identity(
    settings: Settings, timeout: int, permissions: Mapping[str, str] | None = None
) -> AppIdentity:
    """Return the app of the settings; raises SettingsError without one."""
    pem(settings.require("github_app_private_key"))
    app_id, key = settings.require("github_app_id"), settings.credential("github_app_private_key")
    return AppIdentity(api_url(settings), app_id, key, timeout, permissions)
