"""Fills a database with generated memories of four tenants, by way of the store; can be resumed."""

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.generated_memories import BLOCK, DIMENSIONS, Floats, Generated, MemoryBlock
from infra.local.postgres import EmbeddedPostgres
from infra.migrations import migrate
from shared.database import Database, Statement, queries
from shared.errors import SettingsError
from shared.events import PUBLIC
from shared.memory import Entry
from shared.memory.embedding.embedder import Purpose
from shared.memory.store import MemoryStore

SQL = queries(__file__, "memory_load.sql")

#: How many memories the tenants have, of what is asked for.
SHARES = (1.0, 0.1, 0.01, 0.001)
MEMORIES = 100_000
#: Triggers and foreign keys keep the plan of their first use, which is to read all of a table while
#: it is empty; new statistics end that.
_ANALYZE_AT = (BLOCK, 16 * BLOCK)
#: What an index is built in, in bytes a memory and in all. With less, building is several times
#: slower; much more is filled with zeros first.
_BUILD_MEMORY, _BUILD_LEAST = 2_500, 64 * 2**20

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Tenant:
    """One of the four; `number` is what its memories are generated from."""

    number: int
    memories: int

    @property
    def name(self) -> str:
        return f"benchmark:{self.number}"

    def vectors(self, generated: Generated) -> Iterator[Floats]:
        """All its vectors in order, a block at a time."""
        for start in range(0, self.memories, BLOCK):
            yield generated.block(self.number, start // BLOCK).vectors[: self.memories - start]


class GivenVectors:
    """An embedder that knows its texts: what embedding takes is not measured."""

    asymmetric = False
    name = "benchmark"
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self._known: dict[str, list[float]] = {}

    def know(self, block: MemoryBlock) -> None:
        """Replace what is known."""
        self._known = dict(zip(block.texts, block.vectors.tolist(), strict=True))

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        return [self._known[text] for text in texts]


@dataclass(frozen=True)
class Loaded:
    """A filled database, and what filling it took; zero where it was filled before."""

    url: str
    tenants: Sequence[Tenant]
    generated: Generated
    rows: int
    seconds: float
    build_seconds: float

    @property
    def memories(self) -> int:
        return sum(tenant.memories for tenant in self.tenants)


@contextmanager
def loaded(memories: int, keep: Path | None) -> Iterator[Loaded]:
    """Start a server and load what is missing; with `keep` it stays there for the next time.

    Raises SettingsError when `keep` holds more than is asked for.
    """
    folder = keep or Path(tempfile.mkdtemp(prefix="agent-flows-memories-"))
    folder.mkdir(parents=True, exist_ok=True)
    if not keep:
        folder.chmod(0o711)  # Postgres runs as another user when this one is root.
    postgres = EmbeddedPostgres(folder / "postgres", settings={"shared_buffers": _buffers()})
    try:
        url = postgres.start()
        migrate(url)
        yield fill(url, tenants_of(memories))
    finally:
        if keep:
            postgres.stop()
        else:
            postgres.erase()
            shutil.rmtree(folder, ignore_errors=True)


def _buffers() -> str:
    """A quarter of the machine's memory, as a server that does nothing else has.

    https://www.postgresql.org/docs/current/runtime-config-resource.html#GUC-SHARED-BUFFERS
    """
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') // 4 // 1024}kB"


def tenants_of(memories: int) -> list[Tenant]:
    return [Tenant(number, max(round(memories * share), 1)) for number, share in enumerate(SHARES)]


def fill(url: str, tenants: Sequence[Tenant]) -> Loaded:
    """Load what the tenants lack without the costly indexes, then build those."""
    generated = Generated()
    with psycopg.connect(url, autocommit=True) as owner:
        missing = [(tenant, _held(owner, tenant)) for tenant in tenants]
        rows = sum(tenant.memories - held for tenant, held in missing)
        if rows:
            _drop_indexes(owner)
        began = time.perf_counter()
        for tenant, held in missing:
            _remember(owner, url, generated, tenant, held)
        seconds = time.perf_counter() - began
        build_seconds = _build_indexes(owner, sum(tenant.memories for tenant in tenants))
        if rows:
            owner.execute(SQL["vacuum"])
    return Loaded(url, tenants, generated, rows, seconds, build_seconds)


def build_bytes(memories: int) -> str:
    """What an index over so many is built in, for maintenance_work_mem."""
    return f"{(_BUILD_LEAST + _BUILD_MEMORY * memories) // 1024}kB"


def kept(store: MemoryStore, tenant: str, texts: Sequence[str], first: int) -> list[Statement]:
    """The statements that remember the texts as memories `first` and following."""
    return store.remember_all(
        tenant,
        [
            Entry(text, "episode", str(first + place), PUBLIC, source="benchmark")
            for place, text in enumerate(texts)
        ],
    )


def _held(owner: Connection, tenant: Tenant) -> int:
    [(held,)] = owner.execute(SQL["count_memories"], [tenant.name]).fetchall()
    if held > tenant.memories:
        raise SettingsError(
            f"--keep holds {held:,} memories of a tenant that should have {tenant.memories:,};"
            " ask for as many with --memories, or name another directory"
        )
    return int(held)


def _remember(owner: Connection, url: str, generated: Generated, tenant: Tenant, held: int) -> None:
    """Remember what is missing; a block is a transaction, so what is held is always the beginning.

    What remember_all returns is prepared once here, which takes a third of the server's time. While
    one block is on its way the next is made.
    """
    embedder = GivenVectors()
    with (
        Database(url) as database,
        psycopg.connect(url, autocommit=True, prepare_threshold=0) as connection,
        ThreadPoolExecutor(1) as thread,
    ):
        store = MemoryStore(database, embedder)
        connection.execute(SQL["act_as_function"])
        sent: Future[None] | None = None
        for start in range(held // BLOCK * BLOCK, tenant.memories, BLOCK):
            block = generated.block(tenant.number, start // BLOCK)
            embedder.know(block)
            texts = block.texts[: tenant.memories - start]
            statements = kept(store, tenant.name, texts, start)
            if sent:
                sent.result()
            if start in _ANALYZE_AT:
                owner.execute(SQL["analyze"])
            sent = thread.submit(_send, connection, tenant.name, statements)
            done = f"\r  {tenant.name}: {start + len(texts):,} of {tenant.memories:,} memories  "
            print(done, end="", file=sys.stderr, flush=True)
        if sent:
            sent.result()
            print(file=sys.stderr)


def _send(connection: Connection, tenant: str, statements: Sequence[Statement]) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute(SQL["act_for"], [tenant])
        for sql, equal in groupby(statements, lambda statement: statement.sql):
            cursor.executemany(sql, [statement.parameters for statement in equal])


def _drop_indexes(owner: Connection) -> None:
    with owner.transaction():
        for name in ("make_notes", "note_indexes", "drop_indexes"):
            owner.execute(SQL[name])


def _build_indexes(owner: Connection, memories: int) -> float:
    """Build what is noted, each in a transaction; return the seconds."""
    owner.execute(SQL["make_notes"])
    owner.execute(SQL["build_within"], [build_bytes(memories)])
    began = time.perf_counter()
    for (definition,) in owner.execute(SQL["noted_indexes"]).fetchall():
        print(f"  {definition} …", file=sys.stderr, flush=True)
        with owner.transaction():
            owner.execute(definition)
            owner.execute(SQL["forget_index"], [definition])
    return time.perf_counter() - began
