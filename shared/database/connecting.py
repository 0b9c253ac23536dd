"""Signing in to a database that may be asleep, full or away for a moment."""

import math
import random
import re
import time
from typing import Any

import psycopg

from shared.database.address import arguments_of, trouble
from shared.errors import DatabaseUnavailable, SettingsError
from shared.patterns import lazily

#: How long a database is waited for, in seconds, before the run goes back to its queue. A paused
#: Aurora wakes in about 15 seconds, and in 30 or more when it was paused for more than a day:
#: https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/aurora-serverless-v2-auto-pause.html
PATIENCE = 40.0
#: Seconds that one try to connect may take. The next goes on where the database wakes meanwhile.
_TRY = 10.0
#: The first and the longest pause between two tries, in seconds.
_PAUSE, _LOST, _CROWDED = 0.05, 1.0, 2.0

_FULL = lazily(
    "too many clients|too many connections|connection slots|no more connections allowed"
    "|max.client.conn|max clients|query_wait_timeout|waiting to acquire database connection"
    "|connection limit",
    re.IGNORECASE,
)
_DENIED = lazily(
    "authentication failed|role .* does not exist|no such user|invalid password"
    "|credentials.*(?:invalid|incorrect)",
    re.IGNORECASE,
)
#: What libpq says of an address that no waiting mends, before it asks anybody. A name that is not
#: resolved may be one of a network that comes up.
_WRONG = lazily(r"\binvalid (?:[\w ]+ value|port number|integer value)\b", re.IGNORECASE)
#: Postgres: there is no such database. https://www.postgresql.org/docs/current/errcodes-appendix.html
_NO_DATABASE = lazily(r"database \"[^\"]*\" does not exist")


def is_full(err: psycopg.Error) -> bool:
    """Tell if all connections are taken: of the server, of a login, or of a pooler.

    Postgres says 53300; poolers have words of their own (PgBouncer, RDS Proxy, Supavisor).
    https://www.pgbouncer.org/config.html, https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.howitworks.html
    """
    return err.sqlstate == "53300" or _FULL.search(str(err)) is not None


def is_denied(err: psycopg.Error) -> bool:
    """Tell if the server does not take the login or its password."""
    return err.sqlstate == "28P01" or _DENIED.search(str(err)) is not None


class Waiting:
    """The tries of one call, until `patience` in seconds or the time `until` is over."""

    def __init__(self, patience: float, until: float = math.inf) -> None:
        self._patience = patience
        self._end = min(time.monotonic() + patience, until)
        self._pause = _PAUSE

    @property
    def connect_timeout(self) -> int:
        """Seconds for the next try to connect; libpq takes 2 at least."""
        return math.ceil(min(_TRY, max(2.0, self._end - time.monotonic())))

    def after(self, err: psycopg.Error) -> None:
        """Pause before the next try, for a while that differs, so that not all who wait come at
        once; raises DatabaseUnavailable when the time is over."""
        full = is_full(err)
        pause = self._pause * random.uniform(0.5, 1.0)
        if time.monotonic() + pause > self._end:
            raise DatabaseUnavailable(self._gave_up(err, full), is_full=full) from err
        time.sleep(pause)
        self._pause = min(self._pause * 2, _CROWDED if full else _LOST)

    def _gave_up(self, err: psycopg.Error, full: bool) -> str:
        if full:
            return (
                f"all connections of the database are taken for {self._patience:g} s:"
                f" {reason(err)}; lower MAX_CONCURRENCY, or give it more (docs/operations.md,"
                " Connections)"
            )
        return (
            f"no answer from Postgres within {self._patience:g} s: {reason(err)};"
            " look at DATABASE_URL"
        )


def connect(
    url: str, *, patience: float = PATIENCE, ca: str = "", **options: Any
) -> psycopg.Connection[Any]:
    """Sign in to `url`, each statement its own transaction; wait while the database wakes or is
    full. The file `ca` holds the authorities to believe, if the deployment has its own.

    Raises DatabaseUnavailable when it does not answer in time, SettingsError when it refuses the
    login, or when it is not what its certificate should say.
    """
    arguments = {"autocommit": True, **arguments_of(url, ca), **options}
    waiting = Waiting(patience)
    while True:
        try:
            timeout = {"connect_timeout": waiting.connect_timeout}
            return psycopg.connect(**{**timeout, **arguments})
        except psycopg.OperationalError as err:
            if is_denied(err):
                raise SettingsError(f"DATABASE_URL: {reason(err)}; look at its login") from err
            refuse(err, arguments)
            waiting.after(err)


def refuse(err: psycopg.OperationalError, arguments: dict[str, Any]) -> None:
    """Raise SettingsError when the server is not the one that it should be, or not safely, and for
    an address that no waiting mends."""
    if said := trouble(err, arguments):
        raise SettingsError(f"DATABASE_URL: {said} (docs/operations.md)") from err
    if _WRONG.search(str(err)) or _NO_DATABASE.search(str(err)):
        raise SettingsError(f"DATABASE_URL: {reason(err)}; look at its address") from err


def reason(err: psycopg.Error) -> str:
    """The server's own short words without the statement, which could hold people's text."""
    return err.diag.message_primary or str(err).splitlines()[0]
