"""One Postgres connection per process: one round trip per transaction, reconnection, named SQL."""

import json
import math
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Self

import psycopg
from psycopg import pq
from psycopg.abc import PQGen
from psycopg.rows import dict_row

from shared.database.address import arguments_of
from shared.database.connecting import PATIENCE, Waiting, connect, is_full, reason, refuse
from shared.errors import DatabaseUnavailable, RunBusy, SettingsError, Stopped
from shared.log import log
from shared.patterns import lazily
from shared.settings import Credential

__all__ = [
    "OPERATOR",
    "PATIENCE",
    "READER",
    "ROLE",
    "BriefTransaction",
    "Database",
    "Row",
    "Statement",
    "connect",
    "queries",
]

Row = dict[str, Any]

#: The role that flows act as: it owns nothing, so row level security binds it.
ROLE = "agent_flows"
#: The role that may also call the functions for all tenants; see infra/migrations/0024_logins.sql.
OPERATOR = "agent_flows_operator"
#: The role of what only reads runs and plans; see infra/migrations/0019_api.sql.
READER = "agent_flows_reader"
#: What the SQL function hold_lease raises; see infra/migrations/0036_stops.sql.
LEASE_LOST, STOPPED = "AF001", "AF003"
#: What the SQL functions act_for and check_login raise about the login.
WRONG_LOGIN = "AF002"

# Nothing is set when the connection starts: a pooler would refuse it, or drop it and isolation.
_ACT_FOR = "select public.act_for(%s, %s)"
_CHECK_LOGIN = "select public.check_login()"

#: A commit waits until the disk has all that was committed before, if it has written something:
#: https://www.postgresql.org/docs/current/wal-async-commit.html.
_DO_NOT_WAIT = "set local synchronous_commit to off"
_WAIT_FOR_DISK = "select pg_catalog.pg_logical_emit_message(true, 'agent_flows', '')"

_BLOCK = lazily(r"^-- name: (\w+)\n((?:--.*\n)*)", re.MULTILINE)


class Statement(NamedTuple):
    """One idempotent SQL statement and its parameters."""

    sql: str
    parameters: Mapping[str, object]


class BriefTransaction(list[Statement]):
    """Statements that lock what everybody else waits for.

    Others wait only until the transaction has ended, and not until the disk has it: that a second
    transaction waits for, which locks nothing. So `run` returns what the disk has, as always.
    """


class _OnePacketPipeline(psycopg.Pipeline):
    """Sends all statements at its end, in one packet that ends with Sync.

    psycopg's own sends each by itself, and Flush after Sync. PgBouncer has given the connection
    back by then, so it takes another for the Flush and keeps it, for nothing, until this client
    speaks again.
    """

    _ends = False

    def _communicate_gen(self) -> PQGen[None]:
        if self._ends:
            yield from super()._communicate_gen()

    def _exit_gen(self) -> PQGen[None]:
        self._ends = True
        self._enqueue_sync()
        try:
            yield from self._communicate_gen()
        finally:
            if self.pgconn.status == pq.ConnStatus.OK:
                yield from self._fetch_gen(flush=False)


class _Connection(psycopg.Connection[Row]):
    @contextmanager
    def pipeline(self) -> Iterator[psycopg.Pipeline]:
        pipeline = self._pipeline = _OnePacketPipeline(self)
        try:
            with pipeline:
                yield pipeline
        finally:
            self._pipeline = None


