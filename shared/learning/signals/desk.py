"""The desk of signals: what the person behind the event makes of something that a run did."""

from collections.abc import Mapping
from typing import Self

from shared.desk import Loan
from shared.journal import Outcome
from shared.learning.signals.moments import moment_of
from shared.learning.signals.store import Caused, Kind, Signal, kept

#: What the answer to a question of the agent says of what it wanted to do, or had written.
DECIDED: Mapping[str, Kind] = {
    "approved": "accepted",
    "rejected": "dismissed",
    "changed": "corrected",
    "sent": "accepted",
    "dropped": "dismissed",
    "edited": "edited",
}


class SignalsDesk:
    """Notes signals of the event's actor. Who may not write says nothing: neither strangers, nor
    bots, nor the agent itself."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run
        self._event = loan.run.event

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    @property
    def counts(self) -> bool:
        """Does what the actor does count?"""
        return not self._event.actor.is_bot and self._loan.may_write()

    def said(
        self,
        kind: Kind,
        caused: Caused,
        *thing: str,
        value: float | None = None,
        cause: str = "",
        words: str = "",
    ) -> Signal:
        """Return what the actor says of `thing`, about which the last word counts."""
        return Signal(
            thing or (kind, *caused),
            caused,
            kind,
            moment_of(self._event),
            self._event.actor.id,
            self._event.repository,
            value,
            cause,
            words,
        )

    def note(self, *signals: Signal) -> bool:
        """Keep the signals with the record that they were seen, if the actor's count."""
        if not signals or not self.counts:
            return False
        self.keep(*signals)
        return True

    def keep(self, *signals: Signal) -> None:
        """Keep signals of people of whom it is known that they count."""
        if signals:
            about = {"signals": [[*one.thing, one.kind] for one in signals]}
            outcome = Outcome(None, statements=kept(self._run, signals))
            self._run.step("signals", about, lambda: outcome, defer=True)
