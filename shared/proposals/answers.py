"""The desk that takes a person's answer to a proposal: once, in time, and only to exactly what they
were shown."""

from typing import NamedTuple, Self

from shared.desk import Loan
from shared.errors import TurnedOff
from shared.events import Json
from shared.journal import Outcome
from shared.learning.signals.desk import DECIDED, SignalsDesk
from shared.learning.signals.store import Caused
from shared.planning.states.answering import check_differs, question_for
from shared.planning.store import SQL as PLANS
from shared.proposals.desk import SQL, check_may
from shared.proposals.messages import ProposalClick, closed, proposal_click
from shared.proposals.proposal import Proposal
from shared.settings import Settings


class Decided(NamedTuple):
    """An answer: the proposal as it now stands, whether it was this run that decided, and what to
    tell the person if not."""

    proposal: Proposal | None
    counts: bool
    told: str = ""


class ProposalAnswers:
    """Answers the proposals of a conversation as the person who caused the run."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def answer(self, *, is_yes: bool, of: str) -> Decided | None:
        """Answer the only open question of the conversation, or the one that `of` names by the
        first characters of its digest. None when no proposal is meant; a plan's question may be.

        Raises NotPermitted for a person who may not write, and AnswerRefused as plans do.
        """
        about = {"conversation": self._run.event.conversation, "named": ""}

        def work() -> Outcome:
            asked = [
                self._run.statement(*one) for one in (("open", about, SQL), ("asked", about, PLANS))
            ]
            ours, of_plans = self._run.write(asked)
            return Outcome([ours, of_plans if ours else []])

        ours, of_plans = self._run.step("open", about, work)
        question = question_for(self._run.event, [*ours, *of_plans], of, "") if ours else None
        if question is None or question not in ours:
            return None
        return self._decide(ProposalClick(is_yes, question["plan_id"], question["digest"]))

    def click(self, value: str) -> Decided | None:
        """Take the press of a proposal's button; None for a button of others. Raises as
        `answer`."""
        clicked = proposal_click(value)
        return self._decide(clicked) if clicked else None

    def _decide(self, answer: ProposalClick) -> Decided:
        """Decide what is open. Whose run it then names carries it out, after a crash too."""
        asked = self._standing(answer)
        if asked is None:
            return Decided(None, False, closed(None))
        check_may(self._loan, asked.payload)
        if answer.is_yes:
            self._check_yes(asked)
        state, event = "approved" if answer.is_yes else "rejected", self._run.event
        key: Json = {"proposal": answer.id, "digest": answer.digest}
        about = key | {"state": state, "by": event.actor.name, "conversation": event.conversation}

        def work() -> Outcome:
            deciding = [self._run.statement(name, about, SQL) for name in ("decide", "standing")]
            return Outcome(self._run.write(deciding)[1])

        found = [
            Proposal.of_row(row) for row in self._run.step("decide", key | {"state": state}, work)
        ]
        proposal = found[0] if found and found[0].payload.digest == answer.digest else None
        counts = proposal is not None and proposal.decided_in == self._run.id
        if counts:
            signals, caused = SignalsDesk.lend(self._loan), Caused(proposal=answer.id)
            signals.note(signals.said(DECIDED[state], caused, "proposal", answer.id, cause=state))
        return Decided(proposal, counts, "" if counts else closed(proposal))

    def _standing(self, answer: ProposalClick) -> Proposal | None:
        """Return the proposal of the conversation that is answered, as it stands."""
        key = {"proposal": answer.id, "digest": answer.digest}
        about = key | {"conversation": self._run.event.conversation}

        def work() -> Outcome:
            return Outcome(self._run.write([self._run.statement("standing", about, SQL)])[0])

        rows = self._run.step("asker", key, work)
        return Proposal.of_row(rows[0]) if rows else None

    def _check_yes(self, asked: Proposal) -> None:
        """Raise TurnedOff where the team wants only a preview by now, and AnswerRefused where
        somebody else than who asked must say yes."""
        if self._loan.preview.is_on:
            raise TurnedOff("it was proposed before its team wanted only a preview")
        # A misspelt setting is the strict one.
        if self._loan.services[Settings].approver_differs != "off":
            check_differs(self._run.event, {"asker": asked.asker, "changers": []})