class Database:
    """Runs lists of statements, each list as one transaction in one round trip.

    Each transaction acts as `role` and for one tenant. With `own_login` it refuses to work, with a
    SettingsError, as a superuser, as an owner, or as any login that could become one. Threads may
    share it: they take turns. Nothing is connected before the first use. The login may become
    another while it lives. `until` is the time.monotonic() at which nothing is waited for any more.
    """

    #: How each transaction ends.
    _END = "commit"

    def __init__(
        self,
        url: str | Credential,
        *,
        patience: float = PATIENCE,
        role: str = ROLE,
        own_login: bool = False,
    ) -> None:
        self.until = math.inf
        self._login = url if isinstance(url, Credential) else Credential(url)
        self._url = self._login.value
        self._arguments = arguments_of(self._url)
        self._role = role
        self._patience = patience
        self._own_login = own_login
        self._unchecked = False  # whether the connection is new to check_login
        self._lock = threading.Lock()
        self._connection: _Connection | None = None

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        """Run the statements for `tenant` in one transaction and return the rows of each.

        A lost connection, a restart, a crowd or a serialisation conflict is retried, so every
        statement must be idempotent. Raises DatabaseUnavailable when it takes too long,
        SettingsError when the login may not do this or may do more than it should, Stopped when the
        statements start something in a run that was stopped.
        """
        waiting = Waiting(self._patience, self.until)
        while True:
            try:
                with self._lock:
                    return self._run_once(tenant, statements, waiting)
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as err:
                raise DatabaseUnavailable(
                    "the database lacks a table or a function; run `./scripts/flows migrate`"
                ) from err
            except psycopg.DatabaseError as err:
                if err.sqlstate == WRONG_LOGIN:
                    raise SettingsError(
                        f"DATABASE_URL: {reason(err)}; {err.diag.message_hint}"
                        " (docs/deploy.md, Logins)"
                    ) from err
                if err.sqlstate == LEASE_LOST:
                    raise RunBusy(f"{reason(err)}; its lease ended before the work did") from err
                if err.sqlstate == STOPPED:
                    raise Stopped(**json.loads(err.diag.message_detail or "{}")) from err
                if not isinstance(err, psycopg.OperationalError):
                    raise
                waiting.after(err)

    def close(self) -> None:
        with self._lock:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run_once(
        self, tenant: str, statements: Sequence[Statement], waiting: Waiting
    ) -> list[list[Row]]:
        try:
            connection = self._connected(waiting)
            # All of it is sent before the first answer is awaited:
            # https://www.postgresql.org/docs/current/libpq-pipeline-mode.html
            with connection.pipeline():
                connection.execute("begin")
                if self._unchecked:
                    connection.execute(_CHECK_LOGIN)
                if isinstance(statements, BriefTransaction):
                    connection.execute(_DO_NOT_WAIT)
                connection.execute(_ACT_FOR, [tenant, self._role])
                cursors = [connection.execute(*statement) for statement in statements]
                connection.execute(self._END)
                if isinstance(statements, BriefTransaction):
                    connection.execute(_WAIT_FOR_DISK)
            self._unchecked = False
            return [cursor.fetchall() if cursor.description else [] for cursor in cursors]
        except BaseException:
            # Whatever failed, on either side, a closed connection leaves no half of a transaction.
            self._drop()
            raise

    def _connected(self, waiting: Waiting) -> _Connection:
        if (url := self._login.value) != self._url:
            self._sign_in_with(url)
        if self._connection is None or self._connection.closed:
            try:
                self._connection = _Connection.connect(
                    **{"connect_timeout": waiting.connect_timeout, **self._arguments},
                    autocommit=True,
                    row_factory=dict_row,
                    prepare_threshold=None,
                )
            except psycopg.OperationalError as err:
                # A password that was changed, or another host: the next try goes there.
                if is_full(err) or not self._sign_in_with(self._login.renewed(self._url)):
                    refuse(err, self._arguments)
                raise
            self._unchecked = self._own_login
        return self._connection

    def _sign_in_with(self, url: str) -> bool:
        """Leave the connection of the login before; False, and nothing else, for what is no URL."""
        if not url:
            return False
        self._url = url
        try:
            arguments = arguments_of(url)
        except SettingsError as err:
            log("new login not taken", reason=str(err))
            return False
        self._drop()
        self._arguments = arguments
        return True

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def queries(module: str, file: str) -> dict[str, str]:
    """Read the named blocks of an .sql file beside `module`, which is the caller's `__file__`.

    A block is `-- name: claim`, a line that describes it, and the statement.
    """
    parts = _BLOCK.split(Path(module).with_name(file).read_text("utf-8"))
    return {
        name: sql.strip().removesuffix(";")
        for name, sql in zip(parts[1::3], parts[3::3], strict=True)
    }
