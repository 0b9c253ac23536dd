"""The desk of reviews: the change to review, and which findings about it hold."""

import re
from collections.abc import Iterable
from functools import cache, cached_property
from itertools import chain
from typing import Any, NamedTuple, Self

from shared.actions.github.pulls.diff import FileDiff, file_diffs
from shared.actions.github.queries import ListFiles, ReadChange, ReadText
from shared.agent.context import Code
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.events import Issue, Json
from shared.journal import Outcome
from shared.perception.commands import command_of
from shared.reviewing.certain import found_without_model
from shared.reviewing.finding import SEVERITIES, Finding
from shared.reviewing.fitting import packed
from shared.reviewing.head import Head, HeadFile
from shared.reviewing.proof import Fault, Proof
from shared.reviewing.skipping import reason_to_skip

#: Characters of a file; a larger one is not read, so nothing about it can be proved.
_LONGEST = 1_000_000
_UNFINISHED = re.compile(r"^\W*(?:wip|draft|do not (?:review|merge))\b", re.IGNORECASE)


class Change(NamedTuple):
    """What a pull request changes. Without `parts` there is nothing to review, and `why_not` says
    why if it is known. `skipped` has the reason for each file that is not reviewed."""

    issue: Issue
    head: str
    about: Code
    parts: tuple[Code, ...]
    skipped: dict[str, str]
    why_not: str = ""


class Refused(NamedTuple):
    """A finding that does not hold, and why."""

    finding: Finding
    faults: tuple[Fault, ...]


class ProvedFindings(NamedTuple):
    """The findings that hold, the worst first, and the others."""

    proved: tuple[Finding, ...]
    refused: tuple[Refused, ...]


class ReviewDesk:
    """Reviews the pull request of the event."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._issue = loan.run.event.issue

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the pull request."""
        return cls(loan)

    def change(self) -> Change:
        """Return what there is to review at the head commit. Who asks for a review by a command
        gets it for a draft, too."""
        head = self._pull["head"]["sha"]
        about = Code("pull request", f"{self._pull['title']}\n\n{self._pull['body'] or ''}")
        why_not = self._why_not()
        if why_not:
            return Change(self._issue, head, about, (), {}, why_not)
        skipped = {file.path: reason_to_skip(file) for file in self._files}
        fitted = packed([file for file in self._files if not skipped[file.path]])
        skipped |= dict.fromkeys(fitted.left_out, "too large a change")
        left = {path: reason for path, reason in skipped.items() if reason}
        return Change(self._issue, head, about, fitted.parts, left)

    def prove(self, findings: Iterable[Finding]) -> ProvedFindings:
        """Prove each finding, and those that need no model. What says the same of the same lines
        counts once."""
        proved: dict[tuple[str, int, str], Finding] = {}
        refused = []
        for finding in chain(self._certain, findings):
            found = self._proof.prove(finding)
            if isinstance(found, Finding):
                proved.setdefault((found.path, found.last, found.category), found)
            else:
                refused.append(Refused(finding, tuple(found)))
        worst_first = sorted(proved.values(), key=_badness)
        return ProvedFindings(tuple(worst_first), tuple(refused))

    def _why_not(self) -> str:
        event = self._loan.run.event
        if self._pull["state"] != "open":
            return "it is closed"
        if self._has_moved():
            return "a newer push is reviewed in its place"
        if command_of(event.type):
            return ""
        if self._pull["draft"]:
            return "it is a draft"
        if _UNFINISHED.search(self._pull["title"]):
            return "its title says that it is not ready"
        if (self._pull["user"] or {}).get("type") == "Bot":
            return "a bot opened it"
        return ""

    def _has_moved(self) -> bool:
        """Was there a push since an earlier attempt of this run read the head?"""
        head: str = self._pull["head"]["sha"]
        return bool(self._loan.run.step("head", {}, lambda: Outcome(head)) != head)

    @cached_property
    def _read(self) -> Json:
        found: Json = self._loan.read(ReadChange(self._issue.repository, self._issue.number))
        return found

    @property
    def _pull(self) -> Any:
        return self._read["pull"]

    @cached_property
    def _files(self) -> tuple[FileDiff, ...]:
        return file_diffs(self._read["files"])

    @cached_property
    def _certain(self) -> list[Finding]:
        reviewed = [file for file in self._files if not reason_to_skip(file)]
        return [finding for file in reviewed for finding in found_without_model(file)]

    @cached_property
    def _proof(self) -> Proof:
        return Proof(self._files, Head(self._paths, cache(self._text)))

    def _paths(self) -> list[str]:
        query = ListFiles(self._issue.repository, self._pull["head"]["sha"])
        return [row["path"] for row in self._loan.read(query)]

    def _text(self, path: str) -> HeadFile | None:
        query = ReadText(self._issue.repository, path, self._pull["head"]["sha"], _LONGEST)
        try:
            found = self._loan.read(query)
        except ActionRejected:
            return None  # a folder, a submodule, not text, too large
        return HeadFile(path, found["text"]) if found["complete"] else None


def _badness(finding: Finding) -> tuple[int, float, str, int]:
    return (
        SEVERITIES.index(finding.severity), -finding.confidence, finding.path, finding.first
    )  # fmt: skip
