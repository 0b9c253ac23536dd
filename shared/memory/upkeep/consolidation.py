"""Consolidation: once a day, each tenant's memories are merged, superseded, lowered and dropped.

Nothing is lost at once: a memory that another covers, or that nobody used, no longer holds but is
there, each change is journaled beside it, and `undo` brings it back.
"""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from shared.database import Database, Row, Statement, queries
from shared.memory.embedding.embedder import Embedder
from shared.memory.embedding.tenant_embedders import Embedders
from shared.memory.upkeep.likeness import covers

SQL = queries(__file__, "consolidation.sql")

#: Memories of these kinds are not merged: their source or their author decides what holds.
_APART = ["rule", "document", "issue"]
#: How many memories are compared in one transaction, and with how many of their neighbours.
_BATCH, _NEIGHBOURS = 100, 8
#: Up to this cosine distance texts are read and compared word by word.
_DISTANCE = 0.15
#: So many candidates are compared one by one; above that an index proposes the nearest.
_EXACT_ROWS = 5_000
#: How many memories one transaction lowers or drops.
_MOST = 500
#: After so many days without use the uses of a memory count half.
_SEASON = 90
#: For so many days a memory that was dropped can be brought back.
UNDO_DAYS = 30


class Known(NamedTuple):
    """A memory as it was compared."""

    id: str
    digest: str
    text: str
    uses: int
    seq: int


class Undone(NamedTuple):
    """What came of an undo: of the `wanted` memories `restored` hold again."""

    operation: str
    restored: int
    wanted: int


class Consolidation:
    """Keeps the memories of one database in order. More than one at a time do no harm."""

    def __init__(
        self,
        database: Database,
        embedders: Embedders,
        *,
        unused_days: int,
        exact_rows: int = _EXACT_ROWS,
    ) -> None:
        """`unused_days` is how long a memory without use is kept; 0 keeps all."""
        self._database = database
        self._embedders = embedders
        self._unused_days = unused_days
        self._exact_rows = exact_rows

    def run(self, tenant: str, seconds: float) -> dict[str, int]:
        """Carry the pass of `tenant` on for about `seconds`, and count what changed.

        A pass begins at most once a day and goes on where it stopped; it waits while the tenant's
        embedder cannot be built. Raises DatabaseUnavailable.
        """
        end = time.monotonic() + seconds
        embedder = self._embedders.answering(tenant)
        if embedder is None:
            return {}
        done = Counter[str]()
        _, passes = _run(self._database, tenant, ("begin", {}), ("progress", {}))
        if not passes:
            return {}
        now = passes[0]
        while time.monotonic() < end:
            reached = self._compare(tenant, embedder, now, done)
            if reached is None:
                self._tidy(tenant, now, end, done)
                break
            now |= reached
        return dict(done)

    def _compare(self, tenant: str, embedder: Embedder, now: Row, done: Counter[str]) -> Row | None:
        """Compare the next memories, and return how far that is; None when all are compared."""
        bounds = {
            **{name: now[name] for name in ("at", "id", "until", "pass")},
            "apart": _APART,
            "batch": _BATCH,
            "embedder": embedder.name,
            "exact_rows": self._exact_rows,
            "neighbours": _NEIGHBOURS,
            "distance": _DISTANCE,
        }
        nearest = SQL["near"].replace("DIMENSIONS", str(int(embedder.dimensions)))
        fresh, _, near = self._database.run(
            tenant,
            [
                Statement(sql, bounds | {"tenant": tenant})
                for sql in (SQL["fresh"], SQL["prepare"], nearest)
            ],
        )
        if not fresh:
            return None
        to: dict[str, str | datetime] = {"at": fresh[-1]["remembered_at"], "id": fresh[-1]["id"]}
        _, superseded, merged, _ = _run(
            self._database,
            tenant,
            ("lock", {}),
            ("supersede", bounds | {"ids": [row["id"] for row in fresh]}),
            ("merge", bounds | _merge_parameters(merges(near))),
            ("advance", bounds | {"to_at": to["at"], "to_id": to["id"]}),
        )
        done["compared"] += len(fresh)
        done["superseded"] += superseded[0]["changed"]
        done["merged"] += merged[0]["changed"]
        return to

    def _tidy(self, tenant: str, now: Row, end: float, done: Counter[str]) -> None:
        """Lower, drop and delete, round by round, and end the pass when nothing is left to do."""
        key = {"pass": now["pass"], "most": _MOST, "season": _SEASON, "undo": UNDO_DAYS}
        steps = [("lower", "lowered", key), ("delete", "deleted", key)]
        if self._unused_days > 0:
            steps.insert(1, ("drop", "dropped", key | {"days": self._unused_days}))
        for name, what, parameters in steps:
            while True:
                if time.monotonic() >= end:
                    return
                _, rows = _run(self._database, tenant, ("lock", {}), (name, parameters))
                done[what] += rows[0]["changed"]
                if not rows[0].get("due", rows[0]["changed"]):
                    break
        _run(self._database, tenant, ("finish", key))


