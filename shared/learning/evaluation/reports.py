"""Reports what each arm of a choice earned."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from shared.learning.choices.examples import Example
from shared.learning.evaluation.estimators import of_runs
from shared.learning.evaluation.intervals import RISK, Interval


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
    of_arm: dict[str, list[Example]] = defaultdict(list)
    for one in examples:
        of_arm[one.name].append(one)
    rewards = {arm: [one.reward for one in some] for arm, some in of_arm.items()}
    means = {
        arm: of_runs(some, rewards[arm], [1.0] * len(some), RISK) for arm, some in of_arm.items()
    }
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
