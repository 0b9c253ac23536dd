"""Applies the missing migrations by steps; whatever ends it, the next attempt goes on there."""

import math
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple, TypeVar

import psycopg
from psycopg import errors, sql

from infra.migrations.files import Migration, Step, migrations
from infra.migrations.logins import make_logins
from infra.migrations.record import LOCK, Attempt, Began, Connection, is_made, make, recorded
from shared.database import connect
from shared.errors import AgentFlowsError, DatabaseUnavailable, SettingsError

T = TypeVar("T")

#: Seconds that a statement waits for a lock. Everybody who wants the table queues behind it.
_LOCK_SECONDS = 1
#: Then it stands aside for so long, that those may pass, and tries again for so long: within the
#: time of one invocation, so that the reason is told.
_PAUSE = (0.5, 5.0)
_PATIENCE = 480.0
#: The longest statement within a transaction, and the longest batch.
_LONGEST = {"in a transaction": 300, "in batches": 60}
#: Seconds that a process keeps for its own end.
_MARGIN = 30.0
#: How often to look whether another process has ended its migration.
_LOOK = 0.2

#: What the server should do when this process is gone without a word: stop what can be undone,
#: and free its locks. https://www.postgresql.org/docs/current/runtime-config-client.html
_SESSION = (
    "set statement_timeout = 0",
    "set lock_timeout = 0",
    "set idle_in_transaction_session_timeout = '60s'",
    "set idle_session_timeout = '60s'",
    "set tcp_keepalives_idle = 30",
    "set tcp_keepalives_interval = 10",
    "set tcp_keepalives_count = 3",
)
_WATCH_CLIENT = "set client_connection_check_interval = '5s'"
_GO_ON_ALONE = "set client_connection_check_interval = 0"
_LIMITS = "set local lock_timeout = '{}s'; set local statement_timeout = '{}s'"
_BUSY = (errors.LockNotAvailable, errors.DeadlockDetected, errors.SerializationFailure)


class Asked(NamedTuple):
    """What an attempt should do.

    `logins` are the URLs to make logins of, by kind. `contract` says that no older code uses the
    database. With `wait` another attempt is waited for. `seconds_left` is the time of the process.
    """

    id: str = ""
    logins: Mapping[str, str] = {}
    contract: bool = False
    wait: bool = True
    seconds_left: Callable[[], float] = lambda: math.inf
    files: Sequence[Migration] | None = None


class Outcome(NamedTuple):
    """What an attempt did; not `finished` when its time was up before all was applied."""

    applied: list[str]
    logins: list[str]
    finished: bool


class _OutOfTime(Exception):
    pass


def migrate(
    url: str, *, contract: bool = False, files: Sequence[Migration] | None = None
) -> list[str]:
    """Apply the missing migrations to the database at `url` and return their names.

    Raises SettingsError when one fails, or when an applied file has changed since.
    """
    outcome = attempt(url, Asked(contract=contract, files=files))
    return outcome.applied if outcome else []


def attempt(url: str, asked: Asked) -> Outcome | None:
    """Migrate, and make the logins; return None when another attempt is at it, or was this one."""
    with connect(url) as connection:
        for setting in _SESSION:
            connection.execute(setting.encode())
        with suppress(errors.InvalidParameterValue):  # not every system can tell
            connection.execute(_WATCH_CLIENT)
        record = Attempt(connection, asked.id or uuid.uuid4().hex)
        if not _take_turn(connection, asked.wait):
            if is_made(connection) and record.begin():
                record.end()  # who asked for it waits for the other, and asks again
            return None
        make(connection)
        if not record.begin():
            return None
        try:
            outcome = _Applying(connection, record, asked).run(url)
        except BaseException as err:
            with suppress(psycopg.Error):
                record.end(_said(err))
            raise
        record.end(logins=outcome.logins)
    return outcome


def _take_turn(connection: Connection, wait: bool) -> bool:
    """Take the lock. Who waits holds no snapshot, or an index could not be made concurrently."""
    while connection.execute("select pg_try_advisory_lock(%s)", [LOCK]).fetchone() != (True,):
        if not wait:
            return False
        time.sleep(_LOOK)
    return True


def _said(err: BaseException) -> str:
    return str(err) if isinstance(err, AgentFlowsError) else type(err).__name__


