"""Plans in Postgres: what is wanted, what has come of it, and what people decided.

Reading gives a Situation, all that a state of the machine needs, in one round trip. Writing gives
statements, so that they are committed together with the end of the run that caused them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.database import Database, Row, Statement, queries
from shared.errors import EventError
from shared.events import Event, Json
from shared.journal import canonical
from shared.planning.plan import Plan, PlanStep

SQL = queries(__file__, "store.sql")

#: An answer names this in place of a step when the question is about none.
QUESTION = "question"

_OVER = frozenset({"done", "failed", "cancelled"})


@dataclass(frozen=True)
class Version:
    """`fault` says what makes a next version necessary: `invalid`, `changed` by a person, or
    `failed`; `feedback` are the reasons."""

    number: int
    plan: Plan
    checked: bool
    fault: str
    feedback: tuple[str, ...]


@dataclass(frozen=True)
class StepRow:
    """A step of the valid version, and how far it has come; `attempts` counts those before."""

    step: PlanStep
    version: int
    state: str
    attempts: int
    output: Any
    reason: str


@dataclass(frozen=True)
class Written:
    """How the write of an exact action ended: `acted` with its output, or `failed`."""

    state: str
    output: Any
    reason: str


@dataclass(frozen=True)
class Approval:
    """What a person is asked. `payload` holds a `question`, or the exact `actions`."""

    plan: str
    digest: str
    version: int
    steps: tuple[str, ...]
    payload: Json
    role: str
    token: str
    state: str
    said: str
    decided_by: str
    expired: bool
    expires_at: float
    #: Seconds since the epoch; None while nobody has.
    decided_at: float | None


@dataclass(frozen=True)
class Situation:
    """A plan as it stands."""

    id: str
    flow: str
    event: Event
    goal: str
    state: str
    reason: str
    cancelled_by: str
    cost: float
    versions: tuple[Version, ...]
    steps: tuple[StepRow, ...]
    written: Mapping[str, Written]
    approvals: tuple[Approval, ...]

    @property
    def over(self) -> bool:
        return self.state in _OVER

    @property
    def latest(self) -> Version | None:
        return self.versions[-1] if self.versions else None

    @property
    def current(self) -> Plan:
        """The steps that are to run, with those done before."""
        return Plan(tuple(row.step for row in self.steps if row.state != "dropped"))

    @property
    def outputs(self) -> dict[str, Any]:
        return {row.step.id: row.output for row in self.in_state("done")}

    def in_state(self, *states: str) -> list[StepRow]:
        return [row for row in self.steps if row.state in states]

    def row(self, id: str) -> StepRow | None:
        return next((row for row in self.steps if row.step.id == id), None)

    def approval(self, digest: str) -> Approval | None:
        return next((found for found in self.approvals if found.digest == digest), None)


class PlanStore:
    """The plans of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, tenant: str, plan: str) -> Situation:
        """Return the plan as it stands, in one round trip; raises EventError when there is none."""
        return self.load_after(tenant, plan, [])[1]

    def load_after(
        self, tenant: str, plan: str, statements: Sequence[Statement]
    ) -> tuple[list[list[Row]], Situation]:
        """Run `statements` and return their rows, and the plan as it stands behind them."""
        key = {"tenant": tenant, "plan": plan}
        names = ("read_plan", "read_versions", "read_steps", "read_writes", "read_approvals")
        before = len(statements)
        rows = self.run(tenant, [*statements, *(Statement(SQL[name], key) for name in names)])
        return rows[:before], _situation(tenant, plan, rows[before:])

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        return self._database.run(tenant, statements)


def _situation(tenant: str, plan: str, rows: Sequence[list[Row]]) -> Situation:
    found, versions, steps, writes, approvals = rows
    if not found:
        raise EventError(f"there is no plan {plan} of {tenant}; was it deleted with its event?")
    row = found[0]
    return Situation(
        id=row["id"],
        flow=row["flow"],
        event=Event.from_json(row["event"]),
        goal=row["goal"],
        state=row["state"],
        reason=row["reason"],
        cancelled_by=row["cancelled_by"],
        cost=row["cost"],
        versions=tuple(_version(version) for version in versions),
        steps=tuple(_step(step) for step in steps),
        written={row["effect"]: _written_as(row) for row in writes},
        approvals=tuple(_approval(plan, approval) for approval in approvals),
    )


def statement(name: str, tenant: str, plan: str, **values: object) -> Statement:
    """Return the named statement of store.sql; write its JSON values with `as_json`."""
    return Statement(SQL[name], {"tenant": tenant, "plan": plan} | values)


def as_json(value: object) -> str | None:
    return None if value is None else canonical(value)


def _version(row: Mapping[str, Any]) -> Version:
    plan = Plan.from_json(row["steps"])
    return Version(row["version"], plan, row["checked"], row["fault"], tuple(row["feedback"]))


def _step(row: Mapping[str, Any]) -> StepRow:
    return StepRow(
        PlanStep.from_json(row["step"]),
        row["version"],
        row["state"],
        row["attempts"],
        row["output"],
        row["reason"],
    )


def _written_as(row: Mapping[str, Any]) -> Written:
    return Written(row["state"], row["output"], row["reason"])


def _approval(plan: str, row: Mapping[str, Any]) -> Approval:
    return Approval(
        plan,
        row["digest"],
        row["version"],
        tuple(row["steps"]),
        row["payload"],
        row["role"],
        row["token"],
        row["state"],
        row["said"],
        row["decided_by"],
        row["expired"],
        row["expires_at"],
        row["decided_at"],
    )
