"""What comes next in a plan: a pure function of how it stands, so that a restart finds its way."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from shared.planning.store import Situation, StepRow, Version
from shared.planning.validation import Limits
from shared.planning.waves import ready

Next = Literal["plan", "wave", "approve", "report"]

#: The state waits so much longer for a person than the approval lives, in seconds. When the
#: approval still lives then, because its clock began later, the state is entered once more.
_GRACE = 2
#: How often in a row a plan may be invalid.
_INVALID = 2


class Course(NamedTuple):
    """Where the machine goes next, with which steps; `seconds` is how long it may wait there."""

    next: Next
    steps: tuple[str, ...] = ()
    seconds: int = 1


def course(
    situation: Situation, limits: Limits, gated: Callable[[StepRow], bool], now: float
) -> Course:
    """Decide from the plan alone; `gated` says whether a step waits for a person's consent."""
    if over(situation, limits):
        return Course("report")
    latest = situation.latest
    if latest is None or latest.fault or not latest.checked:
        return Course("plan")
    if (until := _asked_until(situation, latest, ())) is not None:
        return Course("approve", (), _seconds(until, now))
    waiting = open_steps(situation)
    free = tuple(row.step.id for row in waiting if not gated(row))
    if free:
        return Course("wave", free)
    if waiting:
        steps = tuple(row.step.id for row in waiting)
        until = _asked_until(situation, latest, steps)
        return Course("approve", steps, _seconds(until or now + limits.approval, now))
    return Course("report")


def over(situation: Situation, limits: Limits) -> bool:
    """Is nothing more to be done, whatever the steps say?"""
    if situation.over or situation.cancelled_by or situation.reason:
        return True
    if any(approval.state in {"rejected", "expired"} for approval in situation.approvals):
        return True
    return exhausted(situation, limits)


def exhausted(situation: Situation, limits: Limits) -> bool:
    """Would one more version be one too many?"""
    faults = [version.fault for version in situation.versions]
    revised = sum(fault in {"failed", "changed"} for fault in faults)
    return faults[-_INVALID:] == ["invalid"] * _INVALID or revised > limits.revisions


def open_steps(situation: Situation) -> list[StepRow]:
    """Return the steps that can run now."""
    done = {row.step.id for row in situation.in_state("done")}
    closed = {row.step.id for row in situation.in_state("failed", "dropped")}
    found = [situation.row(step.id) for step in ready(situation.current, done, closed)]
    return [row for row in found if row is not None]


def _asked_until(situation: Situation, latest: Version, steps: Sequence[str]) -> float | None:
    """Return until when a question about these steps is open; one about none is a question."""
    for approval in situation.approvals:
        is_open = approval.state == "asked" and approval.version == latest.number
        if is_open and set(approval.steps) == set(steps):
            return approval.expires_at
    return None


def _seconds(until: float, now: float) -> int:
    return _GRACE + max(1, round(until - now))
