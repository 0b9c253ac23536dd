"""Which embedders keep and answer for a tenant: the wanted one, and while it is built the old one.

    wanted for the first time   answering at once
    another one is wanted       building   Reembedding gives every memory a vector of it
    it has them all             answering  in one step; the old one is
                                retired    until nobody can still ask for it; then its vectors go

A new memory gets a vector of each, so whichever a process takes for the one that answers finds it.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from shared.database import Database, Row, Statement, queries
from shared.errors import SettingsError
from shared.log import log
from shared.memory.embedding.local_embedders import LOCAL, Embedder, local_embedder
from shared.memory.embedding.vector_cache import Embeddings

SQL = queries(__file__, "tenant_embedders.sql")

#: Seconds for which a process goes by what it read; after so long nobody writes for a retired one.
KNOWN_FOR = 60.0
_MOST_TENANTS = 1024

State = Literal["answering", "building", "retired"]


@runtime_checkable
class Embedders(Protocol):
    """What a store asks: whose vectors a new memory gets, and whose are compared with a question.

    None answers when it cannot be built here: then words alone find memories.
    """

    def keeping(self, tenant: str) -> Sequence[Embedder]: ...

    def answering(self, tenant: str) -> Embedder | None: ...


class Only:
    """One embedder for all tenants, which nothing changes: for tests and benchmarks."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def keeping(self, tenant: str) -> Sequence[Embedder]:
        return [self._embedder]

    def answering(self, tenant: str) -> Embedder | None:
        return self._embedder


class Appointed(NamedTuple):
    """One embedder of a tenant, and for how many seconds it has been in that state."""

    embedder: str
    dimensions: int
    state: State
    age: float


class _Known(NamedTuple):
    at: float
    appointed: Sequence[Appointed]


class TenantEmbedders:
    """The embedders of each tenant of one database. Thread-safe.

    `wanted` is MODEL_EMBED; `connect` builds the embedders behind an API, by name, and raises
    SettingsError. `offline` asks for no change between the local ones: it takes what the tenant
    has, so that machines with and without MiniLM can share a database.
    """

    def __init__(
        self,
        database: Database,
        wanted: str,
        connect: Callable[[str], Embedder],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._connect = connect
        self._clock = clock
        self._embeddings = Embeddings(database)
        self._wanted = local_embedder(wanted) or connect(wanted)
        self._instead = LOCAL if wanted == "offline" else (self._wanted.name,)
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._built: dict[str, Embedder | None] = {self._wanted.name: self._wanted}

    def keeping(self, tenant: str) -> Sequence[Embedder]:
        """Return those that a new memory gets a vector of; raises DatabaseUnavailable, and
        SettingsError when the dimensions of a name have changed."""
        known = self._of(tenant)
        elapsed = self._clock() - known.at
        names = [
            each.embedder
            for each in known.appointed
            if each.state != "retired" or each.age + elapsed < KNOWN_FOR
        ]
        return [built for name in names if (built := self.built(tenant, name))]

    def answering(self, tenant: str) -> Embedder | None:
        """Return the one that questions are compared by; raises what `keeping` raises."""
        [name] = [each.embedder for each in self._of(tenant).appointed if each.state == "answering"]
        return self.built(tenant, name)

    def read(self, tenant: str, *, appoint: bool = False) -> Sequence[Appointed]:
        """Return those that there are now; with `appoint`, or where there is none, say first which
        is wanted."""
        rows: list[Row] = []
        if not appoint:
            [rows] = self._database.run(tenant, [Statement(SQL["appointed"], {"tenant": tenant})])
        if not rows:
            rows = self._appoint(tenant)
        appointed = [Appointed(**row) for row in rows]
        with self._lock:
            while len(self._known) >= _MOST_TENANTS:
                del self._known[next(iter(self._known))]
            self._known[tenant] = _Known(self._clock(), appointed)
        return appointed

    def _appoint(self, tenant: str) -> list[Row]:
        name, dimensions = self._wanted.name, self._wanted.dimensions
        about = {
            "tenant": tenant,
            "embedder": name,
            "dimensions": dimensions,
            "instead": list(self._instead),
        }
        statements = [Statement(SQL[each], about) for each in ("lock", "appoint", "appointed")]
        *_, rows = self._database.run(tenant, statements)
        for row in rows:
            if row["embedder"] == name and row["dimensions"] != dimensions:
                raise SettingsError(
                    f"MODEL_EMBED={name} has {dimensions} dimensions now, and {row['dimensions']}"
                    f" in memory; write MODEL_EMBED={name}@{dimensions}"
                )
        return rows

    def wants(self, tenant: str) -> str:
        """Return the name of the one that is wanted for `tenant`."""
        for each in self._of(tenant).appointed:
            if each.state == "answering" and each.embedder in self._instead:
                return each.embedder
        return self._wanted.name

    def built(self, tenant: str, name: str) -> Embedder | None:
        """Return the embedder as it is asked for `tenant`, None when it cannot be built here."""
        with self._lock:
            if name not in self._built:
                self._built[name] = self._build(name)
            embedder = self._built[name]
        if embedder is None or name in LOCAL:
            return embedder
        return self._embeddings.of(tenant, embedder)

    def _build(self, name: str) -> Embedder | None:
        try:
            return local_embedder(name) or self._connect(name)
        except SettingsError as err:
            log(
                "memory: an embedder cannot be built; where it answers, words alone find memories",
                embedder=name,
                reason=str(err),
            )
            return None

    def _of(self, tenant: str) -> _Known:
        with self._lock:
            known = self._known.get(tenant)
        if known is None or self._clock() - known.at >= KNOWN_FOR:
            # Said once per process: one with older settings must not undo what a newer one wants.
            self.read(tenant, appoint=known is None)
            with self._lock:
                known = self._known[tenant]
        return known
