"""The next state of a plan: a pure function of how it stands, so that a restart finds its way."""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from shared.events import Json
from shared.planning import Selector
from shared.planning.store import Situation, StepRow, Version
from shared.planning.validation import Limits
from shared.planning.waves import ready

#: The state waits so much longer for a person than the approval lives, in seconds. When the
#: approval still lives then, because its clock began later, the state is entered once more.
_GRACE = 2
#: How often in a row a plan may be invalid.
_INVALID = 2
#: How many versions may write what does not go through: a place that refuses one refuses all.
_REFUSED = 2


class NextState(NamedTuple):
    """The state that the machine enters next, with these steps; it may wait there for `seconds`."""

    name: Literal["plan", "wave", "approve", "report"]
    steps: tuple[str, ...] = ()
    seconds: int = 1

    def to_json(self) -> Json:
        return {"next": self.name, "steps": list(self.steps), "seconds": self.seconds}


def next_state(
    situation: Situation,
    limits: Limits,
    awaits_consent: Callable[[StepRow], bool],
    now: float,
    selector: Selector = ready,
) -> NextState:
    """Decide from the plan alone; `awaits_consent` tells of a step that a person must approve."""
    if over(situation, limits):
        return NextState("report")
    latest = situation.latest
    if latest is None or latest.fault or not latest.checked:
        return NextState("plan")
    if (until := _asked_until(situation, latest, ())) is not None:
        return NextState("approve", (), _seconds(until, now))
    waiting = open_steps(situation, selector)
    free = tuple(row.step.id for row in waiting if not awaits_consent(row))
    if free:
        return NextState("wave", free)
    if waiting:
        steps = tuple(row.step.id for row in waiting)
        until = _asked_until(situation, latest, steps)
        return NextState("approve", steps, _seconds(until or now + limits.approval, now))
    return NextState("report")


def over(situation: Situation, limits: Limits) -> bool:
    """Return True when nothing more is to be done, whatever the steps say."""
    if situation.over or situation.cancelled_by or situation.reason:
        return True
    if any(approval.state in {"rejected", "expired"} for approval in situation.approvals):
        return True
    return _is_exhausted(situation, limits) or bool(used_up(situation, limits))


def used_up(situation: Situation, limits: Limits) -> str:
    """Say which limit leaves nothing for further work; nothing while both do."""
    if situation.cost > limits.cost:
        return f"The plan used up what it may cost, ${limits.cost:.2f}."
    if situation.worked > limits.seconds:
        return f"The plan used up the time that it may work, {limits.seconds / 60:.0f} min."
    return ""


def _is_exhausted(situation: Situation, limits: Limits) -> bool:
    """Return True when one more version would be one too many."""
    faults = [version.fault for version in situation.versions]
    revised = sum(fault in {"failed", "refused", "changed"} for fault in faults)
    if faults.count("refused") >= _REFUSED:
        return True
    return faults[-_INVALID:] == ["invalid"] * _INVALID or revised > limits.revisions


def open_steps(situation: Situation, selector: Selector = ready) -> list[StepRow]:
    """Return the steps that can run now, of which the selector chooses."""
    done = {row.step.id for row in situation.in_state("done")}
    closed = {row.step.id for row in situation.in_state("failed", "dropped")}
    ids = {step.id for step in ready(situation.current, done, closed)}
    ids &= {step.id for step in selector(situation.current, done, closed)}
    return [row for row in situation.steps if row.step.id in ids]


def _asked_until(situation: Situation, latest: Version, steps: Sequence[str]) -> float | None:
    """Return until when a question about these steps is open; a question of its own has none."""
    for approval in situation.approvals:
        is_open = approval.state == "asked" and approval.version == latest.number
        if is_open and set(approval.steps) == set(steps):
            return approval.expires_at
    return None


def _seconds(until: float, now: float) -> int:
    return _GRACE + max(1, round(until - now))
