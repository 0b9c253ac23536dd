"""Bounds how much one person counts: nobody alone can turn a policy."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from shared.learning.rewards import RunSignal

#: So many people must have said something before anything is learnt from what people say, and no
#: person counts for more than this share of all that was said.
VOICES, _SHARE = 2, 1 / 3


def bounded_voices(runs: Sequence[Sequence[RunSignal]]) -> list[tuple[RunSignal, ...]]:
    """Return the signals of runs with less weight for those people who said most. Where fewer than
    two people said anything, their words do not count at all."""
    said: dict[str, float] = defaultdict(float)
    for signals in runs:
        for one in signals:
            if one.actor and one.weight > 0:
                said[one.actor] += one.weight
    factors = _factors(said)
    return [
        tuple(one._replace(weight=one.weight * factors.get(one.actor, 1.0)) for one in signals)
        for signals in runs
    ]


def _factors(said: Mapping[str, float]) -> dict[str, float]:
    """Return the factor of each person by which nobody has more than a share of the whole."""
    if len(said) < VOICES:
        return dict.fromkeys(said, 0.0)
    share = max(_SHARE, 1 / len(said))
    most = _most(sorted(said.values()), share)
    return {person: min(1.0, most / weight) for person, weight in said.items()}


def _most(weights: Sequence[float], share: float) -> float:
    """Return the largest weight that a person may keep, so that it is at most this share of what
    all then have together. The `weights` are sorted."""
    for bounded in range(len(weights)):
        kept = weights[: len(weights) - bounded]
        rest = 1 - bounded * share
        most = share * sum(kept) / rest if rest > 1e-9 else kept[0]
        if kept[-1] <= most + 1e-12:
            return max(most, kept[-1])
    return weights[0]
