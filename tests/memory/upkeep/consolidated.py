"""What the tests of consolidation share: memories of any age and use, and what became of them."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg.rows import dict_row

from shared.database import OPERATOR, Database
from shared.memory import Entry
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.embedding.tenant_embedders import OneEmbedder
from shared.memory.store import MemoryStore
from shared.memory.upkeep.consolidation import Consolidation, undo

TENANT = "github:acme"
Row = dict[str, Any]


class Memories:
    """The memories of a tenant, seen past row level security."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url, patience=5, role=OPERATOR)
        self.store = MemoryStore(self.database, HashingEmbedder())
        self.consolidation = self.consolidator()

    def consolidator(self, database: Database | None = None, **options: int) -> Consolidation:
        given = {"unused_days": 180} | options
        return Consolidation(database or self.database, OneEmbedder(HashingEmbedder()), **given)

    def keep(
        self, text: str, ref: str = "", *, days: float = 1, uses: int = 0, **changes: Any
    ) -> str:
        """Remember a text as of `days` ago, used so often then, and return its id."""
        ref = ref or f"text {text}"
        kind = changes.pop("kind", "episode")
        tenant = changes.pop("tenant", TENANT)
        place = {"audience": "public", "source": "github:acme/shop", "trust": "inside"} | changes
        statements = self.store.remember_all(tenant, [Entry(text, kind, ref, **place)])
        self.database.run(tenant, statements)
        [row] = self.rows(
            "update memories set remembered_at = now() - make_interval(secs => %(age)s),"
            " uses = %(uses)s where tenant = %(tenant)s and kind = %(kind)s and ref = %(ref)s"
            " and flow = %(flow)s and valid_until is null returning id::text",
            age=days * 86400,
            uses=uses,
            tenant=tenant,
            kind=kind,
            ref=ref,
            flow=place.get("flow", ""),
        )
        return str(row["id"])

    def keep_many(self, texts: Sequence[str], *, days: float = 1) -> None:
        """Remember episodes as of `days` ago, in one transaction."""
        entries = [
            Entry(text, "episode", f"text {text}", "public", source="github:acme/shop")
            for text in texts
        ]
        self.database.run(TENANT, self.store.remember_all(TENANT, entries))
        self.rows(
            "update memories set remembered_at = now() - make_interval(secs => %(age)s)",
            age=days * 86400,
        )

    def run(self, tenant: str = TENANT, seconds: float = 30) -> dict[str, int]:
        """Consolidate as on another day, and return what changed."""
        self.rows("update consolidation_progress set finished_at = now() - interval '25 hours'")
        done = self.consolidation.run(tenant, seconds)
        return {what: n for what, n in done.items() if n and what != "compared"}

    def texts(self, tenant: str = TENANT) -> list[str]:
        """What holds, oldest first."""
        found = self.rows(
            "select text from memories where tenant = %(tenant)s and valid_until is null"
            " order by seq",
            tenant=tenant,
        )
        return [row["text"] for row in found]

    def state(self) -> Sequence[Row]:
        """Everything about the memories and their vectors."""
        return self.rows(
            "select m.*, (select json_agg(json_build_array(v.embedder, v.valid_until, v.audience))"
            " from memory_vectors v where v.memory = m.id) as vectors from memories m order by seq"
        )

    def changes(self) -> list[Row]:
        return self.rows("select * from consolidations order by at, id")

    def undo(self, tenant: str = TENANT) -> Any:
        """Undo the newest change."""
        return undo(self.database, tenant, self.changes()[-1]["id"])

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        with psycopg.connect(self.url, autocommit=True, row_factory=dict_row) as connection:
            cursor = connection.execute(sql.encode(), parameters)
            return cursor.fetchall() if cursor.description else []
