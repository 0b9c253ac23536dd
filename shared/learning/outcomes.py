"""The desk of outcomes: notes what people make of the findings that were posted.

Only people who may write count. A thread that is resolved while its lines stand as they were, a
comment that is deleted and a thumb down dismiss a finding; for words, see `replies`.
"""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Self

from shared.desk import Loan
from shared.events import Json
from shared.learning.findings import FindingStore, State
from shared.learning.signals.pulls import PullSignals


class OutcomesDesk:
    """Reads the event, and notes what it says about findings. A flow with it `reads` what the desk
    asks for."""

    READS: ClassVar = PullSignals.READS

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._event = loan.run.event
        self._store = FindingStore(loan.run, loan.run.event.issue)
        self._signals = PullSignals(loan)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the findings of the pull request."""
        return cls(loan)

    def note(self) -> int:
        """Note what the event says, and return how many findings it decides."""
        action = self._event.type.removeprefix("github.")
        if action == "pull_request.closed":
            refused = self._note_reactions()
            self._signals.merged()
            return refused
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
        self._signals.decided(found, state, reason)
        return len(found)

    def _note_reactions(self) -> int:
        """Ask for the reactions to all that is still open: GitHub sends no event for them."""
        refused = 0
        for finding in self._store.of_pull_request():
            thumbs = self._signals.thumbs(finding) if finding.comment else []
            by = next((one.login for one in thumbs if one.kind == "disliked"), "")
            if by:
                self._store.decide(finding.id, "dismissed", "thumb down", by)
            refused += bool(by)
        return refused


def _of_thread(action: str, comments: Sequence[Json]) -> tuple[State, str]:
    """Read what the end of a thread says. A comment without a position is outdated: its lines
    were changed."""
    if action.endswith(".unresolved"):
        return "posted", "reopened"
    if comments and comments[0].get("position") is None:
        return "fixed", "resolved after a change"
    return "dismissed", "resolved without a change"
