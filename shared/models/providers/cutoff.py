"""Stops calls that take too long: one thread per process waits for the earliest deadline."""

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

#: A smaller heap is not cleaned of alarms that are over.
_WORTH_CLEANING = 256


class _Alarm:
    """A function to call at a moment, unless it is over by then."""

    __slots__ = ("at", "stop")

    def __init__(self, at: float, stop: Callable[[], None]) -> None:
        self.at = at
        self.stop: Callable[[], None] | None = stop

    def __lt__(self, other: "_Alarm") -> bool:
        return self.at < other.at


class Cutoff:
    """Calls a function when a block takes too long. Thread-safe.

    Each block costs a push on a heap, where a threading.Timer costs a thread.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition(threading.Lock())
        self._alarms: list[_Alarm] = []
        self._over = 0
        self._thread: threading.Thread | None = None

    @contextmanager
    def after(self, seconds: float, stop: Callable[[], None]) -> Iterator[None]:
        """Call `stop` once if the block still runs after `seconds`; never after it has ended.

        `stop` must be quick and raise nothing: it runs on the thread that all blocks share.
        """
        alarm = _Alarm(time.monotonic() + seconds, stop)
        with self._changed:
            heapq.heappush(self._alarms, alarm)
            if self._thread is None or not self._thread.is_alive():  # the second after a fork
                self._thread = threading.Thread(target=self._watch, name="cutoff", daemon=True)
                self._thread.start()
            elif self._alarms[0] is alarm:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._forget(alarm)

    def _forget(self, alarm: _Alarm) -> None:
        if alarm.stop is None:
            return  # it was called
        alarm.stop = None
        self._over += 1
        if self._over > max(_WORTH_CLEANING, len(self._alarms) // 2):
            self._alarms = [alarm for alarm in self._alarms if alarm.stop]
            heapq.heapify(self._alarms)
            self._over = 0

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                while self._alarms and (not self._alarms[0].stop or self._alarms[0].at <= now):
                    self._ring(heapq.heappop(self._alarms))
                self._changed.wait(self._alarms[0].at - now if self._alarms else None)

    def _ring(self, alarm: _Alarm) -> None:
        stop, alarm.stop = alarm.stop, None
        if stop:
            stop()
        else:
            self._over -= 1


@cache
def shared_cutoff() -> Cutoff:
    """Return the one of this process."""
    return Cutoff()
