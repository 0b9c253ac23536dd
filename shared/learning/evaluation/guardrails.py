"""Guardrails: what must not get worse when a candidate takes over, however much it earns."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.learning.choices.examples import Example
from shared.learning.evaluation.estimators import Measure, Target, snips

#: What is measured of each run, by its name, and how much more of it nobody would notice.
GUARDRAILS: Mapping[str, tuple[Measure, float]] = {
    "cost": (lambda one: one.cost, 0.001),
    "seconds": (lambda one: one.seconds, 1.0),
    "complaints": (lambda one: one.complaint, 0.01),
}
#: An estimate is worse when it is by this share above the present one.
_MORE = 0.1


class Guarded(NamedTuple):
    """One guardrail: what it is now, and what it would be."""

    name: str
    now: float
    then: float
    is_worse: bool

    def __str__(self) -> str:
        return f"{self.name} {self.now:.4g} → {self.then:.4g}{', worse' if self.is_worse else ''}"


def guarded(
    examples: Sequence[Example], candidate: Target, in_force: Target
) -> tuple[Guarded, ...]:
    """Compare what must not get worse under both: it is worse when it is by a tenth more, or when
    its interval lies wholly above; but not by what nobody would notice."""
    found = []
    for name, (measure, unnoticed) in GUARDRAILS.items():
        now, then = snips(examples, in_force, measure), snips(examples, candidate, measure)
        is_more = then.value > now.value * (1 + _MORE) or then.low > now.high
        is_worse = is_more and then.value > now.value + unnoticed
        found.append(Guarded(name, now.value, then.value, is_worse))
    return tuple(found)
