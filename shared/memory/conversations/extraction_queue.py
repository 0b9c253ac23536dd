"""The queue of turns to extract facts from: one worker reads each turn, once."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.database import Database, Row, Statement, queries
from shared.frozen import frozen
from shared.memory.conversations.turns import Origin

SQL = queries(__file__, "extraction_queue.sql")

#: How many turns of a conversation are taken at once, and how many earlier ones with them.
_TURNS, _AROUND = 100, 200


class PendingTurn(NamedTuple):
    """A turn that facts are still to be extracted from."""

    seq: int
    author: str
    text: str
    event: str
    origin: Origin


@frozen
class LeasedTurns:
    """Turns of one conversation, leased to the worker `owner`.

    `around` are the turns around them: number, text, and False for those of outsiders. `attempts`
    counts how often the conversation was taken and not given back.
    """

    tenant: str
    conversation: str
    owner: str
    attempts: int
    turns: tuple[PendingTurn, ...]
    around: tuple[tuple[int, str, bool], ...]


class ExtractionQueue:
    """The turns of one database that wait for extraction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, tenant: str, owner: str, seconds: float) -> LeasedTurns | None:
        """Lease the conversation that has waited longest for `seconds`; None if none waits."""
        key = {
            "tenant": tenant,
            "owner": owner,
            "seconds": seconds,
            "limit": _TURNS,
            "around": _AROUND,
        }
        statements = [
            Statement(SQL[name], key)
            for name in ("lease_conversation", "pending_turns", "turns_around")
        ]
        leases, turns, around = self._database.run(tenant, statements)
        if not leases:
            return None
        return LeasedTurns(
            tenant,
            leases[0]["conversation"],
            owner,
            leases[0]["attempts"],
            tuple(map(_pending, turns)),
            tuple((row["seq"], row["text"], row["trusted"]) for row in around),
        )

    def settle(self, leased: LeasedTurns, facts: Sequence[Statement]) -> None:
        """Keep the facts and mark the turns as done, in one transaction.

        Raises RunBusy and keeps nothing if another worker has the lease now, or if one of the turns
        was deleted.
        """
        self._run(leased, "hold_facts", *facts, "mark_looked_at", "free_conversation")

    def free(self, leased: LeasedTurns) -> None:
        """Give the conversation back, for another time."""
        self._run(leased, "free_conversation")

    def rest(self, leased: LeasedTurns, seconds: float) -> None:
        """Keep the conversation from being leased for `seconds`."""
        self._run(leased, "rest_conversation", seconds=seconds)

    def _run(self, leased: LeasedTurns, *steps: str | Statement, seconds: float = 0.0) -> None:
        key = {
            "tenant": leased.tenant,
            "conversation": leased.conversation,
            "owner": leased.owner,
            "seqs": [turn.seq for turn in leased.turns],
            "seconds": seconds,
        }
        statements = [
            Statement(SQL[step], key) if isinstance(step, str) else step for step in steps
        ]
        self._database.run(leased.tenant, statements)


def _pending(row: Row) -> PendingTurn:
    said = {name: row.pop(name) for name in ("seq", "author", "text", "event")}
    return PendingTurn(**said, origin=Origin(**row))
