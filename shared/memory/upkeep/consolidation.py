"""Consolidation: once a day, merges, supersedes, lowers and drops each tenant's memories.

Nothing is deleted at once: a memory that another covers, or that nobody used, no longer holds but
stays in its table. Each change is journaled, and `undo` reverts it.
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

#: Kinds that are not merged: their source or their author decides what holds.
_APART = ["rule", "document", "issue", "comment"]
#: How many memories one transaction compares, and with how many neighbours each.
_BATCH, _NEIGHBOURS = 100, 8
#: Texts within this cosine distance are compared word by word.
_DISTANCE = 0.15
#: Up to so many candidates are compared one by one; of more an index proposes the nearest.
_EXACT_ROWS = 5_000
#: How many memories one transaction lowers or drops.
_MOST = 500
#: Days without use after which the uses of a memory are halved.
_SEASON = 90
#: Days in which a dropped memory can be brought back.
UNDO_DAYS = 30


class Candidate(NamedTuple):
    """A memory that may be merged."""

    id: str
    digest: str
    text: str
    uses: int
    seq: int


class Undone(NamedTuple):
    """The result of an undo: `restored` of the `wanted` memories hold again."""

    operation: str
    restored: int
    wanted: int


class Consolidation:
    """Consolidates the memories of one database. Several may run at a time."""

    def __init__(
        self,
        database: Database,
        embedders: Embedders,
        *,
        unused_days: int,
        exact_rows: int = _EXACT_ROWS,
    ) -> None:
        """A memory without use is dropped after `unused_days`; 0 keeps all."""
        self._database = database
        self._embedders = embedders
        self._unused_days = unused_days
        self._exact_rows = exact_rows

    def run(self, tenant: str, seconds: float) -> dict[str, int]:
        """Work on the pass of `tenant` for about `seconds`, and count the changes.

        A pass begins at most once a day and goes on where it stopped. It waits while the tenant's
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
        """Compare the next memories and return the last one's place; None if all are compared."""
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
        """Lower, drop and delete memories, round by round; then end the pass."""
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
    """Bring back the memories that the change `id` took; None if there is no such change.

    Memories that were forgotten, blocked or replaced since then stay as they are. Raises
    DatabaseUnavailable.
    """
    _, rows = _run(database, tenant, ("lock", {}), ("undo", {"id": id}))
    return Undone(**rows[0]) if rows else None


def _run(database: Database, tenant: str, *named: tuple[str, dict[str, object]]) -> list[list[Row]]:
    """Run the named statements in one transaction."""
    return database.run(
        tenant, [Statement(SQL[name], key | {"tenant": tenant}) for name, key in named]
    )


def merges(near: Sequence[Row]) -> list[tuple[Candidate, Candidate]]:
    """Choose from pairs of near neighbours which memories are merged: (loser, survivor).

    A survivor says all that its losers say. Of two that say the same, the one with more uses
    survives, then the older one. No survivor is a loser too.
    """
    known: dict[str, Candidate] = {}
    pairs = set()
    for row in near:
        one, other = (
            Candidate(*(row[f"{w}_{f}"] for f in Candidate._fields)) for w in ("one", "other")
        )
        known |= {one.id: one, other.id: other}
        pairs.add((min(one.id, other.id), max(one.id, other.id)))
    goes: dict[str, str] = {}
    survivors: set[str] = set()
    # The strongest pairs first: the order of the rows must not matter.
    for first, second in sorted((_ranked(known[a], known[b]) for a, b in pairs), key=_strength):
        survivor, loser = _survivor(first, second)
        if not survivor or survivor.id in goes or loser.id in goes or loser.id in survivors:
            continue
        goes[loser.id] = survivor.id
        survivors.add(survivor.id)
    return [(known[loser], known[survivor]) for loser, survivor in goes.items()]


def _rank(memory: Candidate) -> tuple[int, int]:
    return -memory.uses, memory.seq


def _ranked(one: Candidate, other: Candidate) -> tuple[Candidate, Candidate]:
    first, second = sorted((one, other), key=_rank)
    return first, second


def _strength(
    pair: tuple[Candidate, Candidate],
) -> tuple[tuple[int, int], tuple[int, int]]:
    return _rank(pair[0]), _rank(pair[1])


def _survivor(first: Candidate, second: Candidate) -> tuple[Candidate | None, Candidate]:
    """Return which of two ranked memories covers the other, or None, and the other."""
    if covers(first.text, second.text):
        return first, second
    if covers(second.text, first.text):
        return second, first
    return None, second


def _merge_parameters(found: Sequence[tuple[Candidate, Candidate]]) -> dict[str, object]:
    return {
        "losers": [loser.id for loser, _ in found],
        "loser_digests": [loser.digest for loser, _ in found],
        "survivors": [survivor.id for _, survivor in found],
        "survivor_digests": [survivor.digest for _, survivor in found],
    }
