"""What became of the findings of a pull request: at the end of each thread, and, when it is merged,
whether the lines changed before, and whether a suggestion was taken over. The code tells, and not
the button by which it came there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, NamedTuple

from shared.actions.github.queries import ReadText
from shared.database import Row
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.events import Json
from shared.journal import Outcome
from shared.learning.findings import KeptFinding, State, places
from shared.learning.likeness import shape_of
from shared.learning.signals.desk import SignalsDesk
from shared.learning.signals.moments import moment_of
from shared.learning.signals.reactions import Reactions, Thumb
from shared.learning.signals.store import SQL, Caused, Kind, Signal
from shared.patterns import lazily

Became = Literal["committed", "changed_before_merge", "unchanged_before_merge", ""]

#: What a decision about a finding says of it.
_DECIDED: Mapping[State, Kind] = {
    "dismissed": "dismissed",
    "withdrawn": "corrected",
    "fixed": "resolved",
    "posted": "reopened",
}
#: Characters of a file that are compared.
_LONGEST = 1_000_000
_SUGGESTION = lazily(r"^(`{3,})suggestion\n(.*?)\n?^\1$", re.M | re.S)


class ToldFinding(NamedTuple):
    """A finding that a comment told; the effect that told it, and the lines that it suggested."""

    id: str
    path: str
    shape: str
    comment: int
    run: str
    effect: str
    suggestion: str


class PullSignals:
    """Notes what people make of findings. A flow with it `reads` what this asks for."""

    READS: ClassVar = (ReadText, *Reactions.READS)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event
        self._desk = SignalsDesk.lend(loan)
        self._reactions = Reactions(loan)

    def decided(
        self, findings: Sequence[KeptFinding], state: State, cause: str, words: str = ""
    ) -> None:
        """Note what somebody who may write decided about findings, and their `words` if they said
        why: the last word counts, and a thread that is opened again takes back what its end
        said."""
        self._desk.keep(
            *(
                self._desk.said(
                    _DECIDED[state],
                    Caused(run=one.run_id),
                    *("finding", one.id, one.run_id),
                    value=0.0 if state == "posted" else None,
                    cause=cause,
                    words=words,
                )
                for one in findings
                if one.run_id
            )
        )

    def thumbs(self, finding: KeptFinding) -> list[Thumb]:
        """Note the thumbs under the comment of a finding, and return them."""
        found = self._reactions.thumbs(finding.comment)
        caused, of = Caused(run=finding.run_id), f"comment {finding.comment}"
        self._reactions.take_back(finding.run_id, finding.comment, of)
        self._desk.keep(*self._reactions.signals(found, caused, of))
        return found

    def merged(self) -> None:
        """Note what became of the lines of each finding until the merge."""
        if self._event.payload["pull_request"].get("merged") is not True:
            return
        told = [*map(_told, self._run.step("told findings", {}, self._read))]
        texts: dict[str, str | None] = {}
        self._desk.keep(*self._of_merge(told, texts))

    def _of_merge(
        self, told: Sequence[ToldFinding], texts: dict[str, str | None]
    ) -> Iterator[Signal]:
        for one in told:
            about = {"finding": one.id}

            def work(one: ToldFinding = one) -> Outcome:
                if one.path not in texts:
                    texts[one.path] = self._text(one.path)
                return Outcome(became(one, texts[one.path]))

            kind: Became = self._run.step("before merge", about, work, defer=True)
            if kind:
                yield Signal(
                    ("merge", one.id, one.run),
                    Caused(one.effect, one.run),
                    kind,
                    moment_of(self._event),
                    self._event.actor.id,  # who merges may write
                    self._event.repository,
                )

    def _read(self) -> Outcome:
        issue = self._event.issue
        about = {"repository": issue.repository, "number": issue.number, "pull": issue.ref}
        [rows] = self._run.write([self._run.statement("told", about, SQL)])
        return Outcome(rows)

    def _text(self, path: str) -> str | None:
        """Return a file as it was merged; None for what is not there or no text."""
        head = self._event.need("pull_request", "head", "sha")
        query = ReadText(self._event.issue.repository, path, head, _LONGEST)
        try:
            return str(self._loan.read(query)["text"])
        except ActionRejected:
            return None


def became(told: ToldFinding, text: str | None) -> Became:
    """Say what became of a finding in the file as it was merged; '' when nobody can tell."""
    if text is None or not told.shape:
        return ""
    merged = f" {shape_of(text)} "
    is_left = f" {told.shape} " in merged
    suggested = shape_of(told.suggestion)
    is_taken = bool(suggested) and suggested != told.shape and f" {suggested} " in merged
    if is_taken and (not is_left or told.shape in suggested):
        return "committed"
    return "unchanged_before_merge" if is_left else "changed_before_merge"


def _told(row: Row) -> ToldFinding:
    """Read the suggestion out of the review that told the finding."""
    arguments: Json = row["arguments"] or {}
    made = ((row["receipt"] or {}).get("data") or {}).get("comments") or []
    comments = arguments.get("comments") or []
    known = (places(made, len(comments)) or {}).items()
    body = next((comments[place]["body"] for place, id_ in known if id_ == row["comment"]), "")
    found = _SUGGESTION.search(body)
    return ToldFinding(
        row["id"],
        row["path"],
        row["shape"],
        row["comment"],
        row["run_id"],
        row["effect"] or "",
        found[2] if found else "",
    )
