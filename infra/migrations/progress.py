"""Tells how far the migrations are, while another process applies them."""

import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from psycopg.rows import dict_row

from infra.migrations.files import Migration, migrations
from infra.migrations.record import LOCK, Connection, is_made, recorded
from shared.database import connect, queries

_SQL = {name: text.encode() for name, text in queries(__file__, "progress.sql").items()}
#: A lock is waited for during moments, with pauses (applying.py): look until one is met.
_LOOKS, _LOOK = 28, 0.25

Row = dict[str, Any]


class Progress(NamedTuple):
    """How far the migrations are; travels as JSON.

    While somebody is `running` them, `doing` is done for `seconds`, and `waits` for something.
    `remaining` are still to come; `held` come when no live code needs what they take away.
    The attempt that was asked about has `begun`; it `ended`, `failed` with a reason, or `died`
    without a word.
    """

    running: bool = False
    doing: str = ""
    seconds: float = 0.0
    waits: str = ""
    remaining: Sequence[str] = ()
    held: Sequence[str] = ()
    begun: bool = False
    applied: Sequence[str] = ()
    logins: Sequence[str] = ()
    ended: bool = False
    failed: str = ""
    died: bool = False

    @property
    def line(self) -> str:
        """Say in a line what is going on."""
        if not self.running:
            return ""
        waits = f", waits for {self.waits}" if self.waits else ""
        more = f"; {len(self.remaining)} to come" if self.remaining else ""
        return f"{self.doing or 'another process migrates'}: {self.seconds:.0f} s{waits}{more}"


def progress(
    url: str, id: str = "", *, contract: bool = False, files: Sequence[Migration] | None = None
) -> Progress:
    """Return how far the migrations of the database at `url` are.

    It tells of the attempt with that id, and of the newest one without.
    """
    shipped = migrations() if files is None else files
    with connect(url) as connection:
        if not is_made(connection):
            return Progress(remaining=[one.title for one in shipped])
        now, held = recorded(connection).pending(shipped, contract)
        found = Progress(
            remaining=[one.title for one in now],
            held=[one.title for one in held],
        )
        for attempt in _rows(connection, "attempt", id=id):
            found = found._replace(**attempt)
        for holder in _rows(connection, "holder", high=LOCK >> 32, low=LOCK & 0xFFFFFFFF):
            pid, waits = holder.pop("pid"), holder.pop("waits")
            doing = holder.pop("doing") + "".join(_how_far(connection, pid))
            waits = _met(connection, pid, waits)
            found = found._replace(running=True, doing=doing, waits=waits, **holder)
        return found


def _rows(connection: Connection, statement: str, **values: object) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL[statement], values).fetchall()


def _how_far(connection: Connection, pid: int) -> Iterator[str]:
    for row in _rows(connection, "index", pid=pid):
        done, total = row["blocks_done"], row["blocks_total"]
        yield f", {row['phase']}" + (f" {100 * done // total} %" if total else "")
        if row["current_locker_pid"]:
            yield f", after the session {row['current_locker_pid']}"
    for row in _rows(connection, "batches"):
        yield f", {row['batches']} batches"


def _met(connection: Connection, pid: int, waits: str) -> str:
    """Say which lock the session waits for, and who holds it, when it is met waiting."""
    for _ in range(_LOOKS if waits else 1):
        if holders := _rows(connection, "waits", pid=pid):
            held = " and ".join(map(_holder, holders))
            return f"{holders[0]['mode']} on {holders[0]['what']}, held by {held}"
        if waits:
            time.sleep(_LOOK)
    return waits


def _holder(row: Row) -> str:
    state = f", {row['state']} for {row['seconds'] or 0:.0f} s" if row["state"] else ""
    return f"session {row['pid']} ({row['login']}{state})"
