"""Guardrails: what must not get worse when a candidate takes over, however much it earns."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.learning.choices.examples import Example
from shared.learning.evaluation.estimators import Measure, Target, snips

#: What is measured of each run, by its name.
GUARDRAILS: Mapping[str, Measure] = {
    "cost": lambda one: one.cost,
    "seconds": lambda one: one.seconds,
    "complaints": lambda one: one.complaint,
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
    its interval lies wholly above."""
    found = []
    for name, measure in GUARDRAILS.items():
        now, then = snips(examples, in_force, measure), snips(examples, candidate, measure)
        is_worse = then.value > now.value * (1 + _MORE) + 1e-9 or then.low > now.high
        found.append(Guarded(name, now.value, then.value, is_worse))
    return tuple(found)
