"""Estimates what another policy would have earned, from examples with their logged probabilities.

With the reward r, its logged probability p and that of the other policy, the target, π:
    IPS    mean of r·π/p                                Horvitz and Thompson, 1952
    SNIPS  Σ r·π/p over Σ π/p                           Swaminathan and Joachims, 2015
    DR     mean of Σ π(a)·q(a) + (r − q)·π/p            Dudík, Langford and Li, 2011
q predicts the reward of an arm from the runs before, so that the terms are a martingale and their
interval holds though the logging policy learnt meanwhile. A run that chose several times under one
name has one reward, so it is one term: the mean of its choices.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from statistics import fmean
from typing import NamedTuple

from shared.choosing import Chances, named
from shared.learning.choices.examples import Example
from shared.learning.evaluation.intervals import Interval, by_betting, of_ratio, t_quantile

#: Returns the probability of each arm of an example, as another policy would have had it.
Target = Callable[[Example], Sequence[float]]
#: Returns the number of an example that is estimated: its reward, its cost.
Measure = Callable[[Example], float]

#: Examples as many as which the mean of all counts in what is predicted for an arm.
_PRIOR = 4.0
_RATIO_RISK = 0.01


class RewardBounds(NamedTuple):
    """The least and the largest reward that there can be."""

    low: float
    high: float


def under(chances: Chances) -> Target:
    """Return these chances as a target."""
    return lambda one: one.under(chances)


def reward_of(example: Example) -> float:
    """Return the reward of an example."""
    return example.reward


def ips(examples: Sequence[Example], target: Target, bounds: RewardBounds) -> Interval:
    """Estimate by inverse propensity scores."""
    weights = [*_weights(examples, target)]
    values = [one.reward * weight for one, weight in zip(examples, weights, strict=True)]
    largest = max(map(max, _ratios(examples, target)), default=1.0)
    low, high = min(bounds.low * largest, bounds.low), max(bounds.high * largest, bounds.high)
    return by_betting([*map(fmean, _by_run(examples, values))], low, high)


def snips(examples: Sequence[Example], target: Target, measure: Measure = reward_of) -> Interval:
    """Estimate by inverse propensity scores that are normalised by their own sum. Its interval aims
    at 99 of 100: where few weights decide, it comes out too narrow."""
    weights = [*_weights(examples, target)]
    sums = [measure(one) * weight for one, weight in zip(examples, weights, strict=True)]
    return of_runs(examples, sums, weights, _RATIO_RISK)


def of_runs(
    examples: Sequence[Example], sums: Sequence[float], weights: Sequence[float], risk: float
) -> Interval:
    """Return the interval of Σ sums over Σ weights, in which each run is one observation."""
    whole = [*map(sum, _by_run(examples, weights))]
    pairs = zip(map(sum, _by_run(examples, sums)), whole, strict=True)
    return of_ratio([value / weight if weight else 0.0 for value, weight in pairs], whole, risk)


def _by_run(examples: Sequence[Example], values: Sequence[float]) -> Iterator[list[float]]:
    """Yield the values of each run's examples, in the order in which the runs first chose."""
    found: dict[str, list[float]] = defaultdict(list)
    for one, value in zip(examples, values, strict=True):
        found[one.run].append(value)
    yield from found.values()


def doubly_robust(examples: Sequence[Example], target: Target, bounds: RewardBounds) -> Interval:
    """Estimate by predictions, corrected by inverse propensity scores."""
    return _robust(examples, target, bounds)


def difference(
    examples: Sequence[Example], target: Target, other: Target, bounds: RewardBounds
) -> Interval:
    """Estimate doubly robust how much more the target would earn than the other; what both
    have in common cancels out, so it tells more than two estimates."""

    def more(one: Example) -> list[float]:
        return [a - b for a, b in zip(target(one), other(one), strict=True)]

    return _robust(examples, more, bounds)


