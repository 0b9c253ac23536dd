"""The desk of opinions: notes what people make of what the agent said in Slack.

A press of 👍 or 👎 below an answer, and the same as an emoji, say one thing of each person. They
may change it and take it back. People of other companies and guests are heard and not counted.
"""

from typing import ClassVar, Self

from shared.actions.slack.actions import FindEffect
from shared.desk import Loan
from shared.errors import ActionRejected
from shared.journal import Outcome
from shared.learning.signals.desk import SignalsDesk
from shared.learning.signals.store import Caused, Kind


class OpinionsDesk:
    """What the person who caused the event says of the message that it names. A flow with it
    `reads` what the desk asks for."""

    READS: ClassVar = (FindEffect,)

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event
        self._signals = SignalsDesk.lend(loan)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the opinion of the person."""
        return cls(loan)

    def note(self, *, is_good: bool, holds: bool = True, cause: str = "", words: str = "") -> bool:
        """Note it, or, unless it `holds`, that they took it back. Their later word of the same
        message replaces an earlier one; a reason is kept with their dislike. Return whether it
        counts."""
        event = self._event
        if event.by_outsider or event.actor.is_bot or event.message_target is None:
            return False
        if not self._signals.counts or not (effect := self._effect()):
            return False
        kind: Kind = "liked" if is_good else "disliked"
        value = None if holds else 0.0
        caused, thing = Caused(effect), (kind, effect, event.actor.id)
        self._signals.keep(
            self._signals.said(kind, caused, *thing, value=value, cause=cause, words=words)
        )
        return True

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
