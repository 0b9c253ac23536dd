"""Confidence of a share and of a difference of shares: Wilson, McNemar, Agresti and Min."""

import math
from typing import NamedTuple

#: Standard deviations of a 95 % interval.
_Z = 1.959963984540054


class Interval(NamedTuple):
    low: float
    high: float


def wilson(successes: int, total: int) -> Interval:
    """Return the 95 % interval of a share; without cases, 0 to 1.

    Wilson 1927; unlike the textbook's, it holds for few cases and for shares near 0 and 1.
    """
    if total == 0:
        return Interval(0.0, 1.0)
    share = successes / total
    middle = share + _Z**2 / (2 * total)
    spread = _Z * math.sqrt(share * (1 - share) / total + _Z**2 / (4 * total**2))
    whole = 1 + _Z**2 / total
    low = 0.0 if successes == 0 else (middle - spread) / whole
    return Interval(low, 1.0 if successes == total else (middle + spread) / whole)


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the exact two-sided p-value that two models are equally often right on the same rows.

    The arguments count the rows that one got right and the other did not. Computed from logarithms:
    the binomial's terms are too small for floats with many rows.
    """
    total, fewer = only_first + only_second, min(only_first, only_second)
    if total == 0:
        return 1.0
    logs = [_log_choose(total, k) - total * math.log(2) for k in range(fewer + 1)]
    return min(1.0, 2 * math.fsum(map(math.exp, logs)))


def difference(only_first: int, only_second: int, total: int) -> tuple[float, Interval]:
    """Return by how much the first model's share is above the second's, with its 95 % interval.

    Agresti and Min 2005: half a row is added to each of the four counts.
    """
    b, c, n = only_first + 0.5, only_second + 0.5, total + 2.0
    middle = (b - c) / n
    spread = _Z * math.sqrt(max(0.0, b + c - (b - c) ** 2 / n)) / n
    interval = Interval(max(-1.0, middle - spread), min(1.0, middle + spread))
    return (only_first - only_second) / total if total else 0.0, interval


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
