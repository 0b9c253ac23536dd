"""Learns how long the answers to a template are, to ask for no more output tokens than needed.

Providers count `max_tokens` against the account's limit when a call comes in, whatever it uses.
"""

import hashlib
import json
import math
import threading
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

from shared.database import Database, Statement, queries
from shared.models import AskModel, ModelReply, ModelRequest
from shared.models.answers.usage import with_total_usage

SQL = queries(__file__, "output_limits.sql")

#: Answers that must be known before the limit is lowered.
_ENOUGH = 20
_SHARE = 0.99
#: The limit, as a multiple of the tokens that this share of the answers needed.
_MARGIN = 1.25
_LEAST = 64
#: Each size is this multiple of the one before.
_STEP = 1.2
#: Observations of a tenant that wait to be written.
_MOST_UNSENT = 16
#: Templates that a process remembers.
_MOST_KNOWN = 1024


class _Key(NamedTuple):
    tenant: str
    template: str
    model: str


def template_of(request: ModelRequest) -> str:
    """Digest what requests of a kind share: the system prompt, the schema, the tools' names."""
    shared = [request.system, request.schema, [tool.name for tool in request.tools]]
    return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:32]


class OutputLimits:
    """The sizes of answers per tenant, template and model, in `database` or else in this process.
    Thread-safe."""

    def __init__(self, database: Database | None = None) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known: dict[_Key, Counter[int]] = {}
        self._unsent: Counter[tuple[_Key, int]] = Counter()
        #: Answers that were cut at a learnt limit and asked for again.
        self.cut = 0

    def ask(self, tenant: str, request: ModelRequest, model: str, call: AskModel) -> ModelReply:
        """Call with the learnt limit, and once more with the request's own when the answer was cut
        at it; usage and cost are then those of both calls."""
        limit = self.limit_for(tenant, request, model)
        reply = call(replace(request, max_tokens=limit))
        if reply.finish != "length" or limit >= request.max_tokens:
            self.observe(tenant, request, model, reply.usage.output)
            return reply
        with self._lock:
            self.cut += 1
        whole = call(request)
        self.observe(tenant, request, model, whole.usage.output)
        return with_total_usage([reply, whole])

    def limit_for(self, tenant: str, request: ModelRequest, model: str) -> int:
        """Return how many tokens to ask for; raises DatabaseUnavailable when it must be read."""
        sizes = self._sizes(_Key(tenant, template_of(request), model))
        with self._lock:
            needed = _needed(sizes)
        if needed is None:
            return request.max_tokens
        return min(request.max_tokens, max(_LEAST, math.ceil(needed * _MARGIN)))

    def observe(self, tenant: str, request: ModelRequest, model: str, output: int) -> None:
        """Count an answer of so many tokens, unless it was cut at a learnt limit."""
        key, size = _Key(tenant, template_of(request), model), _size(output)
        sizes = self._sizes(key)
        with self._lock:
            sizes[size] += 1
            if self._database is None:
                return
            self._unsent[key, size] += 1
            many = sum(n for (k, _), n in self._unsent.items() if k.tenant == tenant)
        if many >= _MOST_UNSENT:
            self.flush(tenant)

    def unsent(self, tenant: str) -> list[Statement]:
        """Take the statements that store the observations, to run them with others."""
        with self._lock:
            taken = {entry: n for entry, n in self._unsent.items() if entry[0].tenant == tenant}
            for entry in taken:
                del self._unsent[entry]
        return [
            Statement(SQL["count"], {**key._asdict(), "size": size, "answers": n})
            for (key, size), n in sorted(taken.items())
        ]

    def flush(self, tenant: str) -> None:
        """Store the observations; raises DatabaseUnavailable."""
        statements = self.unsent(tenant)
        if self._database and statements:
            self._database.run(tenant, statements)

    def _sizes(self, key: _Key) -> Counter[int]:
        with self._lock:
            if key in self._known:
                return self._known[key]
        loaded: Counter[int] = Counter()
        if self._database:
            [rows] = self._database.run(key.tenant, [Statement(SQL["load"], key._asdict())])
            loaded.update({row["size"]: row["answers"] for row in rows})
        with self._lock:
            while len(self._known) >= _MOST_KNOWN:
                del self._known[next(iter(self._known))]
            return self._known.setdefault(key, loaded)


def _size(output: int) -> int:
    """Return the number of the smallest size that holds so many tokens.

    >>> [_size(tokens) for tokens in (0, 1, 100, 101)]
    [0, 0, 26, 26]
    """
    return math.ceil(math.log(max(output, 1), _STEP) - 1e-9)


def _needed(sizes: Counter[int]) -> float | None:
    """Return the tokens that hold the wanted share of the answers, if enough are known."""
    total = sizes.total()
    if total < _ENOUGH:
        return None
    held = 0
    for size in sorted(sizes):
        held += sizes[size]
        if held >= _SHARE * total:
            break
    return float(_STEP**size)
