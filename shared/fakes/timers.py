"""The clock in memory: it notes what is set, and fires nothing by itself."""

from shared.aws.looks import Looks
from shared.aws.scheduler import Scheduler
from shared.errors import PublishError
from shared.events import Event


class SchedulerInMemory(Scheduler):
    """`schedules` are the moment and the event of each name.

    It is `away` when a test says so, and the process `dies` "before" or "after" it sets the clock.
    """

    def __init__(self) -> None:
        self.schedules: dict[str, tuple[float, Event]] = {}
        self.away = False
        self.dies = ""

    def create(self, name: str, moment: float, event: Event) -> None:
        self._check()
        if self.dies == "before":
            raise KeyboardInterrupt("killed before the clock was set")
        self.schedules.setdefault(name, (moment, event))
        if self.dies == "after":
            raise KeyboardInterrupt("killed after the clock was set")

    def cancel(self, name: str) -> bool:
        self._check()
        return self.schedules.pop(name, None) is not None

    def fired(self, event: Event) -> None:
        """Forget the schedule of an event, as after it was published."""
        self.schedules = {n: one for n, one in self.schedules.items() if one[1] != event}

    def _check(self) -> None:
        if self.away:
            raise PublishError("scheduler: it is away")


class LooksInMemory(Looks):
    """`wanted` are the looks that were set: what for, and after how many seconds."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__(scheduler)
        self.wanted: list[tuple[str, float]] = []

    def forget(self) -> None:
        """Be those of another process."""
        self._set.clear()

    def after(self, kind: str, seconds: float) -> None:
        super().after(kind, seconds)
        self.wanted.append((kind, seconds))
