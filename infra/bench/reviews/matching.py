"""Tells which finding tells which known fault."""

from collections.abc import Callable, Sequence

from infra.bench.reviews.cases import Label
from shared.learning.dismissed import says_same
from shared.reviewing.finding import Finding

#: Lines by which a finding may miss a fault: people and models quote a line more or less.
NEAR = 2

#: Do a claim and the label's say the same?
Judge = Callable[[str, str], bool]


def matched(findings: Sequence[Finding], labels: Sequence[Label], same: Judge) -> list[set[int]]:
    """Return for each finding the numbers of the labels that it tells."""
    return [
        {at for at, label in enumerate(labels) if is_told(finding, label, same)}
        for finding in findings
    ]


def is_told(finding: Finding, label: Label, same: Judge = says_same) -> bool:
    """Does the finding tell this fault: in its file, on its lines or at most two beside them, and
    of its category or in words that say the same? A label without a place asks for the words."""
    if label.path and not _is_near(finding, label):
        return False
    is_placed = bool(label.path and label.category)
    return (is_placed and finding.category == label.category) or same(finding.claim, label.claim)


def _is_near(finding: Finding, label: Label) -> bool:
    return (
        finding.path == label.path
        and finding.first <= label.last + NEAR
        and label.first <= finding.last + NEAR
    )
