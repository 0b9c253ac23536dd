"""Finds the caller of the sandbox GitHub: by a token that it gave out, or the app's signed JWT."""

import math
import secrets
import time
from collections.abc import Collection, Mapping
from typing import NamedTuple

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.github.state import BOT, SandboxState, app_slug
from shared.events import Json

#: Seconds that an installation token lives at GitHub, and a JWT at most.
_TOKEN_LIFE, _JWT_LIFE = 3600, 600

PERMISSIONS = {
    "actions": "read",
    "checks": "write",
    "contents": "write",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
    "statuses": "read",
}
_EVENTS = ["issues", "issue_comment", "pull_request", "push", "repository"]


class Who(NamedTuple):
    """`login` is empty for the app itself. `owner` is the account of an installation token, and
    `permissions` are those of the token, which is good for `repositories` only."""

    login: str
    owner: str = ""
    permissions: Mapping[str, str] | None = None
    repositories: Collection[str] | None = None
    #: The id of the app that calls.
    app: int = 0

    @property
    def is_app(self) -> bool:
        return not self.login

    def may(self, permission: str, level: str) -> bool:
        """Tell if the token may do this: `issues`, `write`. A person's token may do what the person
        may."""
        if self.permissions is None:
            return True
        return self.permissions.get(permission) in {level, "write"}

    def reaches(self, repository: str) -> bool:
        """Tell if the token is good for `owner/name`. A person's token is for all of theirs."""
        if self.owner not in {"", repository.partition("/")[0]}:
            return False
        return self.repositories is None or repository in self.repositories


class Tokens:
    """It makes the app's key when it is first needed: that takes a third of a second."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        app = state.first("app")
        app = app or state.add("app", key="", permissions=PERMISSIONS, events=_EVENTS)
        state.change("app", app, permissions=PERMISSIONS, events=_EVENTS)
        self.app_id: int = app["id"]
        #: Permissions that installations grant less of than the app asks for.
        self.limits: dict[str, str] = {}
        self.bot = self.of(BOT)
        self._public_keys: dict[str, rsa.RSAPublicKey] = {}

    @property
    def private_key(self) -> str:
        """The app's key as PEM text."""
        with self._state.lock:
            app = self._state.rows("app")[0]
            if not app["key"]:
                app = self._state.change("app", app, key=new_key())
            key: str = app["key"]
            return key

    def _public_key(self, app: int) -> rsa.RSAPublicKey:
        row = self._state.get("app", app)
        text = (row or {}).get("key") or (self.private_key if app == self.app_id else "")
        if not text:
            raise GitHubError(401, "A JSON web token could not be decoded")
        if text not in self._public_keys:
            # Our own key needs no check, which would take longer than everything else here.
            key = load_pem_private_key(text.encode(), None, unsafe_skip_rsa_key_validation=True)
            assert isinstance(key, rsa.RSAPrivateKey)
            self._public_keys[text] = key.public_key()
        return self._public_keys[text]

    def of(self, login: str) -> str:
        """Return a token that acts as `login`; the same one each time."""
        found = self._state.first("tokens", login=login, owner="")
        if found is None:
            self._state.account(login)
            token = f"ghp_{secrets.token_hex(18)}"
            found = self._state.add("tokens", login=login, owner="", token=token, ends=None)
        text: str = found["token"]
        return text

    def install(
        self,
        app: Json,
        owner: str,
        permissions: Mapping[str, str],
        repositories: Collection[str] | None,
    ) -> tuple[str, str]:
        """Return a new token of the installation on `owner`, and when it ends; raises GitHubError
        for permissions that the app does not have. None is for all repositories."""
        granted = Who("", permissions=app["permissions"])
        if not all(granted.may(name, level) for name, level in permissions.items()):
            raise GitHubError(
                422, "The permissions requested are not granted to this installation."
            )
        token, ends = f"ghs_{secrets.token_hex(18)}", time.time() + _TOKEN_LIFE
        fields = {"login": f"{app_slug(app)}[bot]", "owner": owner, "token": token, "ends": ends}
        fields |= {"repositories": None if repositories is None else sorted(repositories)}
        limited = {name: self.limits.get(name, level) for name, level in permissions.items()}
        self._state.add("tokens", **fields, permissions={"metadata": "read", **limited})
        return token, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))

    def grant(self, permissions: Mapping[str, str]) -> None:
        """Let the sandbox's own app have these permissions too."""
        with self._state.lock:
            app = self._state.rows("app")[0]
            self._state.change("app", app, permissions={**app["permissions"], **permissions})

    def end_installations(self) -> None:
        """End every installation token now, as when the app is installed anew."""
        for row in self._state.rows("tokens"):
            if row["owner"]:
                self._state.remove("tokens", row)

    def who(self, authorization: str) -> Who:
        """Return the sender of this header; raises GitHubError when it is nobody."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() not in {"token", "bearer"} or not token:
            raise GitHubError(401, "Requires authentication")
        if token.count(".") == 2:
            return self._app(token)
        row = self._state.first("tokens", token=token)
        if row is None or (row["ends"] or math.inf) < time.time():
            raise GitHubError(401, "Bad credentials")
        return Who(row["login"], row["owner"], row.get("permissions"), row.get("repositories"))

    def _app(self, token: str) -> Who:
        try:
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss", "")
            app = int(issuer) if issuer.isdecimal() else 0
            claims = jwt.decode(
                token,
                self._public_key(app),
                algorithms=["RS256"],
                issuer=str(app),
                options={"require": ["iat", "exp", "iss"]},
            )
        except jwt.PyJWTError as err:
            raise GitHubError(401, "A JSON web token could not be decoded") from err
        if claims["exp"] > time.time() + _JWT_LIFE:
            raise GitHubError(401, "'Expiration time' claim ('exp') is too far in the future")
        return Who("", app=app)


def new_key() -> str:
    """Return a new private key as PEM text."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form = Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    return made.private_bytes(*form).decode()
