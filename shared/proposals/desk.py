"""The desk that proposes: it keeps exactly what a person is asked about."""

from typing import Self

from shared.actions.slack.actions import Card
from shared.canonical import canonical, digest
from shared.database import queries
from shared.desk import Loan
from shared.errors import EventError, NotPermitted, RequestUnclear
from shared.events import Thread
from shared.journal import Outcome, keeping
from shared.perception.writers import in_thread
from shared.proposals.proposal import MOST, Proposal, Proposed
from shared.redaction.redacting import without_secrets

SQL = queries(__file__, "store.sql")

#: Seconds that a person has to answer.
LIFE = 86_400.0
#: What one run may propose.
MOST_AT_ONCE = 3
#: Begins what a model is told of a tool that proposes: a retry finds it in what the run was shown.
KEPT = "Kept, and nothing is done yet."


class Proposals:
    """Proposes for the person who caused the run."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        #: Puts people's names in place of their ids.
        self.named = loan.named

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def propose(self, payload: Proposed, thread: Thread | None = None) -> None:
        """Keep what is proposed, so that `cards` shows it. With a `thread` it is answered there,
        when the event itself is in none.

        Raises RequestUnclear for texts that no message shows whole, NotPermitted for a person on
        whose word nothing outside of the conversation may be done.
        """
        check_may(self._loan, payload)
        payload = payload._replace(arguments=without_secrets(payload.arguments))
        if len(canonical(payload.arguments)) > MOST:
            raise RequestUnclear(f"That is too long: people must see all of it, {MOST} characters.")
        event = in_thread(self._run.event, thread) if thread else self._run.event
        about = {
            "event": event.id,
            "proposal": digest([self._run.id, payload._asdict()])[:12],
            "digest": payload.digest,
            "payload": canonical(payload._asdict()),
            "seconds": LIFE,
        }
        kept = [keeping(event)] if thread else []
        kept.append(self._run.statement("propose", about, SQL))
        self._run.step("propose", about, lambda: Outcome(None, statements=kept))

    def approved(self, id_: str) -> Proposal:
        """Return a proposal that a person said yes to; raises EventError for any other."""

        def work() -> Outcome:
            return Outcome(self._run.write([self._run.statement("approved", about, SQL)])[0])

        about = {"proposal": id_}
        rows = self._run.step("approved", about, work)
        if not rows:
            raise EventError(f"nobody approved a proposal {id_}; ask again")
        return Proposal.of_row(rows[0])

    @property
    def has_some(self) -> bool:
        """Did a model propose something in this run? It costs no round trip."""
        shown = self._run.inputs
        return any(isinstance(one, str) and one.startswith(KEPT) for one in shown)

    def cards(self, thread: Thread) -> list[Card]:
        """Return the messages that ask about what this run proposed."""

        def work() -> Outcome:
            return Outcome(self._run.write([self._run.statement("made", {}, SQL)])[0])

        rows = self._run.step("proposed", {}, work)
        if not rows:
            return []
        from shared.proposals.messages import asking  # which most conversations do without

        return [asking(Proposal.of_row(row), thread) for row in rows[:MOST_AT_ONCE]]


def check_may(loan: Loan, payload: Proposed) -> None:
    """Raise NotPermitted for a person on whose word this may not be done: on GitHub their own
    account's rights to the repository count, where they proved one."""
    if not loan.may_write(payload.repository):
        raise NotPermitted("that needs write permission; somebody who has it must ask")
