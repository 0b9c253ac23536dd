"""The turns that wait to be looked at for facts: each is looked at once, by one worker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from shared.database import Database, Row, Statement, queries
from shared.memory.conversations.turns import Origin

SQL = queries(__file__, "turns.sql")

#: How many turns of a conversation are taken at once, and with how much of what was said around.
_TURNS, _AROUND = 100, 200


class Pending(NamedTuple):
    """A turn that nobody has looked at for facts yet, and where it was said."""

    seq: int
    author: str
    text: str
    event: str
    origin: Origin


@dataclass(frozen=True)
class Taken:
    """Turns of one conversation, held by `owner`. `around` is what was said there, by number;
    `attempts` counts how often the conversation was taken and never given back."""

    tenant: str
    conversation: str
    owner: str
    attempts: int
    turns: tuple[Pending, ...]
    around: tuple[tuple[int, str], ...]


class PendingFacts:
    """The turns of one database that wait to be looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, tenant: str, owner: str, seconds: float) -> Taken | None:
        """Hold the conversation that has waited longest for `seconds`; None when none waits."""
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
        return Taken(
            tenant,
            leases[0]["conversation"],
            owner,
            leases[0]["attempts"],
            tuple(map(_pending, turns)),
            tuple((row["seq"], row["text"]) for row in around),
        )

    def settle(self, taken: Taken, facts: Sequence[Statement]) -> None:
        """Keep the facts and mark the turns as looked at, in one transaction.

        Raises RunBusy, and keeps nothing, when another worker holds the conversation by now or one
        of the turns was deleted.
        """
        self._run(taken, "hold_facts", *facts, "mark_looked_at", "free_conversation")

    def free(self, taken: Taken) -> None:
        """Give the conversation back as it was, for another time."""
        self._run(taken, "free_conversation")

    def rest(self, taken: Taken, seconds: float) -> None:
        """Let nobody take the conversation for `seconds`."""
        self._run(taken, "rest_conversation", seconds=seconds)

    def _run(self, taken: Taken, *steps: str | Statement, seconds: float = 0.0) -> None:
        key = {
            "tenant": taken.tenant,
            "conversation": taken.conversation,
            "owner": taken.owner,
            "seqs": [turn.seq for turn in taken.turns],
            "seconds": seconds,
        }
        statements = [
            Statement(SQL[step], key) if isinstance(step, str) else step for step in steps
        ]
        self._database.run(taken.tenant, statements)


def _pending(row: Row) -> Pending:
    said = {name: row.pop(name) for name in ("seq", "author", "text", "event")}
    return Pending(**said, origin=Origin(**row))
