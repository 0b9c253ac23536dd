"""Timers: a flow lets an event come to itself later, in the same conversation.

    @flow("github.issues.opened", "timer.remind", may=[SetTimer.at_most(1), Comment.at_most(1)])
    def greet(event: Event, agent: Agent) -> None:
        if event.type == "timer.remind":
            agent.act(Comment(event.issue, "Is this still open?"))
        else:
            agent.desk(Timers).at(event.received_at + 3 * 86_400, "timer.remind")

The event that comes has the tenant, the conversation, the readers, the person and the depth of the
one that set it, so it may do no more. It has no text: what the flow wants to know then, it gives as
`payload`.
"""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Self

from shared.actions.timers import SetTimer, schedule_name, timer_event
from shared.agent.remembering import heard_members_only
from shared.aws.scheduler import Scheduler
from shared.canonical import canonical
from shared.database import Row, queries
from shared.desk import Loan
from shared.errors import EventError, PublishError
from shared.events import Event, Json, run_id
from shared.journal import Outcome, keeping
from shared.log import log
from shared.redaction.redacting import without_secrets
from shared.settings import Settings

SQL = queries(__file__, "timers.sql")

#: Bytes of a payload: what is larger belongs into memory.
MOST = 16_384
#: Seconds: no timer is further away.
FURTHEST = 366 * 86_400.0
#: What the runtime keeps in the payload of a timer beside what the flow gave.
ABOUT = "timer"
_KEPT = (ABOUT, "place", "flow")


class Timer(NamedTuple):
    """A timer that is set: the event type and the moment of its event, and what the flow gave."""

    id: str
    event: str
    at: float
    payload: Json


class Timers:
    """The timers of a flow in a conversation: of the run, and of its event, where none is named."""

    def __init__(self, loan: Loan, flow: str = "", conversation: str = "") -> None:
        self._loan = loan
        self._run = loan.run
        self._flow = flow or loan.run.flow
        self._conversation = conversation or loan.run.event.conversation

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the clock."""
        return cls(loan)

    def at(
        self, when: float | datetime, event: str, payload: Mapping[str, Any] | None = None
    ) -> Timer:
        """Let an event of the type `event`, `timer.<name>`, come within a minute after `when`:
        seconds since the epoch, or a datetime with its zone. What is over comes at once.

        Take `when` of the event, as in `event.received_at + 3600`, never of the clock. It is an
        effect, so the flow names `SetTimer.at_most(1)` in `may=` and the type among its own. Raises
        PolicyError when it does not, EventError for a time or a payload that is none.
        """
        moment, given = _moment(when, self._run.event), _given(payload or {})
        about = {"flow": self._run.flow, "set_at": self._run.event.received_at}
        if not heard_members_only(self._run):
            about["heard"] = "outside"
        set_by = self._run.event
        kept = {name: set_by.payload[name] for name in _KEPT[1:] if name in set_by.payload}
        kept = kept if set_by.source == "schedule" else {}
        later = set_by._replace(
            id="", type=event, text="", payload=kept | given | {ABOUT: about}, digest="",
            received_at=moment, conversation=self._conversation,
        )  # fmt: skip
        receipt = self._loan.act(SetTimer(later))
        return Timer(receipt.id, event, moment, given)

    def put_off(self, when: float | datetime, event: str) -> Timer:
        """Let the one event of this type come at `when`, in place of those that were set before in
        this conversation and are still to come."""
        for timer in self.pending():
            if timer.event == event:
                self.cancel(timer.id)
        return self.at(when, event)

    def pending(self) -> list[Timer]:
        """Return the timers that the flow set in this conversation and that are still to come, the
        next first."""
        about = {"conversation": self._conversation}

        def work() -> Outcome:
            of = about | {"flow": self._flow}
            rows = self._run.write([self._run.statement("set_timers", of, SQL)])[0]
            return Outcome([_timer(row) for row in rows])

        found = [Timer(**row) for row in self._run.step("timers", about, work)]
        return sorted(found, key=lambda timer: (timer.at, timer.id))

    def cancel(self, timer: str) -> bool:
        """Let the timer with this id, which this flow set in this conversation, not come. False
        when it came before, or when there is none."""
        return bool(
            self._run.step("cancel timer", {"timer": timer}, lambda: self._cancelled(timer))
        )

    def _cancelled(self, timer: str) -> Outcome:
        """End the run of the timer before it begins, then delete the schedule: if that stays, it
        fires for nothing."""
        event = self._run.event
        about = {"conversation": self._conversation, "flow": self._flow, "timer": timer}
        found = self._run.write([self._run.statement("set_timer", about, SQL)])[0]
        if not found:
            return Outcome(False)
        row = found[0]
        coming = timer_event(
            event._replace(
                type=row["event"],
                text="",
                payload=row["payload"],
                digest="",
                received_at=row["at"],
                conversation=self._conversation,
            ),
            timer,
        )
        about |= {"of": run_id(coming, self._flow), "event": coming.id}
        names = ("end_timer", "is_cancelled")
        ending = [self._run.statement(name, about, SQL) for name in names]
        *_, [state] = self._run.write([keeping(coming), *ending])
        self._delete(schedule_name(self._flow, timer))
        return Outcome(state["cancelled"])

    def _delete(self, name: str) -> None:
        of = self._loan.services
        try:
            of.get(Scheduler, lambda: Scheduler.of(of[Settings])).cancel(name)
        except PublishError as err:
            log("schedule not deleted", run=self._run.id, reason=str(err))


def _moment(when: float | datetime, event: Event) -> float:
    """Return the time in whole seconds; raises EventError for what is none."""
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise EventError("the time of a timer has no zone; give it one, such as UTC")
        when = when.timestamp()
    if isinstance(when, bool) or not isinstance(when, int | float) or not math.isfinite(when):
        raise EventError("the time of a timer must be seconds since the epoch, or a datetime")
    if not 0 <= when <= event.received_at + FURTHEST:
        raise EventError(
            f"the time of a timer must be within {FURTHEST / 86_400:.0f} days of its event"
        )
    return float(math.ceil(when))


def _given(payload: Mapping[str, Any]) -> Json:
    """Return the payload as JSON gives it back, without secrets; raises EventError."""
    if taken := sorted({*payload} & {*_KEPT}):
        raise EventError(f"the payload of a timer may have no {', '.join(taken)}; take other names")
    try:
        text = canonical(dict(payload))
    except (TypeError, ValueError) as err:
        raise EventError("the payload of a timer must be plain JSON") from err
    if len(text.encode()) > MOST:
        raise EventError(f"the payload of a timer has at most {MOST} bytes; remember the rest")
    given: Json = without_secrets(json.loads(text))
    return given


def _timer(row: Row) -> Json:
    given = {name: value for name, value in row["payload"].items() if name not in _KEPT}
    return Timer(row["id"], row["event"], row["at"], given)._asdict()
