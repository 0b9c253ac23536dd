"""Queues one model's calls in this process: first come, first served, as many at a time as the
model takes."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.errors import ModelUnavailable
from shared.models.deadline import Deadline
from shared.models.guards.congestion import CEILING, START, CallInFlight, Congestion


class _Waiter:
    """A thread that waits, asleep until its turn, its deadline, or `look_at` when it is first."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.look_at = until
        self.call: CallInFlight | None = None
        self.hopeless = False
        self._woken = False
        self._gate = threading.Lock()
        self._gate.acquire()

    def wake(self) -> None:
        """Under the limiter's lock."""
        if not self._woken:
            self._woken = True
            self._gate.release()

    def sleep(self, now: float) -> None:
        self._gate.acquire(timeout=max(self.look_at - now, 0.0))

    def rearm(self) -> None:
        """Under the limiter's lock: be ready for the next sleep."""
        if self._woken:
            self._gate.acquire(blocking=False)
            self._woken = False


class Limiter:
    """Limits the calls of one model that are in flight. Thread-safe."""

    def __init__(
        self,
        *,
        name: str = "the model",
        start: int = START,
        ceiling: int = CEILING,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._clock = clock
        self._lock = threading.Lock()
        self._congestion = Congestion(start, ceiling)
        self._waiting: deque[_Waiter] = deque()

    @property
    def limit(self) -> int:
        """The number of calls that may be in flight now."""
        return self._congestion.limit

    @contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """Run the block at this caller's turn, first come, first served.

        Entering raises ModelUnavailable when `deadline` ends first, or surely would. The exception
        that leaves the block tells how the call ended: none is success, an overloaded
        ModelUnavailable shrinks the limit, and any other does not change it.
        """
        call = self.begin(deadline)
        try:
            yield
        except BaseException as err:
            self.end(call, err)
            raise
        self.end(call, None)

    def begin(self, deadline: Deadline) -> CallInFlight:
        """Wait for a turn, see `turn`, and return the call, which must be handed to `end`."""
        with self._lock:
            now = self._clock()
            if not self._waiting and self._congestion.ready_at(now) <= now:
                return self._congestion.begin(now)
            waiter = _Waiter(now + deadline.left)
            if waiter.until < self._congestion.closed_until:
                raise self._no_turn(deadline, now)
            self._waiting.append(waiter)
            self._serve(now, waiter)
        return self._wait(waiter, deadline)

    def end(self, call: CallInFlight, err: BaseException | None) -> None:
        """Count how `call` ended, and let others begin."""
        with self._lock:
            now = self._clock()
            if err is None:
                self._congestion.succeeded(call, now)
            elif isinstance(err, ModelUnavailable) and err.overloaded:
                self._congestion.refused(call, now, err.retry_after)
                self._dismiss()
            else:
                self._congestion.ended(now)
            self._serve(now)

    def _wait(self, waiter: _Waiter, deadline: Deadline) -> CallInFlight:
        while True:
            waiter.sleep(self._clock())
            with self._lock:
                now = self._clock()
                waiter.rearm()
                if waiter.call is None and not waiter.hopeless and now < waiter.until:
                    waiter.look_at = waiter.until
                    self._serve(now, waiter)
                if waiter.call is not None:
                    return waiter.call
                if waiter.hopeless:
                    raise self._no_turn(deadline, now)
                if now >= waiter.until:
                    self._waiting.remove(waiter)
                    self._serve(now)
                    raise self._no_turn(deadline, now)

    def _serve(self, now: float, me: _Waiter | None = None) -> None:
        """Start the calls whose turn it is, and tell the first of the others when to look again."""
        while self._waiting:
            first = self._waiting[0]
            ready = self._congestion.ready_at(now)
            if ready > now:
                if ready < first.look_at:
                    first.look_at = ready
                    if first is not me:
                        first.wake()
                return
            self._waiting.popleft()
            first.call = self._congestion.begin(now)
            if first is not me:
                first.wake()

    def _dismiss(self) -> None:
        """Dismiss waiters whose time ends before any call may begin: they can turn elsewhere."""
        closed = self._congestion.closed_until
        if any(waiter.until < closed for waiter in self._waiting):
            staying: deque[_Waiter] = deque()
            for waiter in self._waiting:
                if waiter.until < closed:
                    waiter.hopeless = True
                    waiter.wake()
                else:
                    staying.append(waiter)
            self._waiting = staying

    def _no_turn(self, deadline: Deadline, now: float) -> ModelUnavailable:
        busy = f"{self._congestion.in_flight} of at most {self._congestion.limit} calls in flight"
        wait = self._congestion.closed_until - now
        if wait <= 0:
            message = f"{self._name}: no turn within {deadline.seconds:.1f} s, {busy}"
            return ModelUnavailable(message, overloaded=True)
        message = f"{self._name}: overloaded, takes no calls for {wait:.1f} s; retry then"
        return ModelUnavailable(message, wait, overloaded=True)
