"""Brings the sandbox's events to the app as Slack does: in the background, within three seconds,
with three retries."""

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable
from http.client import HTTPException
from typing import Literal, NamedTuple
from zlib import crc32

from infra.local.sandbox.slack.front_door import AppAnswer
from shared.events import Json

Kind = Literal["event", "interaction", "command"]

#: Seconds to wait before each retry of an event. Clicks and commands are never retried.
#: https://docs.slack.dev/apis/events-api/#retries
RETRIES = (0.0, 60.0, 300.0)
#: Conversations share this many threads; within a conversation things arrive as they happened.
_LANES = 4
#: So many attempts are remembered.
_REMEMBERED = 10_000


class Delivery(NamedTuple):
    """A body for the app, and the conversation in which it must stay in line. `then` gets the
    answer, and `otherwise` is called when none came that counts."""

    id: str
    kind: Kind
    body: Json
    conversation: str
    then: Callable[[AppAnswer], None] | None = None
    otherwise: Callable[[], None] | None = None


class Attempt(NamedTuple):
    """One try: the first has number 0. `reason` is Slack's word for the failure, or empty."""

    id: str
    kind: Kind
    number: int
    reason: str
    status: int


#: Makes one try; raises TimeoutError, OSError or HTTPException when no answer came.
Send = Callable[[Delivery, int, str], AppAnswer]


class Courier:
    """Makes the tries, in its own threads. `pace` scales the pauses before retries."""

    def __init__(self, send: Send, pace: float) -> None:
        self.attempts: deque[Attempt] = deque(maxlen=_REMEMBERED)
        self._send = send
        self._pace = pace
        self._under_way = 0
        self._settled = threading.Condition()
        self._lanes = [_Lane(self._try) for _ in range(_LANES)]

    def start(self) -> None:
        for lane in self._lanes:
            lane.start()

    def stop(self) -> None:
        """Stop after the tries under way; drop the rest."""
        for lane in self._lanes:
            lane.stop()
        for lane in self._lanes:
            lane.join()

    def take(self, delivery: Delivery) -> None:
        with self._settled:
            self._under_way += 1
        self._lane(delivery).add(0.0, delivery, 0, "")

    def settle(self, timeout: float) -> bool:
        """Wait until everything is delivered or given up; False when that takes too long."""
        with self._settled:
            return self._settled.wait_for(lambda: self._under_way == 0, timeout)

    def _lane(self, delivery: Delivery) -> "_Lane":
        return self._lanes[crc32(delivery.conversation.encode()) % _LANES]

    def _try(self, delivery: Delivery, number: int, last_reason: str) -> None:
        """Make one try, and plan the next when it failed."""
        answer, reason = None, ""
        try:
            answer = self._send(delivery, number, last_reason)
        except TimeoutError:
            reason = "http_timeout"
        except (OSError, HTTPException):
            reason = "connection_failed"
        if answer is not None:
            reason = _complaint(answer)
        status = answer.status if answer else 0
        self.attempts.append(Attempt(delivery.id, delivery.kind, number, reason, status))
        if not reason and answer is not None and delivery.then is not None:
            delivery.then(answer)
        final = delivery.kind != "event" or number == len(RETRIES)
        refused = answer is not None and answer.headers.get("x-slack-no-retry") == "1"
        if reason and not final and not refused:
            self._lane(delivery).add(RETRIES[number] * self._pace, delivery, number + 1, reason)
            return
        if reason and delivery.otherwise is not None:
            delivery.otherwise()
        with self._settled:
            self._under_way -= 1
            self._settled.notify_all()


class _Lane(threading.Thread):
    """Does one thing after another, each when it is due."""

    def __init__(self, do: Callable[[Delivery, int, str], None]) -> None:
        super().__init__(name="slack-courier", daemon=True)
        self._do = do
        self._due: list[tuple[float, int, Delivery, int, str]] = []
        self._count = 0
        self._changed = threading.Condition()
        self._stopped = False

    def add(self, pause: float, delivery: Delivery, number: int, reason: str) -> None:
        with self._changed:
            self._count += 1
            due = time.monotonic() + pause if pause else 0.0
            heapq.heappush(self._due, (due, self._count, delivery, number, reason))
            self._changed.notify()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._due or self._wait() > 0):
                    self._changed.wait(self._wait() if self._due else None)
                if self._stopped:
                    return
                _, _, delivery, number, reason = heapq.heappop(self._due)
            self._do(delivery, number, reason)

    def _wait(self) -> float:
        return self._due[0][0] - time.monotonic()


def _complaint(answer: AppAnswer) -> str:
    """Return Slack's complaint about an answer. Slack follows redirects; this does not."""
    if 300 <= answer.status < 400:
        return "too_many_redirects"
    return "" if 200 <= answer.status < 300 else "http_error"
