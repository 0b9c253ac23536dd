"""The logins of the functions: each owns nothing, and may act as one role of the database."""

from collections.abc import Callable, Mapping

import psycopg
from psycopg import conninfo, sql

from infra.passwords import new_password, set_password, signed_in
from shared.aws.secrets import secrets_named
from shared.database import OPERATOR, READER, ROLE, connect
from shared.errors import DatabaseUnavailable, SettingsError
from shared.settings import Settings

#: What each kind of login may act as. Its URL is the setting `DATABASE_<KIND>_URL`.
ROLES: Mapping[str, str] = {"runtime": ROLE, "operator": OPERATOR, "reader": READER}

_EXISTS = "select from pg_roles where rolname = %s"
_CREATE = "create role {} login noinherit"
_LOGIN = "alter role {} login"
_MEMBER = "select pg_has_role(%s, %s, 'member')"
_GRANT = "grant {} to {}"
_CONNECT = "grant connect on database {} to {}"


def given_urls(settings: Settings) -> dict[str, str]:
    """Return the URLs of the functions' logins that are set, by kind."""
    urls = {
        "runtime": settings.database_runtime_url,
        "operator": settings.database_operator_url,
        "reader": settings.database_reader_url,
    }
    return {kind: url for kind, url in urls.items() if url}


def kept_urls(names: str) -> dict[str, str]:
    """Return the URLs of the functions' logins that secrets hold, by kind, from the list in
    LOGIN_SECRETS: the name of each ends with its kind."""
    kinds = {name.rpartition("/")[2]: name for name in names.split(",") if name}
    urls = {
        kind: secrets_named(name).values.get("database_url", "") for kind, name in kinds.items()
    }
    return {kind: url for kind, url in urls.items() if url}


def by_chance(kind: str) -> str:
    """Return a new password."""
    return new_password()


def invented_urls(owner_url: str, password: Callable[[str], str] = by_chance) -> dict[str, str]:
    """Return URLs, by kind, of logins whose names follow from the database's."""
    name = str(_parsed(owner_url).get("dbname") or "agent_flows")
    return {
        kind: signed_in(owner_url, f"{name[:40]}_{kind}_login", password(kind)) for kind in ROLES
    }


def make_logins(owner_url: str, urls: Mapping[str, str]) -> list[str]:
    """Make the logins of `urls`, by kind, that cannot sign in yet; return the names of those made.

    A login that signs in is left as it is, but may act as its role afterwards. Raises SettingsError
    when the owner's login may not make it.
    """
    made = []
    with connect(owner_url) as owner:
        for kind, url in urls.items():
            login = str(_parsed(url).get("user") or "")
            if not login or login == owner.info.user:
                continue  # the function itself says that this does not do
            try:
                if not _signs_in(url):
                    _make(owner, login, str(_parsed(url).get("password") or ""))
                    made.append(login)
                _let(owner, login, ROLES[kind])
            except psycopg.errors.InsufficientPrivilege as err:
                raise SettingsError(
                    f"the login of DATABASE_URL may not make the login {login}:"
                    f" {err.diag.message_primary}; make it by hand (docs/deploy.md, Logins)"
                ) from err
    return made


def _make(owner: psycopg.Connection, login: str, password: str) -> None:
    if not owner.execute(_EXISTS, [login]).fetchone():
        owner.execute(sql.SQL(_CREATE).format(sql.Identifier(login)))
    owner.execute(sql.SQL(_LOGIN).format(sql.Identifier(login)))
    set_password(owner, login, password)


def _let(owner: psycopg.Connection, login: str, role: str) -> None:
    """Let the login act as its role in this database."""
    if owner.execute(_MEMBER, [login, role]).fetchone() != (True,):
        owner.execute(sql.SQL(_GRANT).format(sql.Identifier(role), sql.Identifier(login)))
    names = sql.Identifier(owner.info.dbname), sql.Identifier(login)
    owner.execute(sql.SQL(_CONNECT).format(*names))


def _signs_in(url: str) -> bool:
    try:
        connect(url, patience=10).close()
    except (DatabaseUnavailable, SettingsError):
        return False
    return True


def _parsed(url: str) -> Mapping[str, object]:
    try:
        return conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as err:
        raise SettingsError(
            "a URL of the database is no connection string;"
            " expected postgresql://user:password@host/name"
        ) from err
