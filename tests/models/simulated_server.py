"""A model server and its callers on a clock of their own: what the limiter's control does to them,
exactly repeatable."""

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from shared.models.guards.congestion import CallInFlight, Congestion


@dataclass
class Simulation:
    """Callers in a line, for a server that holds `capacity(now)` calls, answers after
    `latency(now)` seconds, and refuses the rest within `refusal` seconds."""

    congestion: Congestion
    capacity: Callable[[float], int]
    latency: Callable[[float], float] = lambda now: 0.05
    refusal: float = 0.002
    retry_after: float | None = None
    now: float = 0.0
    begun: list[tuple[float, int]] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    done: list[tuple[float, int]] = field(default_factory=list)

    def run(self, calls: int, until: float = math.inf) -> None:
        """Make `calls` calls; a refused one goes to the end of the queue. Stop at `until`."""
        queue = deque(range(calls))
        order = itertools.count()
        events: list[tuple[float, int, str, int, CallInFlight]] = []
        held = 0
        while queue or events:
            ready = self.congestion.ready_at(self.now) if queue else math.inf
            if ready <= self.now:
                number = queue.popleft()
                call = self.congestion.begin(self.now)
                self.begun.append((self.now, number))
                taken = held < self.capacity(self.now)
                held += taken
                took = self.latency(self.now) if taken else self.refusal
                what = "done" if taken else "refused"
                heapq.heappush(events, (self.now + took, next(order), what, number, call))
                continue
            self.now = min(ready, events[0][0] if events else math.inf)
            if self.now >= until:
                return
            if not events or events[0][0] > self.now:
                continue
            _, _, what, number, call = heapq.heappop(events)
            if what == "done":
                held -= 1
                self.done.append((self.now, number))
                self.congestion.succeeded(call, self.now)
            else:
                self.refused.append(self.now)
                self.congestion.refused(call, self.now, self.retry_after)
                queue.append(number)

    def share_refused(self, since: float = 0.0) -> float:
        begun = sum(at >= since for at, _ in self.begun)
        return sum(at >= since for at in self.refused) / max(begun, 1)

    def throughput(self, since: float, until: float) -> float:
        return sum(since <= at < until for at, _ in self.done) / (until - since)
