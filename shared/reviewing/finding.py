"""A finding as a model gives it. Nothing of it is believed before shared.reviewing.proof."""

from typing import Annotated, Literal

from shared.frozen import frozen
from shared.models.answers.typed import Between, at_most

Severity = Literal["critical", "high", "medium", "low"]
Category = Literal[
    "bug", "security", "data loss", "concurrency", "performance", "tests", "documentation", "style"
]
#: From the worst on.
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
#: Lines that a suggestion may replace, and have.
LONGEST = 30


@frozen
class Finding:
    """Something wrong in lines of a changed file, with numbers as at the head commit.

    `quote` repeats these lines exactly. `suggestion` replaces them; None for none, and an empty
    text deletes them.
    """

    path: str
    first: Annotated[int, Between(1, 10_000_000)]
    last: Annotated[int, Between(1, 10_000_000)]
    quote: Annotated[str, at_most(4_000)]
    severity: Severity
    category: Category
    confidence: Annotated[float, Between(0, 1)]
    claim: Annotated[str, at_most(600)]
    evidence: Annotated[str, at_most(1_200)]
    suggestion: Annotated[str, at_most(4_000)] | None = None


@frozen
class Findings:
    """The findings in a part of a change; none when it is fine."""

    findings: Annotated[tuple[Finding, ...], at_most(20)]


@frozen
class Improvement:
    """Lines of a changed file that are right and could be better, with numbers as at the head
    commit. `quote` repeats these lines exactly, and `suggestion` replaces them."""

    path: str
    first: Annotated[int, Between(1, 10_000_000)]
    last: Annotated[int, Between(1, 10_000_000)]
    quote: Annotated[str, at_most(4_000)]
    category: Literal["performance", "tests", "documentation", "style"]
    confidence: Annotated[float, Between(0, 1)]
    claim: Annotated[str, at_most(600)]
    suggestion: Annotated[str, at_most(4_000)]

    @property
    def finding(self) -> Finding:
        """The same as a finding of the least weight, so that it is proved, kept and dismissed
        likewise."""
        return Finding(**vars(self), severity="low", evidence="")


@frozen
class Improvements:
    """What could be better in a part of a change; none when it is good as it is."""

    improvements: Annotated[tuple[Improvement, ...], at_most(5)]


def badness(finding: Finding) -> tuple[int, float, str, int]:
    """Sort the worst first, and those that are most certain."""
    return (
        SEVERITIES.index(finding.severity), -finding.confidence, finding.path, finding.first
    )  # fmt: skip
