"""What the database knows of its migrations: which are applied, how far one is, who migrates."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import psycopg

from infra.migrations.files import Migration
from shared.database import queries
from shared.errors import SettingsError

Connection = psycopg.Connection[Any]
#: The number of a migration, its name, its digest, and whether it contracts.
Row = tuple[int, str, str, bool]

#: One process migrates at a time; any constant will do. Releases before 0.2 take it too.
LOCK = 7_205_759_403_792
_SQL = {name: text.encode() for name, text in queries(__file__, "record.sql").items()}


class Pending(NamedTuple):
    """The migrations that are to be applied now, and those that wait until no code needs what
    they take away."""

    now: list[Migration]
    held: list[Migration]


class Began(NamedTuple):
    """A step that is done, or how far one in batches has come."""

    after: str | None = None
    batches: int = 0
    done: bool = False


def is_made(connection: Connection) -> bool:
    row = connection.execute(_SQL["made"]).fetchone()
    return row == (True,)


def make(connection: Connection) -> None:
    """Make the tables of the record where they lack."""
    if not is_made(connection):
        with connection.transaction():
            connection.execute(_SQL["make"])


class Recorded(NamedTuple):
    """The migrations that a database had, and which contract migrations its live code ships.
    Travels as JSON."""

    applied: Sequence[Row] = ()
    released: Sequence[int] = ()

    def pending(self, files: Sequence[Migration], contract: bool = False) -> Pending:
        """Compare what ships with what is applied.

        `contract` says that no older code uses the database. A new one has none either. Raises
        SettingsError when an applied file has changed since, or when a newer release took away
        what this code may use.
        """
        digests = {number: digest for number, _, digest, _ in self.applied}
        for one in files:
            if digests.get(one.number, one.digest) != one.digest:
                raise SettingsError(
                    f"migration {one.title} was applied with other content;"
                    " add a new file instead of changing one"
                )
        known = {one.number for one in files}
        for number, name, _, contracts in self.applied:
            if contracts and number not in known:
                raise SettingsError(
                    f"the database has {number:04}_{name}, which takes away what this code may"
                    " use; deploy a release that has it"
                )
        lacking = [one for one in files if one.number not in digests]
        free = set(self.released) if digests and not contract else known
        now = [one for one in lacking if not one.contracts or one.number in free]
        return Pending(now, [one for one in lacking if one not in now])


def recorded(connection: Connection) -> Recorded:
    """Read the record; empty in a database that has none."""
    if not is_made(connection):
        return Recorded()
    applied = connection.execute(_SQL["applied"]).fetchall()
    row = connection.execute(_SQL["released"]).fetchone()
    return Recorded(applied, row[0] if row else ())


def release(connection: Connection, files: Iterable[Migration]) -> None:
    """Record that this code is live, and no older code."""
    ships = [one.number for one in files if one.contracts]
    connection.execute(_SQL["release"], [ships])


class Attempt:
    """One attempt to migrate, as others see it."""

    def __init__(self, connection: Connection, id: str) -> None:
        self._connection = connection
        self._id = id

    def begin(self) -> bool:
        """Return False when it began before: Lambda may deliver an invocation twice."""
        self._execute("forget")
        return self._execute("begin").fetchone() is not None

    def doing(self, what: str) -> None:
        self._execute("doing", doing=what)

    def waits(self, what: str) -> None:
        self._execute("waits", waits=what)

    def applied(self, migration: Migration) -> None:
        self._connection.execute(
            _SQL["done"],
            {
                "number": migration.number,
                "name": migration.name,
                "digest": migration.digest,
                "contracts": migration.contracts,
            },
        )
        self._execute("applies", title=migration.title)

    def end(self, failed: str = "", logins: Sequence[str] = ()) -> None:
        self._execute("end", failed=failed, logins=list(logins))

    def steps(self, migration: Migration) -> dict[str, Began]:
        """Return the steps that were begun, also by earlier attempts."""
        rows = self._connection.execute(_SQL["steps"], [migration.number])
        return {step: Began(*began) for step, *began in rows}

    def step(self, migration: Migration, name: str, began: Began) -> None:
        self._execute("step", number=migration.number, step=name, **began._asdict())

    def has_index(self, name: str) -> bool | None:
        """Return whether an index is valid; None where there is none."""
        row = self._connection.execute(_SQL["index"], [name]).fetchone()
        return bool(row[0]) if row else None

    def _execute(self, statement: str, **values: object) -> psycopg.Cursor[Any]:
        return self._connection.execute(_SQL[statement], {"id": self._id, **values})
