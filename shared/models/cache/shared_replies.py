"""The shared half of the prompt cache: replies and claims in Postgres, which may fail at any
time."""

import itertools
import json
import threading
import time
from collections.abc import Sequence
from typing import NamedTuple

import psycopg

from shared.database import Database, Row, Statement, queries
from shared.errors import DatabaseUnavailable
from shared.log import log
from shared.models import ModelReply
from shared.models.answers.judging import Judge
from shared.models.cache.recent_replies import read
from shared.models.deadline import Deadline

SQL = queries(__file__, "shared_replies.sql")

#: Seconds without a call to Postgres after it failed.
REST = 30.0
#: The longest claim, in seconds: a call that takes longer may be made a second time.
LONGEST_LEASE = 120.0
#: The first and then every so many stored replies delete the expired ones.
SWEPT_EVERY = 64
#: Seconds without waiting for others after a reply that was not worth keeping.
EXCUSED = 60.0


class Question(NamedTuple):
    """One request under way: `owner` identifies its claim, `is_valid` judges replies."""

    tenant: str
    key: str
    model: str
    owner: str
    is_valid: Judge

    @property
    def row(self) -> dict[str, object]:
        return {"tenant": self.tenant, "key": self.key, "model": self.model, "owner": self.owner}


class CacheLookup(NamedTuple):
    """The cached reply, the bytes of its JSON and the seconds until it expires; without a reply,
    `call` is True when no other process calls."""

    reply: ModelReply | None = None
    size: int = 0
    fresh_for: float = 0.0
    call: bool = False


class Savings(NamedTuple):
    """The savings of a tenant's shared cache in US dollars and tokens, and its size in bytes."""

    hits: int = 0
    saved: float = 0.0
    saved_tokens: int = 0
    bytes: int = 0


#: The result without Postgres or without a tenant: nothing is shared.
ALONE = CacheLookup(call=True)


class SharedReplies:
    """The replies of one database, or of none. Thread-safe. Only `savings` and `expire` raise."""

    def __init__(self, database: Database | None, *, hours: float, megabytes: float) -> None:
        self._database = database
        self._seconds = hours * 3600
        self._most = int(megabytes * 1e6)
        self._keeps = itertools.count()
        self._turn = threading.Lock()
        self._rests_until = 0.0

    def find(self, question: Question, deadline: Deadline) -> CacheLookup:
        """Return the reply, or claim the question if it is free; one round trip."""
        lease = max(1.0, min(deadline.left, LONGEST_LEASE))
        find = Statement(SQL["find"], question.row | {"lease": lease})
        statements = [find]
        while rows := self._run(question, statements, deadline):
            [found] = rows[-1]
            if found["reply"] is None:
                return CacheLookup(call=found["claimed"] or found["not_worth_keeping"])
            reply = read(json.loads(found["reply"]))
            if reply and question.is_valid(reply):
                return CacheLookup(reply, len(found["reply"].encode()), found["fresh_for"])
            log("prompt cache discards what it cannot use", key=question.key[:12])
            unread = question.row | {"reply": found["reply"]}
            statements = [Statement(SQL["discard"], unread), find]
        return ALONE

    def keep(self, question: Question, reply: ModelReply, text: str, deadline: Deadline) -> None:
        """Store `reply`, whose JSON is `text`, and end the claim: one round trip, rarely a second
        one to make room."""
        row = question.row | {
            "reply": text,
            "bytes": len(text.encode()),
            "cost": reply.cost,
            "tokens": reply.usage.input + reply.usage.output,
            "seconds": self._seconds,
            "most": self._most,
        }
        lock, keep, make_room = (Statement(SQL[n], row) for n in ("lock", "keep", "make_room"))
        rows = self._run(question, [lock, keep], deadline)
        if rows and (rows[1][0]["too_much"] or next(self._keeps) % SWEPT_EVERY == 0):
            self._run(question, [lock, make_room], deadline)

    def release(self, question: Question, deadline: Deadline) -> None:
        """End the claim after a failure: the next caller tries at once."""
        self._run(question, [Statement(SQL["release"], question.row)], deadline)

    def excuse(self, question: Question, deadline: Deadline) -> None:
        """End the claim because the reply was not worth keeping: for a while callers do not
        wait."""
        row = question.row | {"seconds": EXCUSED}
        self._run(question, [Statement(SQL["excuse"], row)], deadline)

    def savings(self, tenant: str) -> Savings:
        """Return the savings of `tenant` since the beginning; raises DatabaseUnavailable."""
        if self._database is None:
            return Savings()
        [[row]] = self._database.run(tenant, [Statement(SQL["savings"], {"tenant": tenant})])
        return Savings(**row)

    def expire(self) -> int:
        """Delete and count the expired replies of all tenants; raises DatabaseUnavailable."""
        if self._database is None:
            return 0
        return int(self._database.run("", [Statement(SQL["expire"], {})])[0][0]["expired"])

    def _run(
        self, question: Question, statements: Sequence[Statement], deadline: Deadline
    ) -> list[list[Row]] | None:
        """Return the rows, or None when nothing is shared or Postgres failed lately.

        Threads take turns, so that only one waits when Postgres does not answer.
        """
        if self._database is None or not question.tenant:
            return None
        # A reply that came at the last moment is still worth a second.
        if not self._turn.acquire(timeout=max(1.0, deadline.left)):
            return None
        try:
            if time.monotonic() < self._rests_until:
                return None
            return self._database.run(question.tenant, statements)
        # Also errors of a server that became read-only or denies rights: a model call must not fail
        # because its answer could not be shared.
        except (DatabaseUnavailable, psycopg.Error) as err:
            self._rests_until = time.monotonic() + REST
            reason = getattr(err, "sqlstate", None) or type(err).__name__
            log("prompt cache goes on without Postgres", reason=reason, seconds=REST)
            return None
        finally:
            self._turn.release()
