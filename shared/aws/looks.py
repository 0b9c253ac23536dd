"""Looks: let a flow of the background come once, because something waits for it.

Nothing polls, so an idle system asks the database nothing. Whoever leaves work sets the clock, at
marks that all share: a thousand runs that wait until about the same time set one schedule. The
clock is set before the work is committed, for a time when it is: a function that dies between the
two leaves a run that its queue brings again.
"""

import math
import time
from collections.abc import Callable
from typing import Self

from shared.aws.scheduler import Scheduler
from shared.errors import SettingsError
from shared.events import PUBLIC, Actor, Event
from shared.log import log
from shared.settings import Settings

#: What looks after what: requests in batches, runs that were put off, memory.
KINDS = frozenset({"batches", "sweep", "upkeep"})
#: The seconds between two marks: of what people wait for, of all else, and of what is hours away.
_SOON, _USUAL, _FAR = 300.0, 600.0, 3600.0
_MARKS = {"batches": _SOON}
#: So many names a process remembers as set.
_MOST = 1_000


def tick(kind: str, moment: float) -> Event:
    """Return the event of a look, as infra/schedule.yaml publishes that of a schedule."""
    type_, at = f"schedule.{kind}", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
    return Event(
        id=f"{type_}:{at}",
        type=type_,
        source="schedule",
        tenant="schedule",
        conversation=type_,
        actor=Actor("scheduler", kind),
        text="",
        url="",
        payload={},
        audience=PUBLIC,
        depth=0,
        received_at=float(int(moment)),
    )


class Looks:
    """Sets the clock for `schedule.<kind>`. Without a scheduler only the nightly looks come."""

    def __init__(self, scheduler: Scheduler | None, clock: Callable[[], float] = time.time) -> None:
        self._scheduler = scheduler
        self._clock = clock
        self._set: set[str] = set()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Build those of a deployment."""
        try:
            return cls(Scheduler.of(settings))
        except SettingsError as err:
            log("no looks", reason=str(err))
            return cls(None)

    def after(self, kind: str, seconds: float) -> None:
        """Let one of KINDS come at the next mark after so many seconds; raises PublishError."""
        now = self._clock()
        marks = max(_MARKS.get(kind, _USUAL), _FAR if seconds > _FAR else 0.0)
        moment = math.ceil((now + seconds) / marks) * marks
        name = time.strftime(f"look-{kind}-%Y%m%dT%H%M", time.gmtime(moment))
        if self._scheduler is None or name in self._set:
            return
        self._scheduler.create(name, moment, tick(kind, moment))
        if len(self._set) >= _MOST:
            self._set.clear()
        self._set.add(name)
