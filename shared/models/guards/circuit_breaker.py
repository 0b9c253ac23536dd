"""Stops calling a server that only fails, so that callers turn to another one at once."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from shared.errors import ModelRejected, ModelUnavailable

_FAILURES = 5
#: Seconds until the first try of an open breaker; doubled with each try that fails.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0


class CircuitBreaker:
    """The circuit breaker of one model server. Thread-safe.

    A closed breaker lets every call through. After `failures` failures in a row it opens: it blocks
    all calls for a pause, and then lets one through at a time, as a probe. Any answer closes it,
    even a rejection or an overload: such a server is alive. A failed probe doubles the pause.
    """

    def __init__(
        self, name: str, *, failures: int = _FAILURES, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._most = failures
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._failing_since = 0.0
        self._pause = 0.0
        self._next_try = 0.0
        self._probing = False

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Run the block, or raise ModelUnavailable at once while the breaker is open.

        The exception that leaves the block tells how the call ended.
        """
        probe = self._enter()
        try:
            yield
        except ModelUnavailable as err:
            if err.overloaded:
                self._answered()
            else:
                self._failed(probe)
            raise
        except ModelRejected:
            self._answered()
            raise
        else:
            self._answered()
        finally:
            if probe:
                with self._lock:
                    self._probing = False

    def _enter(self) -> bool:
        """Return True for a probe; raises ModelUnavailable when the call is blocked."""
        if self._failures < self._most:
            return False
        with self._lock:
            if self._failures < self._most:
                return False
            now = self._clock()
            if now >= self._next_try and not self._probing:
                self._probing = True
                return True
            wait = max(self._next_try - now, 0.0)
            raise ModelUnavailable(
                f"{self._name}: not called, because its last {self._failures} calls failed, the"
                f" first {now - self._failing_since:.0f} s ago; it is tried again in {wait:.0f} s",
                wait or None,
            )

    def _answered(self) -> None:
        if self._failures:
            with self._lock:
                self._failures = 0
                self._pause = 0.0

    def _failed(self, probe: bool) -> None:
        with self._lock:
            now = self._clock()
            if not self._failures:
                self._failing_since = now
            self._failures += 1
            if probe or self._failures == self._most:
                doubled = min(max(self._pause * 2, _FIRST_PAUSE), _LONGEST_PAUSE)
                self._pause = doubled
                self._next_try = now + random.uniform(doubled / 2, doubled)
