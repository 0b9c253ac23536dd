"""Gives every memory a vector of the wanted embedder, while the old one still answers."""

import time
import uuid
from collections.abc import Callable

from shared.database import Database, Row, Statement, queries
from shared.errors import BudgetExceeded
from shared.log import log
from shared.memory.embedding.embedder import Embedder
from shared.memory.embedding.tenant_embedders import TenantEmbedders
from shared.memory.embedding.vectors import as_text, check_vectors
from shared.memory.store import EMBEDDED_CHARACTERS

SQL = queries(__file__, "reembedding.sql")

#: Seconds after which every writer knows of a change: KNOWN_FOR, and the longest run, which may
#: commit at its end what it embedded at its beginning.
SETTLED = 20 * 60.0
#: Memories embedded between two commits.
_BATCH = 128
#: Vectors deleted between two commits.
_CLEARED = 1_000
#: Seconds after which another worker takes over from one that died.
_LEASE = 300.0
#: The next batch may take this many times as long as the slowest so far.
_MARGIN = 1.5


class Reembedding:
    """Changes the embedders in one database.

    Every step is one transaction that can be repeated, so after a crash the next `advance` goes on.
    """

    def __init__(
        self,
        database: Database,
        embedders: TenantEmbedders,
        *,
        batch: int = _BATCH,
        settled: float = SETTLED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._embedders = embedders
        self._batch = batch
        self._settled = settled
        self._clock = clock

    def advance(self, tenant: str, seconds_left: float) -> dict[str, int]:
        """Advance the change of `tenant`; count memories `embedded` and `refused`, embedders
        `switched` and vectors `deleted`, and tell with `busy` that another worker is at it.

        It stops between two batches, before `seconds_left` are over. Raises what embedders raise,
        and DatabaseUnavailable.
        """
        until = self._clock() + seconds_left
        done = {"embedded": 0, "refused": 0, "switched": 0, "deleted": 0, "busy": 0}
        appointed = self._embedders.read(tenant, appoint=True)
        wanted = self._embedders.wants(tenant)
        self._run(tenant, "stop", wanted=wanted)
        answering = next(each.embedder for each in appointed if each.state == "answering")
        for name in dict.fromkeys([wanted, answering]):
            if embedder := self._embedders.built(tenant, name):
                self._fill(tenant, embedder, until, done)
        if wanted != answering:
            self._switch(tenant, answering, wanted, done)
        self._clear(tenant, until, done)
        self._embedders.read(tenant)
        return done

    def _fill(self, tenant: str, embedder: Embedder, until: float, done: dict[str, int]) -> None:
        """Embed the memories that lack a vector of `embedder`, until all have one or time is up."""
        owner = uuid.uuid4().hex
        after, slowest = 0, 0.0
        try:
            while (begun := self._clock()) + slowest * _MARGIN < until:
                held, rows = self._next(tenant, embedder.name, owner, after)
                done["busy"] |= not held
                if not held or not rows:
                    return
                self._embed(tenant, embedder, rows, done)
                after = rows[-1]["seq"]
                slowest = max(slowest, self._clock() - begun)
        except BudgetExceeded as err:
            log("memory: vectors wait for the budget", tenant=tenant, reason=str(err))
        finally:
            self._run(tenant, "free", embedder=embedder.name, owner=owner)

    def _next(self, tenant: str, name: str, owner: str, after: int) -> tuple[list[Row], list[Row]]:
        about = {"tenant": tenant, "embedder": name, "owner": owner, "lease": _LEASE}
        about |= {"after": after, "limit": self._batch, "characters": EMBEDDED_CHARACTERS}
        statements = [Statement(SQL["hold"], about), Statement(SQL["missing"], about)]
        held, rows = self._database.run(tenant, statements)
        return held, rows

    def _embed(
        self, tenant: str, embedder: Embedder, rows: list[Row], done: dict[str, int]
    ) -> None:
        """Keep the vectors of memories, and which of them the embedder refuses."""
        vectors = embedder.embed([row["text"] for row in rows])
        check_vectors(embedder, vectors, len(rows))
        taken = [pair for pair in zip(rows, vectors, strict=True) if pair[1]]
        about = {"embedder": embedder.name, "dimensions": embedder.dimensions}
        kept = self._run(
            tenant,
            "keep",
            **about,
            ids=[row["id"] for row, _ in taken],
            digests=[row["digest"] for row, _ in taken],
            embeddings=[as_text(vector) for _, vector in taken],
        )
        done["embedded"] += len(kept)
        if refused := [row for row, vector in zip(rows, vectors, strict=True) if not vector]:
            ids, digests = [row["id"] for row in refused], [row["digest"] for row in refused]
            self._run(tenant, "refuse", embedder=embedder.name, ids=ids, digests=digests)
            done["refused"] += len(refused)

    def _switch(self, tenant: str, old: str, new: str, done: dict[str, int]) -> None:
        """Let the new embedder answer if every memory has a vector of it."""
        # An embedder that cannot be built has no writers to wait for.
        settled = self._settled if self._embedders.built(tenant, old) else 0.0
        about = {"tenant": tenant, "embedder": new, "settled": settled}
        statements = [Statement(SQL[name], about) for name in ("turn", "retire", "promote")]
        *_, promoted = self._database.run(tenant, statements)
        if promoted:
            done["switched"] = 1
            log("memory: another embedder answers", tenant=tenant, before=old, now=new)

    def _clear(self, tenant: str, until: float, done: dict[str, int]) -> None:
        """Delete the vectors of retired embedders that no process asks for any more."""
        for row in self._run(tenant, "retired", settled=self._settled):
            name = row["embedder"]
            while self._clock() < until:
                gone = self._run(tenant, "clear", embedder=name, limit=_CLEARED)
                done["deleted"] += len(gone)
                if len(gone) < _CLEARED:
                    self._run(tenant, "clear_kept", embedder=name)
                    self._run(tenant, "dismiss", embedder=name)
                    break

    def _run(self, tenant: str, name: str, **parameters: object) -> list[Row]:
        [rows] = self._database.run(tenant, [Statement(SQL[name], {"tenant": tenant} | parameters)])
        return rows
