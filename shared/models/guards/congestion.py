"""How many calls a model may be given at a time: grows while it answers, shrinks when it refuses.

A model server says that it has enough with a 429, and says it within a network's round trip, while
an answer takes seconds. So growth is not let out in bursts but paced, one call more each
`latency / limit` seconds: the first refusal comes back before many calls can follow it, and even
doubling overshoots by a few calls only.

    below 0.95 x known   +1 per success: doubles in each window (the time that an answer takes)
    up to known          nearer to it in each window, by 1 at least
    above known          rests until 100 successes were earned per refusal, then +1 per window;
                         an eighth above it, what was known is forgotten and doubling begins again

`known` is what the server held when it refused: the calls that were in flight before the one it
refused. A refusal cuts to 0.95 of it; it cuts to half when nothing that began after the last cut
has succeeded, and pauses when nothing has succeeded at all. It is the multiplicative decrease of
TCP (RFC 5681) with the memory of CUBIC (RFC 9438), and a pace.

Why a start of 32: so many does `agent.map` ask for at once, and a short map is over before a slow
start would have found out. Where a server holds 8, it costs 24 refusals, once. What that makes of
400 calls is measured beside callers who know the server: ./scripts/benchmarks --only calls
"""

import math
import random
from typing import NamedTuple

START = 32
#: As many connections are kept to one server, see shared.models.providers.http.
CEILING = 256

_CUT = 0.95
_DEEP_CUT = 0.5
#: Successes that pay for one refusal, before the next is risked: in the long run 1 % are refused.
_EARNED_PER_REFUSAL = 100
_MOST_REFUSALS_PAID = 4
#: How often the time that a server asked for must have passed before the next refusal is risked.
_RESTS_PER_WAIT, _LONGEST_REST = 20, 300.0
#: With how many calls a model is tried after it was left alone.
_FEW = 2
#: Seconds between refusals when nothing succeeds at all; doubled each time.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
#: Seconds without any call after which the limit is no longer believed.
_IDLE = 60.0
#: Seconds between the first beginnings, as long as no answer has told how long answers take.
_FIRST_GAP = 0.0015
#: How much the newest answer weighs in the mean time of answers.
_NEWEST = 0.2


class CallInFlight(NamedTuple):
    """A call in flight: when it began, after how many cuts, and which in number it was then."""

    began: float
    cuts: int
    level: int


class Congestion:
    """The control of one model's calls, without threads or a clock: `now` is in seconds."""

    def __init__(self, start: int = START, ceiling: int = CEILING) -> None:
        self.limit = min(start, ceiling)
        self.in_flight = 0
        #: Nobody may begin before.
        self.closed_until = -math.inf
        self._start = self.limit
        self._ceiling = ceiling
        #: Where `limit` goes, as fast as the pace allows.
        self._goal = float(self.limit)
        self._raised_at = -math.inf
        self._began_at = -math.inf
        self._latency = 0.0
        self._known = math.inf
        self._floor = 1.0
        self._cuts = 0
        #: Since the last cut: refusals that it counts, successes, and whether one began after it.
        self._refusals = 0
        self._successes = 0
        self._proven = False
        self._pauses = 0
        self._rest_until = -math.inf
        self._ended_at = math.inf

    def ready_at(self, now: float) -> float:
        """Return when the next call may begin: now, later, or never until one of them has ended."""
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
        """Return the seconds between two beginnings: half of what an even stream would have.

        Calls that begin together end together, and then each waits for the others' turn on the
        processor, again and again. Spread out they do not.
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
        """Count a call whose end says nothing about how many are too many."""
        self.in_flight -= 1
        self._ended_at = now

    def succeeded(self, call: CallInFlight, now: float) -> None:
        """Grow, if the limit was in use and the call began at the level of now."""
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
        """Cut, once for all calls that were in flight then, and close for as long as was asked."""
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
        # Whoever cuts deep does not know how many are held: there is no level to rest at.
        self._refusals = 0 if deep else 1
        self._successes = 0
        self._proven = False

    def _lower(self, held: float) -> None:
        self._known = max(self._floor, min(self._known, held))
        self._goal = max(1.0, min(self._goal, _CUT * self._known))

    def _pause(self) -> float:
        """Return for how many seconds to leave the model alone. Nothing has succeeded since the
        last cut, which says nothing about how many calls it holds."""
        longest = min(_FIRST_PAUSE * 2**self._pauses, _LONGEST_PAUSE)
        self._pauses += 1
        self._goal = 1.0
        return random.uniform(longest / 2, longest)
