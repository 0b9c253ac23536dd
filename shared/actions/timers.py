"""SetTimer: an effect that lets an event come to the same flow later.

The key of the effect names the schedule and the event, so a timer that is set twice, or fires
twice, is one run.
"""

from collections.abc import Mapping
from typing import ClassVar, NamedTuple

from shared.actions import Action, Mark, Query, Receipt
from shared.aws.scheduler import Scheduler, ScheduleRefused
from shared.canonical import digest
from shared.errors import ActionRejected, ActionUnavailable, PublishError
from shared.events import Event, Json
from shared.frozen import frozen
from shared.settings import Settings


class TimerPlace(NamedTuple):
    """The conversation that a timer belongs to, as a target."""

    scope: str
    ref: str


@frozen
class SetTimer(Action):
    """Let `event` come at the time that it says it was received, in place of the clock.

    `Timers` makes it of the event that the run handles; what is not in `arguments` is that event's.
    """

    connector: ClassVar[str] = "shared.actions.timers:connect"
    #: A second time it changes nothing: the schedule has a name, and the journal knows the event.
    idempotent: ClassVar[bool] = True
    unseen: ClassVar[bool] = True
    event: Event

    @property
    def target(self) -> TimerPlace:
        return TimerPlace(self.event.scope, self.event.conversation)

    @property
    def arguments(self) -> Json:
        event = self.event
        return {"event": event.type, "at": event.received_at, "payload": dict(event.payload)}

    @property
    def wakes(self) -> str:
        return self.event.type


def timer_id(tenant: str, key: str) -> str:
    """Name the timer that the effect `key` sets."""
    return digest([tenant, key])[:32]


def schedule_name(flow: str, timer: str) -> str:
    """Name the schedule of a timer; AWS takes 64 characters."""
    return f"{flow[:31]}-{timer}"


def timer_event(event: Event, timer: str) -> Event:
    """Return the event with its id."""
    return event._replace(id=f"timer:{timer}")


class TimerAdapter:
    """The clock as a platform."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        if not isinstance(action, SetTimer):
            raise ActionRejected(f"timers: {type(action).__name__} sets no timer")
        timer = timer_id(action.event.tenant, mark.key)
        event = timer_event(action.event, timer)
        try:
            self._scheduler.create(schedule_name(mark.flow, timer), event.received_at, event)
        except ScheduleRefused as err:
            raise ActionRejected(str(err)) from err
        except PublishError as err:
            raise ActionUnavailable(str(err), sent=True) from err
        return Receipt(timer)

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        """Never asked: it is set again instead."""
        return None

    def read(self, query: Query) -> object:
        raise ActionRejected(f"timers: {type(query).__name__} is no question to the clock")


def connect(settings: Settings, rights: Mapping[str, str], _: object = None) -> TimerAdapter:
    """Connect the clock; raises SettingsError without TIMER_ROLE_ARN."""
    return TimerAdapter(Scheduler.of(settings))
