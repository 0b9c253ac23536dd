"""Guardrails: what must not get worse when a candidate takes over, however much it earns."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.events import Json
from shared.learning.choices.examples import Example
from shared.learning.evaluation.estimators import Measure, Target, compared
from shared.learning.evaluation.intervals import Interval

#: What is measured of each run, by its name, and how much more of it nobody would notice: a tenth
#: of a cent, a second, five complaints in a hundred runs.
GUARDRAILS: Mapping[str, tuple[Measure, float]] = {
    "cost": (lambda one: one.cost, 0.001),
    "seconds": (lambda one: one.seconds, 1.0),
    "complaints": (lambda one: one.complaint, 0.05),
}
#: The share of the present one that it may be more.
_MORE = 0.1


class Guarded(NamedTuple):
    """One guardrail: what it is now, what it would be, and how much more that would be. `is_kept`
    if that is surely no more than may be."""

    name: str
    now: float
    then: float
    more: Interval
    is_kept: bool

    def to_json(self) -> Json:
        """Write it as plain JSON."""
        return {**self._asdict(), "more": self.more.to_json()}

    def __str__(self) -> str:
        told = f"{self.name} {self.now:.4g} → {self.then:.4g}, {self.more} more"
        return told if self.is_kept else f"{told}: not surely kept"


def guarded(
    examples: Sequence[Example], candidate: Target, in_force: Target
) -> tuple[Guarded, ...]:
    """Compare what must not get worse under both. It is kept when the whole interval of how much
    more it would be is within a tenth, or within what nobody would notice."""
    found = []
    for name, (measure, unnoticed) in GUARDRAILS.items():
        now, then, more = compared(examples, in_force, candidate, measure)
        is_kept = more.high <= max(unnoticed, _MORE * now)
        found.append(Guarded(name, now, then, more, is_kept))
    return tuple(found)