def undo(database: Database, tenant: str, id: str) -> Undone | None:
    """Bring back what the change `id` took; None when there is no such change to undo.

    What was forgotten, blocked or remembered anew since then stays as it is. Raises
    DatabaseUnavailable.
    """
    _, rows = _run(database, tenant, ("lock", {}), ("undo", {"id": id}))
    return Undone(**rows[0]) if rows else None


def _run(database: Database, tenant: str, *named: tuple[str, dict[str, object]]) -> list[list[Row]]:
    """Run the named statements in one transaction."""
    return database.run(
        tenant, [Statement(SQL[name], key | {"tenant": tenant}) for name, key in named]
    )


def merges(near: Sequence[Row]) -> list[tuple[Known, Known]]:
    """Say which memory goes into which, of pairs that lie close together: (loser, survivor).

    A survivor says all that its losers say; of two that say the same, the more used survives, then
    the older. No survivor is a loser too.
    """
    known: dict[str, Known] = {}
    pairs = set()
    for row in near:
        one, other = (Known(*(row[f"{w}_{f}"] for f in Known._fields)) for w in ("one", "other"))
        known |= {one.id: one, other.id: other}
        pairs.add((min(one.id, other.id), max(one.id, other.id)))
    goes: dict[str, str] = {}
    survivors: set[str] = set()
    # The strongest first, whatever order the rows came in.
    for first, second in sorted((_ranked(known[a], known[b]) for a, b in pairs), key=_strength):
        survivor, loser = _survivor(first, second)
        if not survivor or survivor.id in goes or loser.id in goes or loser.id in survivors:
            continue
        goes[loser.id] = survivor.id
        survivors.add(survivor.id)
    return [(known[loser], known[survivor]) for loser, survivor in goes.items()]


def _rank(memory: Known) -> tuple[int, int]:
    return -memory.uses, memory.seq


def _ranked(one: Known, other: Known) -> tuple[Known, Known]:
    first, second = sorted((one, other), key=_rank)
    return first, second


def _strength(pair: tuple[Known, Known]) -> tuple[tuple[int, int], tuple[int, int]]:
    return _rank(pair[0]), _rank(pair[1])


def _survivor(first: Known, second: Known) -> tuple[Known | None, Known]:
    """Of two, ranked, the one that covers the other; None when neither does."""
    if covers(first.text, second.text):
        return first, second
    if covers(second.text, first.text):
        return second, first
    return None, second


def _merge_parameters(found: Sequence[tuple[Known, Known]]) -> dict[str, object]:
    return {
        "losers": [loser.id for loser, _ in found],
        "loser_digests": [loser.digest for loser, _ in found],
        "survivors": [survivor.id for _, survivor in found],
        "survivor_digests": [survivor.digest for _, survivor in found],
    }
