"""The desk of failing checks: what they say, bounded and without secrets, and which explanations of
them hold."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, ClassVar, Self

from shared.actions.github.queries import ReadChecks, ReadJobLog, ReadText
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.events import Json
from shared.journal import Outcome
from shared.models.visible_characters import visible_characters
from shared.redaction.redacting import without_secrets
from shared.reviewing.explaining.explanation import (
    EXPLAINED,
    Explanation,
    FalseExplanation,
    RedCheck,
    RedHead,
    faults_of,
)
from shared.reviewing.explaining.logs import excerpt, plain_lines

#: Bytes of a log that are read from its end, characters of it that are shown, and of what a check
#: says of itself; annotations of a check, and characters of one.
_LOG, _SHOWN, _SAID, _NOTES, _NOTE = 1_000_000, 6_000, 2_000, 10, 500
#: Characters of a file in which a line is looked for.
_LONGEST = 1_000_000
_DENIED = 403


class RedChecks:
    """The failing checks of the event's pull request. A flow with it `reads` what the desk asks
    for."""

    READS: ClassVar = (ReadChecks, ReadJobLog, ReadText)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._issue = loan.run.event.issue

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the checks."""
        return cls(loan)

    def head(self) -> RedHead:
        """Return what fails at the head commit. A retry sees the same."""
        found = self._loan.run.step("red checks", {}, lambda: Outcome(self._read()), defer=True)
        return RedHead(**found | {"checks": tuple(RedCheck(**row) for row in found["checks"])})

    def prove(
        self, head: RedHead, explanations: Iterable[Explanation]
    ) -> tuple[dict[int, Explanation], list[FalseExplanation]]:
        """Return the explanations that hold, by the numbers of their checks, and the others."""
        return faults_of(explanations, head.checks)

    def address(self, head: RedHead, path: str, line: int | None) -> str:
        """Return the address of a line at the head commit; '' when there is no such line. A log
        names files by where they lay on its machine."""
        name = self._issue.repository.partition("/")[2]
        inside = path.replace("\\", "/").partition(f"/{name}/{name}/")[2] or path
        about = {"path": inside, "line": line or 0, "commit": head.commit}

        def work() -> Outcome:
            return Outcome(self._address(inside, line or 0, head.commit))

        return str(self._loan.run.step("address", about, work))

    def _address(self, path: str, line: int, commit: str) -> str:
        query = ReadText(self._issue.repository, path.removeprefix("./"), commit, _LONGEST)
        try:
            found = self._loan.read(query)
        except ActionRejected:
            return ""
        is_there = line <= found["text"].count("\n") + 1
        return f"{found['url']}#L{line}" if line and is_there else "" if line else found["url"]

    def _read(self) -> Json:
        payload = self._loan.run.event.payload.get("issue")
        if isinstance(payload, dict) and not payload.get("pull_request"):
            return _nothing("this is an issue, no pull request")
        try:
            found = self._loan.read(ReadChecks(self._issue.repository, self._issue.number))
        except ActionRejected as err:
            if err.status != _DENIED:
                raise
            return _nothing("the App may not read checks; it needs Checks: read")
        rows = enumerate(found["failed"][:EXPLAINED], 1)
        checks = [self._shown(number, row)._asdict() for number, row in rows]
        counts = {name: found[name] for name in ("commit", "red", "waiting", "passed")}
        return {**counts, "checks": checks, "why_not": ""}

    def _shown(self, number: int, row: Json) -> RedCheck:
        text = without_secrets(visible_characters("\n".join(self._lines(row))))
        return RedCheck(number, visible_characters(row["name"]), row["ended"], _page(row), text)

    def _lines(self, row: Json) -> Iterator[str]:
        """Yield what a check says: of itself, in annotations, and in its log."""
        if row["text"]:
            yield excerpt(plain_lines(row["text"]), _SAID)
        for note in row["annotations"][:_NOTES]:
            title = f"{note['title']}: " if note["title"] else ""
            yield f"{note['path']}:{note['start_line']}: {title}{note['message']}"[:_NOTE]
            yield from (note["raw_details"] or "")[:_NOTE].splitlines()
        log = self._log(row["job"])
        if log:
            yield excerpt(plain_lines(log), _SHOWN)

    def _log(self, job: int) -> str:
        """Return the end of a job's log; '' where there is none, or the App may not read it."""
        query: Any = ReadJobLog(self._issue.repository, job, _LOG)
        with suppress(ActionRejected):
            return str(self._loan.read(query)["text"]) if job else ""
        return ""


def _page(row: Json) -> str:
    """Return the page of a check on GitHub; what others link to is not repeated."""
    return str(row["url"]) if row["by"] else ""


def _nothing(why: str) -> Json:
    return {"commit": "", "checks": [], "red": 0, "waiting": 0, "passed": 0, "why_not": why}