def _robust(
    examples: Sequence[Example],
    wanted: Callable[[Example], Sequence[float]],
    bounds: RewardBounds,
) -> Interval:
    """Estimate the mean of Σ wanted(a)·reward(a)."""
    runs: dict[str, list[Example]] = defaultdict(list)
    for one in examples:
        runs[one.run].append(one)
    values, ends, predict = [], list[float](), _Prediction(bounds)
    for run in runs.values():
        terms = [_term(one, wanted(one), predict, bounds) for one in run]
        values.append(fmean(value for value, _ in terms))
        ends += chain.from_iterable(some for _, some in terms)
        for one in run:
            predict.add(one)
    if not values:
        return Interval(0.0, bounds.low - bounds.high, bounds.high - bounds.low)
    return by_betting(values, min(ends), max(ends))


def _term(
    one: Example, wants: Sequence[float], predict: "_Prediction", bounds: RewardBounds
) -> tuple[float, list[float]]:
    """Return the term of an example, and all that it could have been."""
    expected = [predict.of(one.bucket, named(arm)) for arm in one.arms]
    base = sum(want * q for want, q in zip(wants, expected, strict=True))
    ends = [base]
    for want, chance, q in zip(wants, one.chances, expected, strict=True):
        if chance > 0:
            ends += [base + want / chance * (end - q) for end in bounds]
    place = one.place
    return base + wants[place] / one.probability * (one.reward - expected[place]), ends


class _Prediction:
    """The mean reward of an arm in a context so far, drawn towards that of the arm."""

    def __init__(self, bounds: RewardBounds) -> None:
        self._prior = min(max(0.0, bounds.low), bounds.high)
        self._sums: dict[tuple[str, str], tuple[float, int]] = defaultdict(lambda: (0.0, 0))

    def of(self, bucket: str, arm: str) -> float:
        anywhere = self._mean(("", arm), self._prior)
        return self._mean((bucket, arm), anywhere)

    def _mean(self, key: tuple[str, str], prior: float) -> float:
        total, count = self._sums[key]
        return (total + _PRIOR * prior) / (count + _PRIOR)

    def add(self, example: Example) -> None:
        for key in (("", example.name), (example.bucket, example.name)):
            total, count = self._sums[key]
            self._sums[key] = total + example.reward, count + 1


def compared(
    examples: Sequence[Example], one: Target, other: Target, measure: Measure
) -> tuple[float, float, Interval]:
    """Estimate a measure under two policies by SNIPS, and the interval of how much more it is under
    the other: what both have in common cancels out."""
    values = [*map(measure, examples)]
    found = [_ratio(examples, values, [*_weights(examples, target)]) for target in (one, other)]
    (now, ours), (then, theirs) = found
    parts = [b - a for a, b in zip(ours, theirs, strict=True)]
    count = min(effective(examples, one), effective(examples, other))
    if count < 2:
        return now, then, Interval(then - now, -math.inf, math.inf)
    half = t_quantile(1 - _RATIO_RISK / 2, count - 1) * math.sqrt(
        sum(part * part for part in parts)
    )
    return now, then, Interval(then - now, then - now - half, then - now + half)


def _ratio(
    examples: Sequence[Example], values: Sequence[float], weights: Sequence[float]
) -> tuple[float, list[float]]:
    """Return Σ weights·values over Σ weights, and by how much each run moves it."""
    total = sum(weights)
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / (total or 1.0)
    moved = [w * (v - mean) for w, v in zip(weights, values, strict=True)]
    pairs = zip(_by_run(examples, moved), _by_run(examples, weights), strict=True)
    return mean, [sum(move) / max(total - sum(weight), 1e-9) for move, weight in pairs]


def effective(examples: Sequence[Example], target: Target) -> float:
    """Return how many runs of its own the weighted ones are worth (Kish)."""
    weights = [*map(fmean, _by_run(examples, [*_weights(examples, target)]))]
    squares = sum(weight * weight for weight in weights)
    return sum(weights) ** 2 / squares if squares else 0.0


def _weights(examples: Sequence[Example], target: Target) -> Iterator[float]:
    return (target(one)[one.place] / one.probability for one in examples)


def _ratios(examples: Sequence[Example], target: Target) -> Iterator[list[float]]:
    """Yield the weights that each example could have had."""
    for one in examples:
        pairs = zip(target(one), one.chances, strict=True)
        yield [want / chance for want, chance in pairs if chance > 0]
