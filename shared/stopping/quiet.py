"""The desk that lets the agent be quiet in a place. Who begins a run there reads it with the claim
(shared/journal.sql), so it holds for all flows, timers and schedules, and costs no round trip."""

from typing import NamedTuple, Self

from shared.database import queries
from shared.desk import Loan
from shared.events import Event, Json
from shared.journal import Outcome

SQL = queries(__file__, "quiet.sql")


class Resumed(NamedTuple):
    """What a wish to act again found: the place was quiet, or is, since all around it is."""

    was_quiet: bool
    is_quiet: bool


class QuietDesk:
    """Pauses and resumes what the agent does by itself in the conversation of the run's event; in
    Slack outside of threads in the whole channel."""

    def __init__(self, loan: Loan) -> None:
        self._loan = loan
        self._run = loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    @property
    def is_quiet(self) -> bool:
        """Did people pause the agent here before the run began?"""
        return self._loan.is_quiet()

    def pause(self, place: str = "") -> bool:
        """Be quiet from now on, here or in another place; False if it was so already."""
        return not self._said("pause", place=place or quiet_place(self._run.event))["was_quiet"]

    def resume(self, place: str = "") -> Resumed:
        """Act again, here or in another place."""
        event = self._run.event
        places = [place] if place else sorted({quiet_place(event), event.conversation})
        return Resumed(**self._said("resume", places=places, around=place or event.place))

    def _said(self, name: str, **where: object) -> Json:
        about = {"event": self._run.event.id, **where}

        def work() -> Outcome:
            [[row]] = self._run.write([self._run.statement(name, about, SQL)])
            return Outcome(row)

        found: Json = self._run.step(name, where, work)
        return found


def quiet_place(event: Event) -> str:
    """Return the place that a command to be quiet is about: the conversation, but in Slack outside
    of threads the channel."""
    root, said = event.thread_target, event.message_target
    if event.source == "slack" and (root is None or (said and said.ts == root.ts)):
        return event.scope
    return event.conversation
