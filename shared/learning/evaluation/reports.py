"""Reports what each arm of a choice earned."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from shared.learning.choices.examples import Example
from shared.learning.evaluation.intervals import Interval, of_ratio


class ArmReport(NamedTuple):
    """One arm: how often it was chosen, its reward, what its choices earned less than the best arm
    would have, and how much more it earned in the later half than in the earlier."""

    arm: str
    chosen: int
    reward: Interval
    regret: float
    drift: float


def by_arm(examples: Sequence[Example]) -> list[ArmReport]:
    """Return a report of each arm, the best first; the oldest example comes first."""
    rewards: dict[str, list[float]] = defaultdict(list)
    for one in examples:
        rewards[one.name].append(one.reward)
    means = {arm: of_ratio(values, [1.0] * len(values)) for arm, values in rewards.items()}
    best = max((one.value for one in means.values()), default=0.0)
    found = [
        ArmReport(
            arm, len(values), means[arm], len(values) * (best - means[arm].value), _drift(values)
        )
        for arm, values in rewards.items()
    ]
    return sorted(found, key=lambda one: -one.reward.value)


def _drift(values: Sequence[float]) -> float:
    middle = len(values) // 2
    if not middle:
        return 0.0
    return sum(values[middle:]) / (len(values) - middle) - sum(values[:middle]) / middle
