"""The desk of outcomes: notes what people make of the findings that were posted.

Only people who may write count. A thread that is resolved while its lines stand as they were, a
comment that is deleted and a thumb down dismiss a finding; for words, see `replies`.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from shared.actions.asking import AskPermission
from shared.actions.authority import WRITERS
from shared.actions.github.queries import ReadReactions
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.events import Json
from shared.journal import Outcome
from shared.learning.findings import FindingStore, KeptFinding, State


class OutcomesDesk:
    """Reads the event, and notes what it says about findings. A flow with it `reads` what the desk
    asks for."""

    READS: ClassVar = (ReadReactions, AskPermission)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._event = loan.run.event
        self._store = FindingStore(loan.run, loan.run.event.issue)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the findings of the pull request."""
        return cls(loan)

    def note(self) -> int:
        """Note what the event says, and return how many findings it decides."""
        action = self._event.type.removeprefix("github.")
        if action == "pull_request.closed":
            return self._note_reactions()
        payload = self._event.payload
        if action.startswith("pull_request_review_thread."):
            comments = payload["thread"]["comments"]
            return self._decide(comments, *_of_thread(action, comments))
        return self._decide([payload["comment"]], "dismissed", "its comment was deleted")

    def _decide(self, comments: Iterable[Json], state: State, reason: str) -> int:
        found = self._store.of_comments([int(comment["id"]) for comment in comments])
        if not found or not self._loan.may_write():
            return 0
        for finding in found:
            self._store.decide(finding.id, state, reason, self._event.actor.name)
        return len(found)

    def _note_reactions(self) -> int:
        """Ask for the reactions to all that is still open: GitHub sends no event for them."""
        found = [one for one in self._store.of_pull_request() if one.comment]
        refused = [(finding, by) for finding in found if (by := self._who_refused(finding))]
        for finding, by in refused:
            self._store.decide(finding.id, "dismissed", "thumb down", by)
        return len(refused)

    def _who_refused(self, finding: KeptFinding) -> str:
        """Return the first person who may write and does not like it; empty for nobody."""
        query = ReadReactions(self._event.issue.repository, finding.comment)
        about = {"comment": finding.comment}
        rows = self._loan.run.step("reactions", about, lambda: Outcome(self._reactions(query)))
        down = [row for row in rows if row["content"] == "-1"]
        return next((row["login"] for row in down if self._writes(row["login"], row["id"])), "")

    def _reactions(self, query: ReadReactions) -> Sequence[Json]:
        try:
            rows: Sequence[Json] = self._loan.read(query)
        except ActionRejected:
            return []  # the comment is gone
        return rows

    def _writes(self, login: str, account: str) -> bool:
        """May this person write? A login can be given up and taken by another; the id stays."""
        query = AskPermission(self._event.issue.repository, login)

        def work() -> Outcome:
            try:
                found = self._loan.read(query)
                return Outcome(found["id"] == account and found["permission"] in WRITERS)
            except ActionRejected:
                return Outcome(False)

        return bool(self._loan.run.step("may write", {"login": login}, work))


def _of_thread(action: str, comments: Sequence[Json]) -> tuple[State, str]:
    """Read what the end of a thread says. A comment without a position is outdated: its lines
    were changed."""
    if action.endswith(".unresolved"):
        return "posted", "reopened"
    if comments and comments[0].get("position") is None:
        return "fixed", "resolved after a change"
    return "dismissed", "resolved without a change"
