"""Plans in Postgres: their goals, versions and steps, and the approvals of people.

Reading gives a Situation, all that a state of the machine needs, in one round trip. Writing gives
statements, so that they are committed together with the end of the run that caused them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.canonical import canonical_without_secrets
from shared.database import Database, Row, Statement, queries
from shared.errors import EventError
from shared.events import Event, Json
from shared.frozen import frozen
from shared.planning.plan import Plan, PlanStep

SQL = queries(__file__, "store.sql")

#: An answer names this in place of a step when the question is about none.
QUESTION = "question"

_OVER = frozenset({"done", "failed", "cancelled"})


@frozen
class Version:
    """A version of the plan. `fault` says why another one is necessary: it is `invalid`, `changed`
    by a person, has `failed`, or was `refused` a write; `feedback` are the reasons, `lesson` is
    what of them may be remembered: none of it was read somewhere."""

    number: int
    plan: Plan
    checked: bool
    fault: str
    feedback: tuple[str, ...]
    lesson: tuple[str, ...] = ()


@frozen
class StepRow:
    """A step of the valid version, and its progress; `attempts` counts the earlier ones."""

    step: PlanStep
    version: int
    state: str
    attempts: int
    output: Any
    reason: str


@frozen
class Written:
    """How the write of an exact action ended: `acted` with its output, or `failed`.

    `reach` is empty when it surely was not written, or a person had consented to it before.
    """

    state: str
    output: Any
    reason: str
    reach: tuple[str, ...] = ()


@frozen
class Approval:
    """A question to a person, and its answer. `payload` is a `question`, or the exact `actions`."""

    digest: str
    version: int
    steps: tuple[str, ...]
    payload: Json
    token: str
    state: str
    said: str
    decided_by: str
    expired: bool
    expires_at: float
    #: Seconds since the epoch; None while nobody has.
    decided_at: float | None
    #: The account of who decided, as `slack:U1`.
    decider: str = ""


@frozen
class Situation:
    """A plan as it stands, and the statements that change it. `may_write` tells if who asked for
    it may write there."""

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
    may_write: bool = False
    #: The price of a model call is unknown; the seconds that the runs of the plan took together.
    unpriced: bool = False
    worked: float = 0.0

    @property
    def over(self) -> bool:
        return self.state in _OVER

    @property
    def latest(self) -> Version | None:
        return self.versions[-1] if self.versions else None

    @property
    def number(self) -> int:
        """The number of the latest version; 0 before the first."""
        return self.latest.number if self.latest else 0

    @property
    def first(self) -> Version | None:
        """The first version that could run. Before it nothing was read."""
        valid = (one for one in self.versions if one.checked and one.fault != "invalid")
        return next(valid, None)

    @property
    def current(self) -> Plan:
        """The steps of the plan, done or to do, without those that were dropped."""
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

    def statement(self, name: str, **values: object) -> Statement:
        """Return the named statement for this plan; write its JSON values with `as_json`."""
        return statement(name, self.event.tenant, self.id, **values)

    def set_step(
        self, row: StepRow, state: str, reason: str = "", *, output: Any = None
    ) -> Statement:
        """Return the statement that notes the progress of a step."""
        values = {"state": state, "reason": reason, "output": as_json(output)}
        return self.statement("set_step", **_key(row), **values)

    def try_again(self, row: StepRow) -> Statement:
        """Return the statement that lets a step wait for one more attempt."""
        return self.statement("try_again", **_key(row))

    def fault(self, fault: str, reasons: Sequence[str], lesson: Sequence[str]) -> Statement:
        """Return the statement that notes why the latest version is not good enough."""
        told = {"feedback": as_json(reasons), "lesson": as_json(lesson)}
        values = {"version": self.number, "fault": fault, **told}
        return self.statement("fault_version", **values)


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
        """Run `statements`; return their rows, and the plan as it then stands."""
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
    made: Row = {
        "event": Event.from_json(found[0]["event"]),
        "versions": tuple(_version(row) for row in versions),
        "steps": tuple(StepRow(**row | {"step": PlanStep.from_json(row["step"])}) for row in steps),
        "written": {
            row.pop("effect"): Written(**row | {"reach": tuple(row["reach"])}) for row in writes
        },
        "approvals": tuple(Approval(**row | {"steps": tuple(row["steps"])}) for row in approvals),
    }
    return Situation(**found[0] | made)


def statement(name: str, tenant: str, plan: str, **values: object) -> Statement:
    """Return the named statement of store.sql; write its JSON values with `as_json`."""
    return Statement(SQL[name], {"tenant": tenant, "plan": plan} | values)


def as_json(value: object) -> str | None:
    """Write a value as JSON, without secrets."""
    return None if value is None else canonical_without_secrets(value)


def _key(row: StepRow) -> dict[str, object]:
    return {"id": row.step.id, "version": row.version, "attempts": row.attempts}


def _version(row: Row) -> Version:
    plan = Plan.from_json(row["steps"])
    told = tuple(row["feedback"]), tuple(row.get("lesson") or ())
    return Version(row["version"], plan, row["checked"], row["fault"], *told)
