"""Judges a change by the shadows of many recorded runs: promote, reject, or not enough to tell."""

from collections.abc import Sequence
from statistics import median, quantiles
from typing import Literal, NamedTuple

from infra.bench.comparison import Interval, mcnemar, wilson
from shared.runtime.shadow.difference import Difference

Decision = Literal["promote", "reject", "inconclusive"]
#: Below this probability the pairs differ more than chance lets them.
_RISK = 0.05


class Limits(NamedTuple):
    """What a change may do: act otherwise in this share of the runs, and cost so many times what
    the recorded steps cost."""

    changed: float = 0.1
    cost: float = 1.1


class Verdict(NamedTuple):
    """How the runs fared with a change.

    `changed` counts those that act otherwise, with the 95 % interval of their share (Wilson).
    `only_before` and `only_after` count those that ended well only so; `p` is the exact probability
    of such pairs by chance (McNemar). Costs are US dollars, seconds are of the steps that were done
    anew: median and 95th percentile.
    """

    decision: Decision
    why: str
    runs: int
    changed: int
    share: Interval
    only_before: int
    only_after: int
    p: float
    cost: tuple[float | None, float | None]
    median_seconds: tuple[float, float]
    p95_seconds: tuple[float, float]


def judge(differences: Sequence[Difference], limits: Limits, *, whole: bool) -> Verdict:
    """Judge a change by its runs. Unless `whole`, some of the wanted runs have no shadow, and
    nothing is promoted."""
    runs, changed = len(differences), sum(one.acts_otherwise for one in differences)
    share = wilson(changed, runs)
    ends = [(one.state[0] == "done", one.state[1] == "done") for one in differences]
    only_before, only_after = ends.count((True, False)), ends.count((False, True))
    p = mcnemar(only_before, only_after)
    cost = _sum([one.cost[0] for one in differences]), _sum([one.cost[1] for one in differences])
    failed = only_before > only_after and p < _RISK
    decision, why = _decide(share, failed, only_before, cost, limits, whole=whole)
    before, after = [[one.seconds[at] for one in differences] for at in (0, 1)]
    return Verdict(
        decision,
        why,
        runs,
        changed,
        share,
        only_before,
        only_after,
        p,
        cost,
        (_median(before), _median(after)),
        (_p95(before), _p95(after)),
    )


def _decide(
    share: Interval,
    failed: bool,
    only_before: int,
    cost: tuple[float | None, float | None],
    limits: Limits,
    *,
    whole: bool,
) -> tuple[Decision, str]:
    before, after = cost
    if failed:
        return "reject", "it fails in runs that ended well"
    if share.low > limits.changed:
        return "reject", f"surely more than {limits.changed:.0%} of the runs act otherwise"
    if before is not None and after is not None and after > before * limits.cost + 1e-9:
        return "reject", f"it costs more than {limits.cost:g} times as much"
    if not whole:
        return "inconclusive", "not every wanted run has a shadow"
    if only_before:
        return "inconclusive", f"it fails in {only_before} of the runs that ended well"
    if before is None or after is None:
        return "inconclusive", "the price of a model is unknown; MODEL_PRICES can name it"
    if share.high > limits.changed:
        return "inconclusive", f"perhaps more than {limits.changed:.0%} of the runs act otherwise"
    return "promote", "it acts as before, ends as well, and costs no more than allowed"


def _sum(values: Sequence[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return sum(known) if len(known) == len(values) else None


def _median(values: Sequence[float]) -> float:
    return median(values) if values else 0.0


def _p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else _median(values)
