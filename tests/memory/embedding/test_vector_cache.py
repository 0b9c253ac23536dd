"""Vectors that are kept by the hash of their text: what is paid for once, and what is forgotten."""

import random
from collections.abc import Sequence
from contextlib import closing

import pytest

from shared.database import Database, Row, Statement
from shared.errors import SettingsError
from shared.memory import Entry
from shared.memory.embedding.embedder import Embedder, Purpose
from shared.memory.embedding.tenant_embedders import TenantEmbedders
from shared.memory.embedding.vector_cache import VectorCache
from shared.memory.store import MemoryStore

PUBLIC = frozenset({"public"})


class Paid:
    """An embedder that keeps account of what it is asked."""

    name = "api:paid"
    dimensions = 64

    def __init__(self, *, asymmetric: bool = False) -> None:
        self.asymmetric = asymmetric
        self.calls: list[tuple[str, int]] = []

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        self.calls.append((purpose, len(texts)))
        seeds = [random.Random(text + (purpose if self.asymmetric else "")) for text in texts]
        return [[seed.uniform(-1, 1) for _ in range(self.dimensions)] for seed in seeds]


class Wrong(Paid):
    def __init__(self, vector: list[float]) -> None:
        super().__init__()
        self._vector = vector

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        return [self._vector for _ in texts]


def rows(database: Database, sql: str, tenant: str = "acme") -> list[Row]:
    return database.run(tenant, [Statement(sql, {})])[0]


def process(database: Database, embedder: Embedder) -> MemoryStore:
    """The store of a process that has asked for nothing yet."""
    return MemoryStore(database, TenantEmbedders(database, embedder.name, lambda name: embedder))


def keep(database: Database, store: MemoryStore, *texts: str) -> None:
    entries = [Entry(text, "document", f"#{number}", "public") for number, text in enumerate(texts)]
    database.run("acme", store.remember_all("acme", entries))


def test_the_same_texts_again_cost_nothing_in_any_process(database: Database) -> None:
    paid = Paid()
    keep(database, process(database, paid), "one", "two", "one", " ")
    assert paid.calls == [("document", 2)]
    keep(database, process(database, paid), "one", "two", "three")
    assert paid.calls == [("document", 2), ("document", 1)]


def test_vectors_come_back_in_the_order_of_the_texts_and_as_they_were(database: Database) -> None:
    paid, texts = Paid(), [f"text {number % 700}" for number in range(1200)]
    fresh = VectorCache(database).of("acme", paid).embed(texts)
    again = VectorCache(database).of("acme", paid).embed(texts[::-1])
    assert sum(count for _, count in paid.calls) == 700
    expected = Paid().embed(texts)
    for right, first, second in zip(expected, fresh, again[::-1], strict=True):
        assert max(abs(a - b) for a, b in zip(right, first, strict=True)) < 1e-3
        assert max(abs(a - b) for a, b in zip(right, second, strict=True)) < 1e-3


def test_what_was_asked_and_is_then_remembered_is_embedded_once(database: Database) -> None:
    paid = Paid()
    store = process(database, paid)
    store.recall("acme", "The door is red", audiences=PUBLIC)
    keep(database, store, "The door is red")
    assert paid.calls == [("document", 1)]


def test_an_embedder_that_tells_questions_from_texts_is_told_which_is_which(
    database: Database,
) -> None:
    paid = Paid(asymmetric=True)
    store = process(database, paid)
    store.recall("acme", "The door is red", audiences=PUBLIC)
    keep(database, store, "The door is red")
    assert paid.calls == [("query", 1), ("document", 1)]
    keep(database, process(database, paid), "The door is red")
    process(database, paid).recall("acme", "The door is red", audiences=PUBLIC)
    assert len(paid.calls) == 2


def test_an_equal_question_in_the_same_process_needs_no_look(database_url: str) -> None:
    with closing(Database(database_url)) as database:
        asked = VectorCache(database).of("acme", Paid())
        [first] = asked.embed(["How?"], "query")
        rows(database, "delete from embeddings")
        assert asked.embed(["How?"], "query") == [first]
    assert asked.embed(["How?"], "query") == [first], "also without a database"


def test_tenants_do_not_share_vectors(database: Database) -> None:
    paid, kept = Paid(), VectorCache(database)
    kept.of("acme", paid).embed(["secret"])
    kept.of("rival", paid).embed(["secret"])
    assert len(paid.calls) == 2, "whether another tenant has a text cannot be told by the time"


def test_what_is_forgotten_or_replaced_leaves_no_vector(database: Database) -> None:
    store = process(database, Paid())
    long = "很长的 text. " * 1200
    keep(database, store, long, "short", "other")
    assert len(rows(database, "select * from embeddings")) == 3
    rows(database, "delete from memories where ref in ('#0', '#1')")
    assert len(rows(database, "select * from embeddings")) == 1
    entry = Entry("replaced", "document", "#2", "public")
    database.run("acme", store.remember_all("acme", [entry]))
    [left] = rows(database, "select digest from embeddings")
    keep(database, store, "replaced")
    assert rows(database, "select digest from embeddings") == [left]


def test_what_nobody_asks_for_expires_and_what_is_asked_for_stays(
    database: Database, operator: Database
) -> None:
    paid = Paid()
    VectorCache(database).of("acme", paid).embed(["old", "used"])
    rows(database, "update embeddings set used_at = now() - interval '80 days'")
    VectorCache(database).of("acme", paid).embed(["used"])
    [row] = rows(operator, "select expire_embeddings(interval '30 days') as expired", "")
    assert row["expired"] == 1
    VectorCache(database).of("acme", paid).embed(["used"])
    assert len(paid.calls) == 1


@pytest.mark.parametrize(
    "vector", [[0.0] * 64, [float("nan")] * 64, [float("inf")] * 64, [1.0] * 63]
)
def test_a_vector_that_is_none_is_refused_and_not_kept(
    database: Database, vector: list[float]
) -> None:
    with pytest.raises(SettingsError, match=r"api:paid .* MODEL_EMBED"):
        VectorCache(database).of("acme", Wrong(vector)).embed(["text"])
    assert rows(database, "select * from embeddings") == []


def test_ten_thousand_texts_and_a_megabyte_are_kept(database: Database) -> None:
    paid = Paid()
    texts = [f"text {number}" for number in range(10_000)] + ["x" * 1_000_000, ""]
    vectors = VectorCache(database).of("acme", paid).embed(texts)
    assert len(vectors) == 10_002
    assert max(count for _, count in paid.calls) == 512
    calls = len(paid.calls)
    VectorCache(database).of("acme", paid).embed(texts)
    assert len(paid.calls) == calls
