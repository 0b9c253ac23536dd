"""Reads the thumbs on GitHub under what the agent said, when a window closes: GitHub sends no event
for them. Only people who may write count."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, NamedTuple

from shared.actions.asking import AskPermission
from shared.actions.authority import WRITERS
from shared.actions.github.queries import ReadReactions
from shared.database import Row
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.events import Json
from shared.journal import Outcome
from shared.learning.signals.moments import moment_of
from shared.learning.signals.store import SQL, Caused, Kind, Signal

#: People of whom a run asks whether they may write: strangers must not keep out those who may.
_PEOPLE = 100
_THUMBS: dict[str, Kind] = {"+1": "liked", "-1": "disliked"}


class Thumb(NamedTuple):
    """What one person made of a comment."""

    kind: Kind
    login: str
    id: str


class Reactions:
    """Reads for one run. Its flow `reads` what this asks for."""

    READS: ClassVar = (ReadReactions, AskPermission)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._event = loan.run.event
        self._known: dict[tuple[str, str], bool] = {}
        self._there: dict[int, list[Thumb]] = {}
        self._counted: dict[str, list[Row]] = {}

    def signals(self, thumbs: Sequence[Thumb], caused: Caused, of: str) -> Iterator[Signal]:
        """Yield what the thumbs say of the comment, of which `of` is the name."""
        for one in thumbs:
            yield Signal(
                (one.kind, of, one.id),
                caused,
                one.kind,
                moment_of(self._event),
                one.id,
                self._event.repository,
            )

    def take_back(self, run: str, comment: int, of: str) -> None:
        """Let no thumb count that was read before under this comment of a run, and is not there any
        more, whoever else is."""
        there = {(one.kind, one.id) for one in self._there[comment]}
        gone = [
            row["key"]
            for row in self._before(run)
            if row["key"] == _key(row["kind"], of, row["actor"])
            and (row["kind"], row["actor"]) not in there
        ]
        if gone:
            values = {"keys": sorted(gone), "at": moment_of(self._event)}
            taken = self._loan.run.statement("take_back", values, SQL)
            outcome = Outcome(None, statements=[taken])
            self._loan.run.step("thumbs gone", {"comment": comment}, lambda: outcome, defer=True)

    def _before(self, run: str) -> list[Row]:
        """Return the thumbs that count for a run, as they were when this one began."""
        if run not in self._counted:
            asked = self._loan.run.statement("thumbs_of", {"caused": run}, SQL)
            self._counted[run] = self._loan.run.step(
                "thumbs before",
                {"caused": run},
                lambda: Outcome(self._loan.run.write([asked])[0]),
            )
        return self._counted[run]

    def thumbs(self, comment: int, at: Literal["lines", "conversation"] = "lines") -> list[Thumb]:
        """Return the thumbs of people who may write, the oldest first; the last of each person."""
        query = ReadReactions(self._event.issue.repository, comment, at)
        about = {"comment": comment}
        rows = self._loan.run.step("reactions", about, lambda: Outcome(self._read(query)))
        last: dict[str, Thumb] = {}
        for row in rows:
            if kind := _THUMBS.get(row["content"]):
                last.pop(row["id"], None)
                last[row["id"]] = Thumb(kind, row["login"], row["id"])
        self._there[comment] = [*last.values()]
        return [one for one in last.values() if self._writes(one.login, one.id)]

    def _read(self, query: ReadReactions) -> Sequence[Json]:
        try:
            rows: Sequence[Json] = self._loan.read(query)
        except ActionRejected:
            return []  # the comment is gone
        return rows

    def _writes(self, login: str, account: str) -> bool:
        """May this person write? A login can be given up and taken by another; the id stays."""
        who = (login, account)
        if who not in self._known and len(self._known) < _PEOPLE:
            self._known[who] = self._asked(login, account)
        return self._known.get(who, False)

    def _asked(self, login: str, account: str) -> bool:
        query = AskPermission(self._event.issue.repository, login)

        def work() -> Outcome:
            try:
                found = self._loan.read(query)
                return Outcome(found["id"] == account and found["permission"] in WRITERS)
            except ActionRejected:
                return Outcome(False)

        return bool(self._loan.run.step("may write", {"login": login}, work))


def _key(kind: Kind, of: str, account: str) -> str:
    return Signal((kind, of, account), Caused(), kind, 0.0).key
