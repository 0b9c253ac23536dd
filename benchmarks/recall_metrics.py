"""How well a ranking finds what it should, and whether two rankings differ by more than chance."""

import random
import statistics
from collections.abc import Collection, Sequence
from typing import NamedTuple

RESAMPLES = 2_000


def recall_at(k: int, found: Sequence[str], wanted: Collection[str]) -> float:
    """The share of `wanted`, of which there is at least one, among the first `k` of `found`."""
    return len(set(found[:k]) & set(wanted)) / len(wanted)


class MeanDifference(NamedTuple):
    """By how much one mean is above another, and where 95 of 100 resamples of it lie."""

    mean: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        if self.high < 0:
            return "worse"
        return "better" if self.low > 0 else "within noise"


def difference(
    ours: Sequence[float], theirs: Sequence[float], resamples: int = RESAMPLES
) -> MeanDifference:
    """Compare the scores of the same questions by a paired bootstrap.

    Whole questions are drawn with replacement, so what makes a question hard counts on both
    sides: B. Efron, Bootstrap Methods, https://doi.org/10.1214/aos/1176344552. Equal input gives
    equal output.
    """
    pairs = [mine - other for mine, other in zip(ours, theirs, strict=True)]
    chance = random.Random(7)
    means = [statistics.fmean(chance.choices(pairs, k=len(pairs))) for _ in range(resamples)]
    cuts = statistics.quantiles(means, n=40, method="inclusive")
    return MeanDifference(statistics.fmean(pairs), cuts[0], cuts[-1])
