"""The desk of feedback: notes what people make of what the agent said in Slack.

A press of 👍 or 👎 below an answer, and the same as an emoji, say one thing of each person. They
may change it and take it back. People of other companies are heard and not counted.
"""

from typing import ClassVar, Literal, NamedTuple, Self

from shared.actions.slack.actions import FindEffect
from shared.database import Statement, queries
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.journal import Outcome

SQL = queries(__file__, "feedback.sql")

Verdict = Literal["good", "bad"]
#: Characters of a reason, as its form has them.
_REASON = 1_000


class Noted(NamedTuple):
    """What was noted: the run whose words it is about; none for words that are not known."""

    run: str = ""
    flow: str = ""


class FeedbackDesk:
    """What the person who caused the event says of the message that it names. A flow with it
    `reads` what the desk asks for."""

    READS: ClassVar = (FindEffect,)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the feedback of the person."""
        return cls(loan)

    def note(self, verdict: Verdict, *, kind: str = "", reason: str = "") -> Noted:
        """Note it; what they said before of the same words is replaced, and a reason is kept until
        they like them."""
        about = {"verdict": verdict, "kind": kind, "reason": reason[:_REASON]}
        return self._written("note", about)

    def take_back(self, verdict: Verdict) -> Noted:
        """Forget that they said so."""
        return self._written("take_back", {"verdict": verdict})

    def _written(self, name: str, about: dict[str, str]) -> Noted:
        event = self._event
        if event.by_outsider or event.actor.is_bot or event.message_target is None:
            return Noted()
        if not (effect := self._effect()):
            return Noted()
        values = {"tenant": event.tenant, "actor": event.actor.id, "effect": effect, **about}

        def work() -> Outcome:
            [rows] = self._run.write([Statement(SQL[name], values)])
            return Outcome(dict(rows[0]) if rows else Noted()._asdict())

        return Noted(**self._run.step(f"feedback {name}", {"effect": effect, **about}, work))

    def _effect(self) -> str:
        """Return the key of the effect that wrote the message: it stands in its metadata, which no
        press brings along."""
        query = FindEffect(self._event.message)

        def work() -> Outcome:
            try:
                return Outcome(self._loan.read(query)["effect"])
            except ActionRejected:
                return Outcome("")  # the message is gone, or we are

        return str(self._run.step("effect", query.arguments, work, defer=True))
