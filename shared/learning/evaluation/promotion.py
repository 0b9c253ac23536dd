"""Decides whether a candidate takes over: only when it is surely better, nothing that is guarded
may get worse, and no single person makes the difference."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from shared.events import Json
from shared.learning.choices.examples import Example
from shared.learning.choices.voices import VOICES
from shared.learning.evaluation.estimators import (
    RewardBounds,
    Target,
    difference,
    doubly_robust,
    effective,
    ips,
    snips,
)
from shared.learning.evaluation.guardrails import Guarded, guarded
from shared.learning.evaluation.intervals import Interval

#: People who said most, without each of whom the candidate must still be better.
_LOUDEST = 3
_ESTIMATES = ("ips", "snips", "dr", "in_force", "gain")


class Evaluation(NamedTuple):
    """What a candidate would earn, beside the one in force, and why it is held; empty when it may
    take over. `gain` is how much more it would earn."""

    examples: int
    effective: float
    ips: Interval
    snips: Interval
    dr: Interval
    in_force: Interval
    gain: Interval
    guardrails: tuple[Guarded, ...]
    why_not: str

    def to_json(self) -> Json:
        """Write it as plain JSON."""
        return {
            "examples": self.examples,
            "effective": self.effective,
            **{name: getattr(self, name).to_json() for name in _ESTIMATES},
            "guardrails": [one.to_json() for one in self.guardrails],
            "why_not": self.why_not,
        }


def evaluate(
    examples: Sequence[Example], candidate: Target, in_force: Target, bounds: RewardBounds
) -> Evaluation:
    """Estimate a candidate from what was chosen while it was on trial, and decide. One that learnt
    meanwhile is told for each example as it was then, so nothing is told from what it learnt of."""

    def gain_of(some: Sequence[Example]) -> Interval:
        return difference(some, candidate, in_force, bounds)

    gain = gain_of(examples)
    rails = guarded(examples, candidate, in_force)
    return Evaluation(
        len(examples),
        effective(examples, candidate),
        ips(examples, candidate, bounds),
        snips(examples, candidate),
        doubly_robust(examples, candidate, bounds),
        doubly_robust(examples, in_force, bounds),
        gain,
        rails,
        _why_not(examples, gain, rails, gain_of),
    )


def _why_not(
    examples: Sequence[Example],
    gain: Interval,
    rails: Sequence[Guarded],
    gain_of: Callable[[Sequence[Example]], Interval],
) -> str:
    if not examples:
        return "nothing was chosen in its trial yet whose time for feedback is over"
    if gain.low <= 0:
        return f"it is not surely better: {gain}"
    if lost := [str(one) for one in rails if not one.is_kept]:
        return f"a guardrail may get worse: {'; '.join(lost)}"
    said = Counter(person for one in examples for person in one.people)
    if said and len(said) < VOICES:
        return "only one person has said anything"
    for person, _ in said.most_common(_LOUDEST):
        if gain_of([one for one in examples if person not in one.people]).value <= 0:
            return "without one person's words it is not better"
    return ""
