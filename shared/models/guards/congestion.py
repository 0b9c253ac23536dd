"""Controls the number of calls in flight: it grows while a model answers, and shrinks when it
refuses.

A busy model server refuses with a 429 within a network's round trip, while an answer takes seconds.
So growth is paced, one more call each `latency / limit` seconds: the first refusal comes back
before many calls follow it, and even doubling overshoots by a few calls only.

    below 0.95 x known   +1 per success: doubles in each window (the time that an answer takes)
    up to known          nearer to it in each window, by 1 at least
    above known          rests until 100 successes were earned per refusal, then +1 per window;
                         an eighth above it, what was known is forgotten and doubling begins again

`known` is the number of calls that the server held when it refused one more. A refusal cuts to 0.95
of it; it cuts to half when no call that began after the last cut has succeeded, and pauses when
none has succeeded at all. It is the multiplicative decrease of TCP (RFC 5681) with the memory of
CUBIC (RFC 9438), and a pace.

The start is 32 because `agent.map` asks for so many at once, and a short map is over before a slow
start ends. A server that holds 8 refuses 24 calls, once. ./scripts/benchmarks --only calls measures
400 calls beside callers who know the server.
"""

import math
import random
from typing import NamedTuple

START = 32
#: As many connections are kept to one server, see shared.models.providers.http.
CEILING = 256

_CUT = 0.95
_DEEP_CUT = 0.5
#: Successes per refusal before the next one is risked: in the long run 1 % are refused.
_EARNED_PER_REFUSAL = 100
_MOST_REFUSALS_PAID = 4
#: The next refusal is risked after so many times the pause that the server asked for.
_RESTS_PER_WAIT, _LONGEST_REST = 20, 300.0
#: Calls with which a model is tried after a pause.
_FEW = 2
#: Seconds between refusals when nothing succeeds at all; doubled each time.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
#: Seconds without any call after which the limit starts anew.
_IDLE = 60.0
#: Seconds between the first beginnings, until the first answer shows how long answers take.
_FIRST_GAP = 0.0015
#: The weight of the newest answer in the mean latency.
_NEWEST = 0.2


class CallInFlight(NamedTuple):
    """A call: when it began, after how many cuts, and the number of calls in flight then."""

    began: float
    cuts: int
    level: int


class Congestion:
    """Controls one model's calls, without threads or a clock: `now` is in seconds."""

    def __init__(self, start: int = START, ceiling: int = CEILING) -> None:
        self.limit = min(start, ceiling)
        self.in_flight = 0
        #: No call may begin before.
        self.closed_until = -math.inf
        self._start = self.limit
        self._ceiling = ceiling
        #: `limit` grows to this, as fast as the pace allows.
        self._goal = float(self.limit)
        self._raised_at = -math.inf
        self._began_at = -math.inf
        self._latency = 0.0
        self._known = math.inf
        self._floor = 1.0
        self._cuts = 0
        #: Since the last cut: its refusals, the successes, and if one of these began after it.
        self._refusals = 0
        self._successes = 0
        self._proven = False
        self._pauses = 0
        self._rest_until = -math.inf
        self._ended_at = math.inf

    def ready_at(self, now: float) -> float:
        """Return when the next call may begin; infinity when one must end first."""
        if now < self.closed_until:
            return self.closed_until
        spread = max(now, self._began_at + self._gap())
        if self.in_flight < self.limit:
            return spread
        if self._goal < self.limit + 1:
            return math.inf
        if now < (ready := max(spread, self._raised_at + self._latency / self.limit)):
            return ready
        self.limit += 1
        self._raised_at = now
        return now

    def _gap(self) -> float:
        """Return the seconds between two beginnings: half of those of an even stream.

        Calls that begin together end together, and then compete for the processor, again and
        again. Spread out they do not.
        """
        return self._latency / self.limit / 2 if self._latency else _FIRST_GAP

    def begin(self, now: float) -> CallInFlight:
        """Count a call that begins; ask `ready_at` before."""
        if not self.in_flight and now - self._ended_at > _IDLE:
            self._goal = min(self._goal, float(self._start))
            self.limit = int(self._goal)
        self.in_flight += 1
        self._began_at = now
        return CallInFlight(now, self._cuts, self.in_flight)

    def ended(self, now: float) -> None:
        """Count the end of a call that neither succeeded nor was refused."""
        self.in_flight -= 1
        self._ended_at = now

    def succeeded(self, call: CallInFlight, now: float) -> None:
        """Grow if the limit was in use and the call began after the last cut."""
        in_use = self.in_flight >= self.limit
        self.ended(now)
        self._latency += (now - call.began - self._latency) * (_NEWEST if self._latency else 1.0)
        self._pauses = 0
        self._successes += 1
        if call.cuts < self._cuts:
            return
        self._proven = True
        if in_use:
            self._goal = min(self._goal + self._gain(now), 2.0 * self.limit, self._ceiling)

    def _gain(self, now: float) -> float:
        if self._goal < _CUT * self._known:
            return 1.0
        if (distance := self._known - self._goal) > 0:
            return min(max(2 * distance, 1.0) / self.limit, distance)
        owed = _EARNED_PER_REFUSAL * min(self._refusals, _MOST_REFUSALS_PAID)
        if self._successes < owed or now < self._rest_until:
            return 0.0
        if -distance > max(2.0, self._known / 8):
            self._known = math.inf
        return 1.0 / self.limit

    def refused(self, call: CallInFlight, now: float, retry_after: float | None = None) -> None:
        """Cut once for all calls in flight, and close for as long as the server asked."""
        self.ended(now)
        pause = 0.0
        if call.cuts < self._cuts:
            self._refusals += 1
            self._lower(call.level - 1.0)
        elif self._cuts and not self._successes:
            pause = self._pause()
        else:
            self._cut(call.level)
        if retry_after is not None:
            pause = retry_after + random.uniform(0, min(0.1 * retry_after, 1.0))
            rest = min(_RESTS_PER_WAIT * retry_after, _LONGEST_REST)
            self._rest_until = max(self._rest_until, now + pause + rest)
        if pause:
            self.closed_until = max(self.closed_until, now + pause)
            self._goal = min(self._goal, float(_FEW))
        self.limit = min(self.limit, int(self._goal))
        self._raised_at = now

    def _cut(self, level: int) -> None:
        deep = self._cuts > 0 and not self._proven
        self._known = math.inf
        self._floor = max(1.0, level * _DEEP_CUT)
        self._lower(level - 1.0)
        if deep:
            self._goal = self._floor
        self._cuts += 1
        # A deep cut leaves unknown how many calls the server holds: there is no level to rest at.
        self._refusals = 0 if deep else 1
        self._successes = 0
        self._proven = False

    def _lower(self, held: float) -> None:
        self._known = max(self._floor, min(self._known, held))
        self._goal = max(1.0, min(self._goal, _CUT * self._known))

    def _pause(self) -> float:
        """Return the seconds to pause, after a cut that no success followed."""
        longest = min(_FIRST_PAUSE * 2**self._pauses, _LONGEST_PAUSE)
        self._pauses += 1
        self._goal = 1.0
        return random.uniform(longest / 2, longest)
