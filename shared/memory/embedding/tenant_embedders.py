"""The embedders of each tenant: the wanted one, and the old one while the new one is built.

    the tenant's first embedder   answering  at once
    another one is wanted         building   until Reembedding has given every memory its vector
    it has a vector of each       answering  in one step, in which the old one becomes
                                  retired    until no process asks for it; then its vectors go

A new memory gets a vector of each, so a process finds it whichever embedder it takes to answer.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from shared.database import Database, Row, Statement, queries
from shared.errors import SettingsError
from shared.log import log
from shared.memory.embedding.embedder import Embedder
from shared.memory.embedding.local_embedders import LOCAL, local_embedder
from shared.memory.embedding.vector_cache import VectorCache

SQL = queries(__file__, "tenant_embedders.sql")

#: Seconds for which a process trusts what it read. After them nobody writes for a retired one.
KNOWN_FOR = 60.0
_MOST_TENANTS = 1024

EmbedderState = Literal["answering", "building", "retired"]


@runtime_checkable
class Embedders(Protocol):
    """The embedders of each tenant."""

    def keeping(self, tenant: str) -> Sequence[Embedder]:
        """Return the embedders of which a new memory gets a vector."""
        ...

    def answering(self, tenant: str) -> Embedder | None:
        """Return the embedder that questions are compared by.

        None when it cannot be built here; then words alone find memories.
        """
        ...


class OneEmbedder:
    """The same embedder for all tenants, for tests and benchmarks."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    def keeping(self, tenant: str) -> Sequence[Embedder]:
        return [self._embedder]

    def answering(self, tenant: str) -> Embedder | None:
        return self._embedder


class AppointedEmbedder(NamedTuple):
    """One embedder of a tenant; its state is `age` seconds old."""

    embedder: str
    dimensions: int
    state: EmbedderState
    age: float


class _Known(NamedTuple):
    at: float
    appointed: Sequence[AppointedEmbedder]


class TenantEmbedders:
    """The embedders of each tenant of one database. Thread-safe.

    `wanted` is MODEL_EMBED. `connect` builds an embedder behind an API by its name, or raises
    SettingsError. With `offline` a tenant keeps the local embedder that it has, so machines with
    and without MiniLM can share a database.
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
        self._cache = VectorCache(database)
        self._wanted = local_embedder(wanted) or connect(wanted)
        self._instead = LOCAL if wanted == "offline" else (self._wanted.name,)
        self._lock = threading.Lock()
        self._known: dict[str, _Known] = {}
        self._built: dict[str, Embedder | None] = {self._wanted.name: self._wanted}

    def keeping(self, tenant: str) -> Sequence[Embedder]:
        """Return the embedders of which a new memory gets a vector.

        Raises DatabaseUnavailable, and SettingsError when an embedder of the same name has other
        dimensions now.
        """
        known = self._of(tenant)
        elapsed = self._clock() - known.at
        names = [
            each.embedder
            for each in known.appointed
            if each.state != "retired" or each.age + elapsed < KNOWN_FOR
        ]
        return [built for name in names if (built := self.built(tenant, name))]

    def answering(self, tenant: str) -> Embedder | None:
        """Return the embedder that questions are compared by; raises what `keeping` raises."""
        [name] = [each.embedder for each in self._of(tenant).appointed if each.state == "answering"]
        return self.built(tenant, name)

    def read(self, tenant: str, *, appoint: bool = False) -> Sequence[AppointedEmbedder]:
        """Read the tenant's embedders; first appoint the wanted one with `appoint`, or if the
        tenant has none."""
        rows: list[Row] = []
        if not appoint:
            [rows] = self._database.run(tenant, [Statement(SQL["appointed"], {"tenant": tenant})])
        if not rows:
            rows = self._appoint(tenant)
        appointed = [AppointedEmbedder(**row) for row in rows]
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
        """Return the name of the embedder that `tenant` should have."""
        for each in self._of(tenant).appointed:
            if each.state == "answering" and each.embedder in self._instead:
                return each.embedder
        return self._wanted.name

    def built(self, tenant: str, name: str) -> Embedder | None:
        """Return the embedder `name` with the tenant's cache; None if it cannot be built here."""
        with self._lock:
            if name not in self._built:
                self._built[name] = self._build(name)
            embedder = self._built[name]
        if embedder is None or name in LOCAL:
            return embedder
        return self._cache.of(tenant, embedder)

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
            # A process appoints once: one with older settings must not undo what a newer one wants.
            self.read(tenant, appoint=known is None)
            with self._lock:
                known = self._known[tenant]
        return known
