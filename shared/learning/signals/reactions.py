"""Reads the thumbs on GitHub under what the agent said, when a window closes: GitHub sends no event
for them. Only people who may write count."""

from collections.abc import Iterator, Sequence
from typing import ClassVar, Literal, NamedTuple

from shared.actions.asking import AskPermission
from shared.actions.authority import WRITERS
from shared.actions.github.queries import ReadReactions
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
        self._there: dict[int, list[tuple[Kind, str]]] = {}

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

    def take_back(self, effect: str, comment: int, of: str) -> None:
        """Let no thumb count that was read under the comment of this effect before, and is not
        there any more, whoever else is."""
        run, there = self._loan.run, self._there[comment]
        keys = [Signal((kind, of, id_), Caused(effect), kind, 0.0).key for kind, id_ in there]
        values = {"effect": effect, "keys": keys, "at": moment_of(self._event)}
        taken = Outcome(None, statements=[run.statement("take_back", values, SQL)])
        run.step("thumbs gone", {"effect": effect}, lambda: taken, defer=True)

    def thumbs(self, comment: int, at: Literal["lines", "conversation"] = "lines") -> list[Thumb]:
        """Return the thumbs of people who may write, the oldest first."""
        query = ReadReactions(self._event.issue.repository, comment, at)
        about = {"comment": comment}
        rows = self._loan.run.step("reactions", about, lambda: Outcome(self._read(query)))
        known = (row for row in rows if row["content"] in _THUMBS)
        self._there[comment] = [(_THUMBS[row["content"]], row["id"]) for row in known]
        return [
            Thumb(_THUMBS[row["content"]], row["login"], row["id"])
            for row in rows
            if row["content"] in _THUMBS and self._writes(row["login"], row["id"])
        ]

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
