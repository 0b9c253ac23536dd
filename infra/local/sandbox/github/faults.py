"""Faults on order: the next requests to the sandbox GitHub fail in the way that a test asks for."""

import threading
import time
from dataclasses import dataclass


@dataclass
class Fault:
    """A failure of the next `times` requests.

    `status` is the answer; 0 is none, the connection closes. `after` performs the change first and
    then closes the connection. `delay` holds the answer back for so many seconds; with status 200
    that is all. `path` and `method` limit it to requests that contain or have them.
    """

    status: int
    times: int = 1
    path: str = ""
    method: str = ""
    after: bool = False
    retry_after: int | None = None
    delay: float = 0.0

    @property
    def message(self) -> str:
        """GitHub's words for it."""
        if self.retry_after is not None:
            return "You have exceeded a secondary rate limit. Please wait a few minutes."
        words = {401: "Bad credentials", 404: "Not Found", 429: "API rate limit exceeded"}
        if self.status == 403:
            return "Resource not accessible by integration"
        return words.get(self.status, "Server Error" if self.status >= 500 else "Refused on order")

    @property
    def headers(self) -> dict[str, str]:
        if self.retry_after is not None:
            return {"Retry-After": str(self.retry_after)}
        if self.status == 429:
            reset = str(int(time.time()) + 60)
            return {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset}
        return {}


class Faults:
    """The faults still to come, in the order in which they were ordered."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)

    @property
    def left(self) -> int:
        with self._lock:
            return sum(fault.times for fault in self._waiting)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for this request, if any."""
        with self._lock:
            for fault in self._waiting:
                if fault.path in path and fault.method in {"", method}:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
            return None


class FaultyServer:
    """What a server has whose requests fail on order."""

    def __init__(self) -> None:
        self._faults = Faults()

    def fail_next(
        self,
        status: int,
        times: int = 1,
        *,
        path: str = "",
        method: str = "",
        after: bool = False,
        retry_after: int | None = None,
    ) -> None:
        """Let the next requests that contain `path` fail with `status`; 0 closes the connection.

        With `after` the change happens first, and then the connection closes without an answer.
        `retry_after` makes it a secondary rate limit, which GitHub answers with 403 or 429.
        """
        self._faults.add(Fault(status, times, path, method, after, retry_after))

    def slow_next(
        self, seconds: float, times: int = 1, *, path: str = "", method: str = ""
    ) -> None:
        """Hold back the answers to the next requests that contain `path`, before they act."""
        self._faults.add(Fault(200, times, path, method, delay=seconds))

    def faults_left(self) -> int:
        """Return how many faults are still to come."""
        return self._faults.left

    def forget_faults(self) -> None:
        self._faults.clear()
