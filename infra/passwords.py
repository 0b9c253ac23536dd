"""The passwords of the database's logins: how they are invented, set and written into a URL."""

import secrets
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import conninfo, sql

_PASSWORD = "alter role {} password {}"


def new_password() -> str:
    return secrets.token_urlsafe(24)


def set_password(connection: psycopg.Connection[Any], login: str, password: str) -> None:
    """Give a login a password, of which the server, and its log, see the verifier only."""
    verifier = connection.pgconn.encrypt_password(
        password.encode(), login.encode(), b"scram-sha-256"
    )
    literal = sql.Literal(verifier.decode())
    connection.execute(sql.SQL(_PASSWORD).format(sql.Identifier(login), literal))


def signed_in(url: str, user: str, password: str) -> str:
    """Return `url` with another user and password, written as it is."""
    if "://" not in url:
        return conninfo.make_conninfo(url, user=user, password=password)
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{password}@{host}"))
