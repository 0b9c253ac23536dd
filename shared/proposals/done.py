"""Tells the thread in Slack where somebody wanted it that another flow has done what they said yes
to."""

from typing import Self

from shared.aws.bus import Bus
from shared.desk import Loan
from shared.events import Thread
from shared.journal import Outcome

#: Begins the types of events by which a flow is handed what was approved.
APPROVED = "proposal.approved."


class ProposalDone:
    """The way back to where the run's event was approved; nowhere for all other events."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def tell(self, words: str) -> None:
        """Let the thread read `words`, which a flow that may write there says."""
        event = self._loan.run.event
        if not event.type.startswith(APPROVED):
            return
        thread = Thread(*event.payload["thread"])

        def work() -> Outcome:
            done = event._replace(
                id=f"done:{event.payload['proposal']}",
                type="proposal.done",
                text="",
                conversation=f"{thread.scope}:{thread.ts}",
                audience=event.payload["audience"],
                payload={"told": words},
                issue_target=None,
                thread_target=thread,
            )
            self._loan.services[Bus].publish(done)
            return Outcome(done.id)

        self._loan.run.step("done", {"told": words}, work)
