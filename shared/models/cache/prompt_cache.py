"""The prompt cache: equal requests make one call, in this process and in all with the same
Postgres."""

import threading
import time
import uuid
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from operator import add
from typing import Literal, NamedTuple

from shared.canonical import digest
from shared.database import Database
from shared.errors import ModelUnavailable
from shared.models import ModelReply, ModelRequest
from shared.models.answers.judging import Judge
from shared.models.cache.recent_replies import LONGEST, RecentReplies, served, written
from shared.models.cache.shared_replies import CacheLookup, Question, Savings, SharedReplies
from shared.models.deadline import Deadline

#: The most that this process keeps, in bytes of JSON; Postgres may hold more.
PROCESS_BYTES = 16_000_000
#: Seconds between two looks for another process's reply, at first and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 0.5


class Counters(NamedTuple):
    """Counts of this process's cache. `misses` are calls made; `waits` counts requests that waited
    for another's call. `saved` is in US dollars, as far as prices are known."""

    process_hits: int = 0
    shared_hits: int = 0
    misses: int = 0
    waits: int = 0
    saved: float = 0.0
    saved_tokens: int = 0


class _Flight:
    """A call under way, for all threads that ask the same; after a failure `reply` is None."""

    def __init__(self) -> None:
        self.landed = threading.Event()
        self.reply: ModelReply | None = None


class PromptCache:
    """Replies kept for `hours`: up to `entries` in this process, and up to `megabytes` per tenant
    in Postgres where there is a `database`. Thread-safe."""

    def __init__(
        self, database: Database | None, *, hours: float, megabytes: float, entries: int = 512
    ) -> None:
        most = int(megabytes * 1e6)
        self._shared = SharedReplies(database, hours=hours, megabytes=megabytes)
        self._seconds = hours * 3600
        self._longest = min(LONGEST, most)
        self._lock = threading.Lock()
        self._recent = RecentReplies(entries, min(most, PROCESS_BYTES))
        self._flights: dict[tuple[str, str], _Flight] = {}
        self._counters = Counters()

    def get(
        self,
        tenant: str,
        model: str,
        request: ModelRequest,
        deadline: Deadline,
        call: Callable[[], ModelReply],
        *,
        is_valid: Judge = lambda reply: True,
    ) -> ModelReply:
        """Return the cached reply, or that of an equal call under way, or `call`'s own.

        A reply that is not valid is not kept, and dropped where it was. The caller decides that
        `request` may be cached. Without a tenant nothing leaves this process. Raises what `call`
        raises, and ModelUnavailable when another's call did not end before the deadline. After a
        failure the next of the waiting callers tries.
        """
        question = Question(tenant, digest([model, request]), model, uuid.uuid4().hex, is_valid)
        place = (tenant, question.key)
        while True:
            with self._lock:
                kept = self._recent.get(place, is_valid)
                flight = self._flights.get(place)
                if kept is None and flight is None:
                    mine = self._flights[place] = _Flight()
                    break
            if kept is None and flight is not None:
                self._wait(flight, question, deadline)
                kept = flight.reply
            if kept is not None:
                return self._hit(kept, "process")
        try:
            return self._lead(mine, question, deadline, call)
        finally:
            self._land(mine, question, mine.reply)

    def counters(self) -> Counters:
        """Return the counts since this process's cache was made."""
        with self._lock:
            return self._counters

    def savings(self, tenant: str) -> Savings:
        """Return the savings of `tenant` in all processes through Postgres; raises
        DatabaseUnavailable."""
        return self._shared.savings(tenant)

    def expire(self) -> int:
        """Delete and count the expired replies of all tenants; raises DatabaseUnavailable. Once a
        day is enough."""
        return self._shared.expire()

    def _wait(self, flight: _Flight, question: Question, deadline: Deadline) -> None:
        self._count(Counters(waits=1))
        if not flight.landed.wait(max(0.0, deadline.left)):
            raise _too_late(question, deadline)

    def _lead(
        self,
        flight: _Flight,
        question: Question,
        deadline: Deadline,
        call: Callable[[], ModelReply],
    ) -> ModelReply:
        """Get the reply for all threads of this process that ask the same."""
        found = self._find(question, deadline)
        if found.reply is not None:
            self._remember(question, found.reply, found.size, found.fresh_for)
            self._land(flight, question, found.reply)
            return self._hit(found.reply, "shared")
        return self._call(flight, question, deadline, call)

    def _find(self, question: Question, deadline: Deadline) -> CacheLookup:
        """Look into Postgres until it has the reply or gives us the claim to call."""
        found = self._shared.find(question, deadline)
        if found.reply is None and not found.call:
            self._count(Counters(waits=1))
        pause = _FIRST_PAUSE
        while found.reply is None and not found.call:
            if (left := deadline.left) <= 0:
                raise _too_late(question, deadline)
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            found = self._shared.find(question, deadline)
        return found

    def _call(
        self,
        flight: _Flight,
        question: Question,
        deadline: Deadline,
        call: Callable[[], ModelReply],
    ) -> ModelReply:
        self._count(Counters(misses=1))
        try:
            reply = call()
        except (
            BaseException
        ):  # an interrupt too: its waiters must not wait for a call that has ended
            self._land(flight, question, None)
            self._shared.release(question, deadline)
            raise
        # A copy, because the caller may change the arguments of the reply's calls.
        kept = replace(reply, calls=deepcopy(reply.calls))
        text = written(kept, self._longest) if question.is_valid(kept) else None
        if text is not None:
            self._remember(question, kept, len(text.encode()), self._seconds)
        # The waiters of this process need not wait for Postgres as well.
        self._land(flight, question, kept)
        if text is None:
            self._shared.excuse(question, deadline)
        else:
            self._shared.keep(question, kept, text, deadline)
        return reply

    def _remember(self, question: Question, reply: ModelReply, size: int, seconds: float) -> None:
        with self._lock:
            self._recent.put((question.tenant, question.key), reply, size, seconds)

    def _land(self, flight: _Flight, question: Question, reply: ModelReply | None) -> None:
        """End the flight, if it has not ended, and wake its waiters."""
        if flight.landed.is_set():
            return
        with self._lock:
            del self._flights[question.tenant, question.key]
        flight.reply = reply
        flight.landed.set()

    def _hit(self, reply: ModelReply, source: Literal["process", "shared"]) -> ModelReply:
        self._count(
            Counters(
                process_hits=int(source == "process"),
                shared_hits=int(source == "shared"),
                saved=reply.cost or 0.0,
                saved_tokens=reply.usage.input + reply.usage.output,
            )
        )
        return served(reply, source)

    def _count(self, more: Counters) -> None:
        with self._lock:
            self._counters = Counters(*map(add, self._counters, more))


def _too_late(question: Question, deadline: Deadline) -> ModelUnavailable:
    return ModelUnavailable(
        f"{question.model}: another call for the same answer did not end within"
        f" {deadline.seconds:g} s; give the flow more time, or look why the model is slow"
    )
