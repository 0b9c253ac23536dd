"""The four steps of a rotation. Each may be repeated, at any time, and after any that came before.

A login changes its own password. Where neither its new nor its old one lets it in, because somebody
else has changed it meanwhile, the owner sets the new one.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, NamedTuple

import psycopg

from infra.passwords import new_password, set_password, signed_in
from infra.rotation.versions import CURRENT, PENDING, PREVIOUS, SecretVersions, Values
from shared.database import connect
from shared.database.address import parsed
from shared.database.connecting import is_denied
from shared.errors import SettingsError

#: What the secret of a login calls its address, and the owner's its password, which the stack of
#: the database reads.
URL, PASSWORD = "database_url", "password"


def create(secret: SecretVersions, owner: SecretVersions, token: str) -> None:
    """Invent a password, once."""
    if secret.values(PENDING, token):
        return
    current = _required(secret, CURRENT)
    password = new_password()
    url = signed_in(current[URL], str(parsed(current[URL])["user"]), password)
    changed = {URL: url} | ({PASSWORD: password} if PASSWORD in current else {})
    secret.put({**current, **changed}, token)


def set_in_database(secret: SecretVersions, owner: SecretVersions, token: str) -> None:
    """Let the database take the new password."""
    pending = _required(secret, PENDING, token)[URL]
    if _signs_in(pending):
        return
    login, password = _login(pending), str(parsed(pending)["password"])
    for label in (CURRENT, PREVIOUS):
        known = (secret.values(label) or {}).get(URL, "")
        if known and _login(known) != login:
            raise SettingsError(f"{secret.name}: its versions are for two logins or databases")
        if known and (connection := _signed_in(known)):
            with closing(connection):
                set_password(connection, login.user, password)
            return
    if owner.name and (kept := owner.values(CURRENT)) and _login(kept[URL]).place == login.place:
        with closing(connect(kept[URL])) as connection:
            set_password(connection, login.user, password)
        return
    raise SettingsError(
        f"{secret.name}: neither its password nor the one before lets {login.user} in; set one by"
        " hand, in the database and in the secret"
    )


def test(secret: SecretVersions, owner: SecretVersions, token: str) -> None:
    """See that the new password lets in. When a schedule is set, there is none yet."""
    values = secret.values(PENDING, token) or _required(secret, CURRENT)
    with closing(connect(values[URL])) as connection:
        connection.execute("select 1")


def finish(secret: SecretVersions, owner: SecretVersions, token: str) -> None:
    """Let the functions read the new password, which they do when the old one is refused."""
    secret.make_current(token)


STEPS: Mapping[str, Callable[[SecretVersions, SecretVersions, str], None]] = {
    "createSecret": create,
    "setSecret": set_in_database,
    "testSecret": test,
    "finishSecret": finish,
}


def _required(secret: SecretVersions, label: str, token: str = "") -> Values:
    values = secret.values(label, token)
    if not values or not values.get(URL):
        raise SettingsError(f"{secret.name} holds no {URL} as {label}; run ./scripts/deploy")
    return values


class _Login(NamedTuple):
    """A login, and where it signs in."""

    user: str
    place: tuple[str, ...]


def _login(url: str) -> _Login:
    found = parsed(url)
    place = tuple(str(found.get(name, "")) for name in ("host", "port", "dbname"))
    return _Login(str(found.get("user", "")), place)


def _signs_in(url: str) -> bool:
    if connection := _signed_in(url):
        connection.close()
    return connection is not None


def _signed_in(url: str) -> psycopg.Connection[Any] | None:
    """Sign in; None when the server refuses the password."""
    try:
        return connect(url)
    except SettingsError as err:
        if isinstance(err.__cause__, psycopg.Error) and is_denied(err.__cause__):
            return None
        raise
