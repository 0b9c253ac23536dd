"""Intervals that hold the truth in 95 of 100 cases, also where few heavy weights decide."""

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import NamedTuple

#: How often the truth may lie outside.
RISK = 0.05
#: They find a bound to a billionth of the values' spread.
_HALVINGS = 30


class Interval(NamedTuple):
    """An estimate and the bounds between which the truth is."""

    value: float
    low: float
    high: float

    def to_json(self) -> list[float | None]:
        """Write it as plain JSON, with nothing where there is no bound."""
        return [value if math.isfinite(value) else None for value in self]

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


def by_betting(values: Sequence[float], low: float, high: float, risk: float = RISK) -> Interval:
    """Return the interval of the mean of values that lie between `low` and `high`.

    A gambler bets on each next value against a supposed mean, with stakes from the values before.
    Where it grows rich, that is not the mean. It may be looked at after each value, as often as one
    likes, and holds for values that depend on earlier ones. Waudby-Smith and Ramdas, 2024,
    https://doi.org/10.1093/jrsssb/qkad009.
    """
    if not values:
        return Interval(0.0, low, high)
    spread = high - low or 1.0
    scaled = [min(max((value - low) / spread, 0.0), 1.0) for value in values]
    limit, stakes = math.log(2 / risk), _stakes(scaled, risk)
    least = _bound(lambda mean: _reaches(limit, scaled, stakes, mean))
    mirrored = [1 - value for value in scaled]
    most = 1 - _bound(lambda mean: _reaches(limit, mirrored, stakes, mean))
    return Interval(sum(values) / len(values), low + spread * least, low + spread * most)


def _stakes(values: Sequence[float], risk: float) -> list[float]:
    """Return the stake of each value, from those before it: larger where they vary little."""
    total, squares, stakes = 0.5, 0.25, []
    for count, value in enumerate(values, start=1):
        variance = max(squares / count, 1e-6)
        stakes.append(math.sqrt(2 * math.log(2 / risk) / (variance * count * math.log(1 + count))))
        total += value
        squares += (value - total / (count + 1)) ** 2
    return stakes


def _reaches(limit: float, values: Sequence[float], stakes: Sequence[float], mean: float) -> bool:
    """Tell whether the logarithm of what a bet that the true mean is above `mean` comes to is at
    some time as large as the limit, which is above 0."""
    most = 0.75 / max(mean, 1e-9)
    wealth = 0.0
    for value, stake in zip(values, stakes, strict=True):
        wealth += math.log1p((stake if stake < most else most) * (value - mean))
        if wealth >= limit:
            return True
    return False


def _bound(is_refuted: Callable[[float], bool]) -> float:
    """Return the largest mean from 0 to 1 below which all are refuted."""
    low, high = 0.0, 1.0
    if not is_refuted(1e-9):
        return 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if is_refuted(middle) else (low, middle)
    return low


def of_ratio(values: Sequence[float], weights: Sequence[float], risk: float = RISK) -> Interval:
    """Return the interval of the weighted mean of values: by the delta method, with each residual
    enlarged by its leverage, and Student's t with as many degrees of freedom as there are effective
    values. Of fewer than two that have weight it is everything."""
    total = sum(weights)
    mean = sum(w * v for w, v in zip(weights, values, strict=True)) / (total or 1.0)
    if sum(weight > 0 for weight in weights) < 2:
        return Interval(mean, -math.inf, math.inf)
    squares = sum(
        (w * (v - mean) / max(total - w, 1e-9)) ** 2 for w, v in zip(weights, values, strict=True)
    )
    effective = total**2 / sum(w * w for w in weights)
    half = t_quantile(1 - risk / 2, max(effective - 1, 1.0)) * math.sqrt(squares)
    return Interval(mean, mean - half, mean + half)


def t_quantile(probability: float, freedom: float) -> float:
    """Return the quantile of Student's t, by its expansion around the normal one (Abramowitz and
    Stegun, 26.7.5), within 1 % from 3 degrees of freedom on; with fewer it is that of 3, doubled
    for each that lacks."""
    z, n = NormalDist().inv_cdf(probability), max(freedom, 3.0)
    found = (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )
    return found * 2 ** max(3.0 - freedom, 0.0)
