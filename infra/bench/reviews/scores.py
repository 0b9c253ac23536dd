"""The scores of a model: precision, recall, F1 and cost over what would be posted."""

from collections.abc import Sequence
from typing import NamedTuple

from infra.bench.reviews.cases import Case
from infra.bench.reviews.matching import Judge, matched
from shared.reviewing.finding import Finding


class Reviewed(NamedTuple):
    """A case, what would be posted about it, also without a second look, and why nothing could be,
    if so."""

    case: Case
    posted: tuple[Finding, ...] = ()
    unscored: tuple[Finding, ...] = ()
    failed: str = ""


class Scores(NamedTuple):
    """Counts over the cases that were reviewed. A second finding about one fault is neither `true`
    nor `false`. `cost` is in dollars, None when a price is unknown."""

    cases: int
    clean: int
    failed: int
    posted: int
    true: int
    false: int
    labels: int
    told: int
    by_rule: tuple[int, int]
    disturbed: int
    cost: float | None

    @property
    def precision(self) -> float | None:
        return _share(self.true, self.true + self.false)

    @property
    def recall(self) -> float | None:
        return _share(self.told, self.labels)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of both."""
        return _share(2 * self.true, 2 * self.true + self.false + self.labels - self.told)

    @property
    def per_case(self) -> float | None:
        return _share(self.posted, self.cases)

    @property
    def cost_per_case(self) -> float | None:
        return None if self.cost is None else _share(self.cost, self.cases)


def score(reviewed: Sequence[Reviewed], cost: float | None, same: Judge) -> Scores:
    """Count what the findings tell."""
    whole = [one for one in reviewed if not one.failed]
    pairs = [(one, matched(one.posted, one.case.labels, same)) for one in whole]
    labels = [label for one in whole for label in one.case.labels]
    seen = [one.case.labels[at] for one, tells in pairs for at in set[int]().union(*tells)]
    return Scores(
        cases=len(whole),
        clean=sum(not one.case.labels for one in whole),
        failed=len(reviewed) - len(whole),
        posted=sum(len(one.posted) for one in whole),
        true=len(seen),
        false=sum(not found for _, tells in pairs for found in tells),
        labels=len(labels),
        told=len(seen),
        by_rule=(_by_rule(seen), _by_rule(labels)),
        disturbed=sum(bool(one.posted) and not one.case.labels for one in whole),
        cost=cost,
    )


def _by_rule(labels: Sequence[object]) -> int:
    return sum(getattr(label, "seen_by", "") == "rule" for label in labels)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