class _Applying:
    def __init__(self, connection: Connection, record: Attempt, asked: Asked) -> None:
        self._connection = connection
        self._record = record
        self._asked = asked
        self._applied: list[str] = []

    def run(self, url: str) -> Outcome:
        files = migrations() if self._asked.files is None else self._asked.files
        try:
            for migration in recorded(self._connection).pending(files, self._asked.contract).now:
                self._apply(migration)
                self._applied.append(migration.title)
        except _OutOfTime:
            return Outcome(self._applied, [], finished=False)
        self._record.doing("logins")
        return Outcome(self._applied, make_logins(url, self._asked.logins), finished=True)

    def _apply(self, migration: Migration) -> None:
        begun, steps = self._record.steps(migration), migration.steps
        for place, step in enumerate(steps, 1):
            began = begun.get(step.name, Began())
            if not began.done:
                named = f", step {place} of {len(steps)}: {step.name}" if step.name else ""
                self._record.doing(migration.title + named)
                with _told(migration, step):
                    self._do(migration, step, began)
        if steps[-1].name:  # a file without steps is recorded with what it did
            with self._connection.transaction():
                self._record.applied(migration)

    def _do(self, migration: Migration, step: Step, began: Began) -> None:
        if step.kind == "in batches":
            self._in_batches(migration, step, began)
        elif step.kind == "concurrently":
            self._concurrently(step)
            self._record.step(migration, step.name, Began(done=True))
        else:
            self._patiently(step, lambda: self._whole(migration, step))

    def _whole(self, migration: Migration, step: Step) -> None:
        self._connection.execute(step.sql.encode())
        if step.name:
            self._record.step(migration, step.name, Began(done=True))
        else:
            self._record.applied(migration)

    def _in_batches(self, migration: Migration, step: Step, began: Began) -> None:
        while not began.done:
            last = began

            def batch(last: Began = last) -> Began:
                row = self._connection.execute(step.sql.encode(), {"after": last.after}).fetchone()
                after = row[0] if row else None
                if after is not None and after == last.after:
                    raise SettingsError("a batch ended where it began")
                now = Began(after or last.after, last.batches + 1, done=after is None)
                self._record.step(migration, step.name, now)
                return now

            began = self._patiently(step, batch)

    def _concurrently(self, step: Step) -> None:
        """Make or drop an index while others write.

        The server goes on when this process is gone: what it then has made needs no second time.
        What it has made by half is dropped.
        """
        made = self._record.has_index(step.makes) if step.makes else None
        if made:
            return
        self._need(_MARGIN)
        self._connection.execute(_GO_ON_ALONE)
        if made is False:
            self._drop(step.makes)
        try:
            self._connection.execute(step.sql.encode())
        except psycopg.Error:
            if not self._connection.closed and self._record.has_index(step.makes) is False:
                self._drop(step.makes)
            raise
        with suppress(errors.InvalidParameterValue):
            self._connection.execute(_WATCH_CLIENT)

    def _drop(self, index: str) -> None:
        name = sql.Identifier(index)
        self._connection.execute(sql.SQL("drop index concurrently if exists {}").format(name))

    def _patiently(self, step: Step, work: Callable[[], T]) -> T:
        """Do `work` in a transaction that gives way where others hold what it wants to lock."""
        give_up = time.monotonic() + _PATIENCE
        tries = 0
        while True:
            self._need(_LONGEST[step.kind] + _MARGIN)
            try:
                with self._connection.transaction():
                    limits = _LIMITS.format(_LOCK_SECONDS, _LONGEST[step.kind])
                    self._connection.execute(limits.encode())
                    return work()
            except _BUSY as err:
                tries += 1
                if time.monotonic() > give_up:
                    raise SettingsError(
                        f"others held what it wants to lock, {tries} times in"
                        f" {_PATIENCE / 60:.0f} minutes ({_reason(err)}); end what holds it"
                    ) from err
                self._record.waits(f"a lock, {tries} times so far")
                time.sleep(random.uniform(*_PAUSE))

    def _need(self, seconds: float) -> None:
        if self._asked.seconds_left() < seconds:
            raise _OutOfTime


@contextmanager
def _told(migration: Migration, step: Step) -> Iterator[None]:
    """Say which migration failed, without the values that Postgres may quote."""
    where = f"{migration.title}, step {step.name!r}" if step.name else migration.title
    try:
        yield
    except SettingsError as err:
        raise SettingsError(f"{where}: {err}") from err
    except errors.RaiseException as err:  # the file's own word, such as pgvector's age
        raise SettingsError(f"{err.diag.message_primary}; {migration.name} stopped") from err
    except errors.QueryCanceled as err:
        longest = _LONGEST.get(step.kind, 0)
        raise SettingsError(
            f"{where}: a statement took longer than {longest} s, or was ended; nothing of it is"
            " left. Do it in batches, or when less is stored"
        ) from err
    except psycopg.Error as err:
        if (err.sqlstate or "57P")[:3] == "57P":  # ended by an administrator, or gone
            raise DatabaseUnavailable(f"{where}: the database went away; migrate again") from err
        raise SettingsError(f"{where}: {_reason(err)}; nothing of this step is left") from err


def _reason(err: psycopg.Error) -> str:
    """The server's own words, but for errors that quote a value."""
    quotes = isinstance(err, psycopg.DataError)
    return type(err).__name__ if quotes else err.diag.message_primary or type(err).__name__
