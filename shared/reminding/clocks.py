"""What time it is for people: their time zones and names, which a process keeps for an hour."""

from typing import Self

from shared.actions.authority import RecentAnswers
from shared.actions.slack.actions import AskClock
from shared.desk import Loan
from shared.events import Json
from shared.journal import Outcome


class KnownClocks(RecentAnswers):
    """The clocks of people that Slack was asked for in the last hour."""

    life = 3_600.0


class Clocks:
    """Knows the clocks of the people in the event's workspace. A flow names AskClock in `reads`."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._known = loan.services.get(KnownClocks, KnownClocks)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def of(self, user: str) -> Json:
        """Return a person's time zone and name, as AskClock answers."""
        _, team, channel = self._loan.run.event.scope.split(":")
        query = AskClock(team, channel, user)

        def work() -> Outcome:
            kept = AskClock(team, "", user)  # the same in each channel
            return Outcome(self._known.answer(kept, lambda _: self._loan.read(query)))

        about = {"query": "AskClock"} | query.arguments
        found: Json = self._loan.run.step("read", about, work, defer=True)
        return found
