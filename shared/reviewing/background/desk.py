"""The desk of a change's background: what stands beside the change, in a few bounded texts for the
model. All of it is data: what the team writes for those who change its code, the issues that are
linked, what people made of earlier findings in these files, and checks that fail."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar, Self

from shared.actions.github.queries import ReadChecks, ReadIssue, ReadTexts
from shared.agent.context import Code
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.events import Json
from shared.journal import Outcome
from shared.learning.findings import FindingStore, KeptFinding
from shared.patterns import lazily
from shared.redaction.redacting import without_secrets
from shared.reviewing.background.guidance import guidance, wanted_texts
from shared.reviewing.change import Change

#: https://docs.github.com/en/issues/tracking-your-work-with-issues/using-issues/linking-a-pull-request-to-an-issue
_LINKED = lazily(
    r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):? +"
    r"(?P<where>[\w.-]+/[\w.-]+)?#(?P<number>[1-9]\d{0,8})\b",
    re.IGNORECASE,
)
#: Issues that are read, and characters of each; earlier findings; annotations of a check.
_ISSUES, _SAID, _EARLIER, _NOTES = 3, 2_000, 20, 5
#: Files in which earlier findings are looked for, and characters of a line here.
_FILES, _LINE = 200, 300
#: What people made of a finding, as a model is told it.
_OUTCOMES = {"dismissed": "dismissed", "withdrawn": "withdrawn, as wrong", "fixed": "accepted"}


class Background:
    """What stands beside the change of the event's pull request. A flow with it `reads` what the
    desk asks for."""

    READS: ClassVar = (ReadTexts, ReadIssue, ReadChecks)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._issue = loan.run.event.issue

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the background."""
        return cls(loan)

    def of(self, change: Change) -> tuple[Callable[[], tuple[Code, ...]], ...]:
        """Return functions, which may be called at once, of which each returns something that
        stands beside a change, with its origin. A retry sees the same. What GitHub refuses is left
        out."""
        paths = [file.path for file in change.files]
        kinds: Mapping[str, Callable[[], Iterable[Code]]] = {
            "guidance": lambda: self._guidance(paths),
            "linked": lambda: self._linked(change.about[0].text),
            "earlier": lambda: self._earlier(paths),
            "failing": lambda: self._failing(change.head),
        }
        asked = {"head": change.head, "files": len(paths)}
        return tuple(partial(self._read_once, asked | {"of": kind}, kinds[kind]) for kind in kinds)

    def _read_once(self, asked: Json, read: Callable[[], Iterable[Code]]) -> tuple[Code, ...]:
        def work() -> Outcome:
            return Outcome([[one.name, without_secrets(one.text)] for one in read()])

        rows = self._loan.run.step("background", asked, work, defer=True)
        return tuple(Code(*row) for row in rows)

    def _guidance(self, paths: Sequence[str]) -> Iterable[Code]:
        query = ReadTexts(self._issue.repository, wanted_texts(paths))
        return guidance(self._read(query) or {}, paths)

    def _linked(self, text: str) -> Iterator[Code]:
        """Read the issues that the pull request says it closes, in its own repository."""
        here = self._issue.repository.lower()
        named = (
            int(one["number"])
            for one in _LINKED.finditer(text)
            if (one["where"] or here).lower() == here
        )
        for number in [*dict.fromkeys(named)][:_ISSUES]:
            if found := self._read(ReadIssue(self._issue.repository, number, comments=0)):
                name = f"issue #{number}, which it closes, by {found['author']}"
                yield Code(name, f"{found['title']}\n\n{found['text'][:_SAID]}")

    def _earlier(self, paths: Sequence[str]) -> Iterator[Code]:
        store = FindingStore(self._loan.run, self._issue)
        rows = [_told(one) for one in store.decided(paths[:_FILES], _EARLIER)]
        if rows:
            yield Code(
                "earlier findings in these files, and what people made of them", "\n".join(rows)
            )

    def _failing(self, head: str) -> Iterator[Code]:
        query = ReadChecks(self._issue.repository, self._issue.number, 3, _NOTES, head)
        if found := self._read(query):
            for check in found["failed"]:
                yield Code(f"failing check {check['name']}", "\n".join(_shown(check)))

    def _read(self, query: Any) -> Any:
        with suppress(ActionRejected):
            return self._loan.read(query)
        return None


def _told(finding: KeptFinding) -> str:
    claim = " ".join(finding.claim.split())[:_LINE]
    return f"{_OUTCOMES[finding.state]}: {finding.path}: {claim}"


def _shown(check: Json) -> Iterator[str]:
    """Say in a few lines what a check says."""
    yield f"It ended as {check['ended']}."
    yield from check["text"][:_LINE].splitlines()[:3]
    for row in check["annotations"][:_NOTES]:
        said = " ".join(f"{row['title'] or ''} {row['message']}".split())[:_LINE]
        yield f"{row['path']}:{row['start_line']}: {said}"
