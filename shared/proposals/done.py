"""Tells the thread in Slack where somebody wanted it that another flow has done what they said yes
to."""

from typing import Self

from shared.aws.bus import Bus
from shared.desk import Loan
from shared.events import Event, Thread
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
        event, bus = self._loan.run.event, self._loan.services[Bus]
        if not waits_elsewhere(event):
            return

        def work() -> Outcome:
            publish_done(bus, event, words)
            return Outcome(event.id)

        self._loan.run.step("done", {"told": words}, work)


def waits_elsewhere(event: Event) -> bool:
    """Does a thread in Slack wait for what becomes of the event?"""
    return event.type.startswith(APPROVED) and "thread" in event.payload


def publish_done(bus: Bus, event: Event, words: str) -> None:
    """Publish what the thread reads; of an approved proposal the first counts."""
    thread = Thread(*event.payload["thread"])
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
    bus.publish(done)
