"""The desk that tries a failed run again when somebody presses Retry: its event comes once more,
under a name of its own, for the one flow that failed."""

from typing import Literal, Self

from shared.aws.bus import Bus
from shared.database import queries
from shared.desk import Loan
from shared.errors import EventError
from shared.events import RETRY, Event
from shared.journal import Outcome

SQL = queries(__file__, "retrying.sql")

#: The field of a payload that names the one flow that takes the event.
ONLY_FOR = "agent_flows_only_for"

#: What a press came to.
Retried = Literal["sent", "sent before", "not failed", "not allowed"]


class RetryDesk:
    """Tries again in the name of the actor of the run's event."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def retry(self, named: str) -> Retried:
        """Send the event of the failed run of this name again, once: for who asked for it, and for
        those who may write there."""

        def work() -> Outcome:
            return self._sent(named)

        sent: Retried = self._run.step("retry", {"run": named}, work)
        return sent

    def _sent(self, named: str) -> Outcome:
        rows = self._run.write([self._run.statement("failed", {"named": named}, SQL)])[0]
        if not rows:
            return Outcome("not failed")
        event, pressed = Event.from_json(rows[0]["event"]), self._run.event
        if event.place != pressed.place:
            raise EventError(f"run {named} belongs to another place")
        is_asker = event.source == pressed.source and event.actor.id == pressed.actor.id
        if not (is_asker or self._loan.may_write()):
            return Outcome("not allowed")
        again = event._replace(
            id=f"{event.id}{RETRY}{named}",
            payload={**event.payload, ONLY_FOR: rows[0]["flow"]},
            received_at=pressed.received_at,  # a stop before it was about the first time
        )
        known = self._run.statement("known", {"again": again.id}, SQL)
        if self._run.write([known])[0]:
            return Outcome("sent before")
        self._loan.services[Bus].publish(again)
        return Outcome("sent")
