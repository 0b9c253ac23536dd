"""Faults on order: the next calls of a method fail in the way that a test asks for."""

import threading
from typing import NamedTuple


class Fault(NamedTuple):
    """A failure of one call.

    `after` performs the change first. `error` is Slack's `{"ok": false, "error": …}`. A `status`
    other than 200 answers in a form that is not Slack's, but for 429, which says to come back after
    `retry_after` seconds. With neither, the connection closes without an answer. `delay` holds the
    answer back for so many seconds; with `proceed` that is all. `late` holds the change back too.
    """

    error: str = ""
    status: int = 200
    after: bool = False
    retry_after: int | str = 1
    delay: float = 0.0
    proceed: bool = False
    late: bool = False


class Faults:
    """The faults still to come, by method, in the order in which they were ordered."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Fault]] = {}
        self._lock = threading.Lock()

    def add(self, method: str, fault: Fault, times: int) -> None:
        with self._lock:
            self._waiting.setdefault(method, []).extend([fault] * times)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, method: str) -> Fault | None:
        with self._lock:
            waiting = self._waiting.get(method)
            return waiting.pop(0) if waiting else None
