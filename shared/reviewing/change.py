"""A change under review, and what becomes of the findings about it."""

from collections.abc import Iterable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import NamedTuple, Self

from shared.actions import Receipt
from shared.actions.github.pulls.diff import FileDiff
from shared.agent.context import Code
from shared.events import Issue
from shared.learning.findings import KeptFinding, PastRound, places
from shared.reviewing.finding import Finding
from shared.reviewing.fitting.room import Room
from shared.reviewing.proof import Fault


class Change(NamedTuple):
    """What a pull request changes. Without `parts` there is nothing to review, and `why_not` says
    why if it is known. `skipped` has the reason for each file that is not reviewed; `reviewable`
    ones may be. After a review of the commit `since`, only what changed from there on."""

    issue: Issue
    head: str
    base: str
    about: tuple[Code, ...]
    parts: tuple[Code, ...] = ()
    skipped: Mapping[str, str] = MappingProxyType({})
    why_not: str = ""
    since: str = ""
    files: tuple[FileDiff, ...] = ()
    reviewable: tuple[FileDiff, ...] = ()
    room: Room = Room()

    def parts_of(self, paths: Iterable[str]) -> tuple[Code, ...]:
        """Return the first parts that show one of these files."""
        heads = tuple({f"=== {path} (" for path in paths})
        shown = (part for part in self.parts if any(head in part.text for head in heads))
        return tuple(islice(shown, self.room.again))


class Refused(NamedTuple):
    """A finding that does not hold, and why."""

    finding: Finding
    faults: tuple[Fault, ...]


class ProvedFindings(NamedTuple):
    """The findings that hold, the worst first, and the others. Those that needed no model are
    `certain`; a second look makes some `weak`, and counts those that it `dropped`."""

    proved: tuple[Finding, ...]
    refused: tuple[Refused, ...]
    certain: frozenset[Finding] = frozenset()
    weak: tuple[Finding, ...] = ()
    dropped: int = 0


class Selection(NamedTuple):
    """The findings to post, those that only the summary tells, and both as the store keeps them.
    `earlier` ones were told before, and are still open; so many were `dropped`."""

    posted: tuple[Finding, ...]
    held: tuple[Finding, ...]
    kept: tuple[KeptFinding, ...]
    earlier: tuple[KeptFinding, ...] = ()
    dropped: int = 0
    rounds: tuple[PastRound, ...] = ()

    def as_submitted(self, receipt: Receipt) -> Self:
        """Return it with the comments that the review made: GitHub may have refused the lines of
        some, which only the summary tells then."""
        if "comments" not in (receipt.data or {}):
            return self  # as of a preview
        count = len(self.posted)
        made = places((receipt.data or {})["comments"], count)
        refused = [n for n in range(count) if made is not None and n not in made]
        kept = [one._replace(comment=(made or {}).get(n, 0)) for n, one in enumerate(self.kept)]
        posted = [n for n in range(count) if n not in refused]
        held = [kept[n]._replace(state="held") for n in refused]
        return self._replace(
            posted=tuple(self.posted[n] for n in posted),
            held=(*(self.posted[n] for n in refused), *self.held),
            kept=(*(kept[n] for n in posted), *held, *kept[count:]),
        )
