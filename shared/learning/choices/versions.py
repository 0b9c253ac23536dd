"""The store of policies: their versions, which never change, what is in force, and the log of who
changed that."""

import json
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from shared.choosing import Chances
from shared.database import Database, Row, Statement, queries
from shared.errors import SettingsError
from shared.events import Json
from shared.learning.choices.tuning import Tuning

SQL = queries(__file__, "versions.sql")

Action = Literal["made", "explored", "updated", "promoted", "held", "rolled back", "withdrawn"]
#: What is a line of the common audit too.
_AUDITED: frozenset[Action] = frozenset({"promoted", "held", "rolled back", "withdrawn"})


class PolicyVersion(NamedTuple):
    """One version of a policy: its kind, how it learns, its chances, and the examples that it was
    learnt from. Of a trial the tuning names the candidate."""

    number: int
    kind: str
    tuning: Json
    chances: Chances
    examples: int
    made_by: str
    made_at: float

    @property
    def how(self) -> Tuning:
        """How it learns; a trial has nothing of the kind."""
        return Tuning.of_json(self.tuning)


class PolicyState(NamedTuple):
    """The numbers of the version in force, of that on trial, and of that by which runs choose."""

    in_force: int
    candidate: int | None
    in_use: int


class LogEntry(NamedTuple):
    """What is noted of a change: which version was in force before and after it, and why."""

    action: Action
    before: int | None
    after: int | None
    reason: str = ""
    evaluation: Json | None = None


class PolicyStore:
    """The policy of one choice of a flow. Each change is one transaction with its line of the log;
    two at once cannot undo each other: the second raises SettingsError."""

    def __init__(
        self,
        database: Database,
        tenant: str,
        flow: str,
        choice: str,
        by: str,
        *,
        rewards: Sequence[str] = (),
    ) -> None:
        """`rewards` are the names of the functions by which it is learnt; none leaves them as they
        are."""
        self._database = database
        self._key = {"tenant": tenant, "flow": flow, "choice": choice}
        self._by = by
        self._rewards = [*rewards]

    def add(self, kind: str, tuning: Json, chances: Chances, examples: int) -> int:
        """Keep a version, and return its number."""
        values = {"kind": kind, "examples": examples, "by": self._by}
        values |= {"tuning": json.dumps(tuning), "chances": json.dumps(chances.to_json())}
        return int(self._run("add", values)[0]["number"])

    def versions(self) -> dict[int, PolicyVersion]:
        """Return all versions by their numbers."""
        rows = self._run("versions", {})
        return {
            row["number"]: PolicyVersion(**{**row, "chances": Chances.of_json(row["chances"])})
            for row in rows
        }

    def state(self) -> PolicyState | None:
        """Return which versions count; None before the first."""
        rows = self._run("state", {})
        return PolicyState(**rows[0]) if rows else None

    def set(self, state: PolicyState, was: PolicyState | None, entry: LogEntry) -> None:
        """Change which versions count. Raises SettingsError when somebody did meanwhile."""
        values = {**state._asdict(), **self._noted(entry), "rewards": self._rewards}
        values |= {"was": was and was.in_use, "was_in_force": was and was.in_force}
        values["was_candidate"] = was and was.candidate
        if not self._run("set", values):
            raise SettingsError("somebody changed this policy meanwhile; look at it and try again")

    def log(self, limit: int = 50) -> list[Row]:
        """Return what happened to it, the newest first."""
        return self._run("log", {"limit": limit})

    def note(self, entry: LogEntry) -> None:
        """Note what changed nothing, such as a candidate that was held."""
        self._run("note", self._noted(entry))

    def settle(self, withdrawn_at: str) -> bool:
        """Note that it has learnt again without the places that were gone at that moment."""
        return bool(self._run("withdrawn", {"withdrawn_at": withdrawn_at}))

    def forget_others(self) -> int:
        """Delete all versions but those that count now; return how many."""
        return len(self._run("forget_others", {}))

    def _noted(self, entry: LogEntry) -> dict[str, Any]:
        values: dict[str, Any] = {**entry._asdict(), "actor": self._by}
        values["evaluation"] = json.dumps(entry.evaluation) if entry.evaluation else None
        is_decided = entry.action in _AUDITED
        flow, choice = self._key["flow"], self._key["choice"]
        values["audited"] = f"policy {entry.action}: {flow}/{choice}" if is_decided else ""
        return values

    def _run(self, name: str, values: dict[str, Any]) -> list[Row]:
        return self._database.run(self._key["tenant"], [Statement(SQL[name], self._key | values)])[
            0
        ]
