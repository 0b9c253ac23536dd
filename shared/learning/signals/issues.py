"""What became of what the agent did at an issue: of the labels that it set, and of the older issue
that it named. Read when somebody changes a label, and when a window closes: the issue is closed, or
a week has passed since it was opened."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

from shared.database import Row
from shared.desk import Loan
from shared.events import Json
from shared.journal import Outcome
from shared.learning.signals.desk import SignalsDesk
from shared.learning.signals.reactions import Reactions
from shared.learning.signals.store import SQL, Caused, Kind, Signal
from shared.perception import string

#: How long after an issue was opened its thumbs are read, if nobody closes it before.
WINDOW = timedelta(days=7)
#: The timer that brings its flow to read them.
WINDOW_TIMER = "timer.window"
#: What a label says that people add beside ours: less than one of ours that they take off.
_BESIDE = -0.5


class PastDeed(NamedTuple):
    """Something that was done at the issue; `decided` is what a model had answered before, as
    text."""

    key: str
    run_id: str
    flow: str
    tool: str
    arguments: Json
    receipt: Json | None
    decided: Any

    @property
    def labels(self) -> list[str]:
        return list(self.arguments.get("labels") or ())

    @property
    def duplicate_of(self) -> str:
        """The older issue that it named; '' for none, and where a model's answer was not told."""
        with suppress(ValueError, TypeError):
            named = string(json.loads(self.decided), "duplicate_of")
            return named if f"duplicate of {named}" in string(self.arguments, "body") else ""
        return ""


class IssueSignals:
    """Notes what the event says. A flow with it `reads` what this asks for."""

    READS: ClassVar = Reactions.READS

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event
        self._desk = SignalsDesk.lend(loan)
        self._reactions = Reactions(loan)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def note(self) -> None:
        """Note what a person did to the issue, or what its window shows."""
        action = self._event.type.rpartition(".")[2]
        if not self._deeds:
            return
        if action in {"closed", "window"}:
            self._desk.keep(*self._thumbs())
        match action:
            case "labeled" | "unlabeled":
                self._desk.note(*self._labelled(is_added=action == "labeled"))
            case "closed":
                self._desk.note(*self._left(), *self._ended())
            case "reopened":
                self._desk.note(*self._opened_again())

    @cached_property
    def _deeds(self) -> list[PastDeed]:
        """What was done at the issue, the newest first."""
        about = {"issue": self._event.issue.ref}

        def work() -> Outcome:
            return Outcome(self._run.write([self._run.statement("done_at", about, SQL)])[0])

        rows: list[Row] = self._run.step("done here", about, work)
        return [PastDeed(**row) for row in rows]

    def _by(self, tool: str) -> list[PastDeed]:
        return [one for one in self._deeds if one.tool == tool]

    def _labelled(self, *, is_added: bool) -> Iterator[Signal]:
        """Of ours one that is taken off, and one that is added beside ours; either may be taken
        back."""
        label = string(self._event.payload, "label", "name")
        ours = self._by("AddLabels")
        if not label or not ours:
            return
        setting = next((one for one in ours if label in one.labels), None)
        deed, is_ours = setting or ours[0], setting is not None
        value = (None if is_ours else _BESIDE) if is_added is not is_ours else 0.0
        yield self._said("relabelled", deed, "label", label, value=value)

    def _left(self) -> Iterator[Signal]:
        """The labels that still stand when the issue is closed."""
        now = {string(one, "name") for one in self._event.payload["issue"].get("labels") or ()}
        for deed in self._by("AddLabels"):
            if deed.labels and now.issuperset(deed.labels):
                yield self._said("accepted", deed, "labels", value=0.5)

    def _ended(self) -> Iterator[Signal]:
        """Was it closed as a duplicate, and did we say so?"""
        why = string(self._event.payload, "issue", "state_reason")
        for deed in self._by("Comment")[:1]:
            if deed.duplicate_of and why in {"duplicate", "completed"}:
                is_one = why == "duplicate"
                yield self._said(
                    "closed_as_duplicate" if is_one else "not_duplicate", deed, "duplicate"
                )
            elif why == "duplicate" and deed.decided is not None:
                yield self._said("corrected", deed, "duplicate", value=-0.5, cause="a duplicate")

    def _opened_again(self) -> Iterator[Signal]:
        """Takes back why it was closed; an issue that we closed should not have been."""
        for deed in self._by("CloseIssue")[:1]:
            yield self._said("reopened", deed, "closed")
        for deed in self._by("Comment")[:1]:
            yield self._said("reopened", deed, "duplicate", value=0.0)

    def _thumbs(self) -> Iterator[Signal]:
        """The thumbs under each of our comments, which several runs may have written: the newest
        counts."""
        deeds: dict[str, list[PastDeed]] = {}
        for deed in self._by("Comment"):
            comment = str((deed.receipt or {}).get("id") or "")
            if comment.isdecimal():
                deeds.setdefault(comment, []).append(deed)
        for comment, some in deeds.items():
            thumbs = self._reactions.thumbs(int(comment), "conversation")
            of = f"comment {comment}"
            for run in dict.fromkeys(deed.run_id for deed in some):
                self._reactions.take_back(run, int(comment), of)
            yield from self._reactions.signals(thumbs, _caused(some[0]), of)

    def _said(
        self,
        kind: Kind,
        deed: PastDeed,
        *of: str,
        value: float | None = None,
        cause: str = "",
    ) -> Signal:
        return self._desk.said(kind, _caused(deed), deed.key, *of, value=value, cause=cause)


def _caused(deed: PastDeed) -> Caused:
    return Caused(deed.key, deed.run_id)
