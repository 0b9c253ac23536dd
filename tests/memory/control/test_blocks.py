"""Blocks on a real Postgres: what a request to forget deletes is not remembered again, and no more
than that."""

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from shared.database import Database, Statement
from shared.memory import Entry
from shared.memory.control.audit import Requester
from shared.memory.control.forgetting import Forgetting
from shared.memory.control.reach import OPERATOR, Reach
from shared.memory.control.subjects import Subject
from shared.memory.documents.ingestion import Ingestion
from shared.memory.documents.sources import DocumentOrigin
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.store import MemoryStore
from tests.memory.control.table_text import table_text

TENANT = "github:acme"


@pytest.fixture
def store(database: Database) -> MemoryStore:
    return MemoryStore(database, HashingEmbedder())


def remember(database: Database, store: MemoryStore, *said: dict[str, Any]) -> None:
    usual = {"kind": "fact", "ref": "", "audience": "public", "author": "ada"}
    database.run(TENANT, store.remember_all(TENANT, [Entry(**usual | one) for one in said]))


def told(database: Database) -> set[str]:
    [found] = database.run(TENANT, [Statement("select text from memories", {})])
    return {row["text"] for row in found}


def forget(database: Database, subject: str, reach: Reach = OPERATOR) -> dict[str, int]:
    parsed = Subject.parse(subject)
    assert parsed
    return Forgetting(database).forget(Requester(TENANT, "op", subject), parsed, reach)


def writer(grounds: str, *audiences: str) -> Reach:
    return Reach(
        audiences=frozenset(audiences),
        place=grounds,
        grounds=grounds,
        platform="github:",
        own=frozenset({"wes"}),
        own_only=False,
    )


@pytest.mark.parametrize(
    ("by", "region", "places"),
    [
        (
            "source",
            "github:acme/shop",
            "github:acme/shop github:acme/shop/issues/7 github:acme/shop#7 GitHub:ACME/Shop:docs/a"
            " github:acme/shop2 github:acme/sho github:acme github:acme/shop-x",
        ),
        (
            "source",
            "slack:T1",
            "slack:T1 slack:T1:C1 slack:T1:C1:99.1 slack:T10 slack:T10:C1 slack",
        ),
        ("source", "github:acme", "github:acme/shop github:acme/shop/a/b#c github:acmes/shop"),
        ("ref", "acme/shop", "acme/shop acme/shop#7 acme/shop:docs/a.md#b acme/shop2#7 acme"),
        ("ref", "acme/shop#7", "acme/shop#7 acme/shop#7:1 acme/shop#77 acme/shop"),
    ],
)
def test_just_what_a_region_loses_cannot_come_back(
    database: Database, store: MemoryStore, by: str, region: str, places: str
) -> None:
    everywhere = [{"text": f"of {place}", by: place} for place in places.split()]
    remember(database, store, *everywhere)
    forget(database, f"{by}:{region}")
    left = told(database)
    database.run(TENANT, [Statement("delete from memories", {})])
    remember(database, store, *everywhere)
    assert told(database) == left
    assert 0 < len(left) < len(everywhere)
    assert Forgetting(database).lift(Requester(TENANT, "op", "e"), by, region) == 1
    remember(database, store, *everywhere)
    assert len(told(database)) == len(everywhere)


def test_a_place_that_was_forgotten_is_not_ingested_at_any_depth(database: Database) -> None:
    forget(database, "source:github:acme/shop")
    store = MemoryStore(database, HashingEmbedder())

    def blocked(source: str) -> object:
        origin = DocumentOrigin(source, source.partition(":")[2], "https://x", "public")
        write = partial(database.run, TENANT)
        return Ingestion(TENANT, origin, store, write).status()["blocked"]

    assert blocked("github:acme/shop")
    assert blocked("github:acme/shop/docs")
    assert not blocked("github:acme/shop2")
    assert not blocked("github:acme")


def test_a_newer_fact_of_a_forgotten_place_leaves_what_holds(
    database: Database, store: MemoryStore
) -> None:
    fact = Entry("Ann leads", "fact", "lead", "public", source="slack:T10:C1")
    database.run(TENANT, store.supersede(TENANT, [fact]))
    forget(database, "source:slack:T1")
    newer = fact._replace(text="Bob leads", source="slack:T1:C1")
    database.run(TENANT, store.supersede(TENANT, [newer]))
    assert told(database) == {"Ann leads"}


@pytest.mark.parametrize("subject", ["ref:acme", "source:github:acme/shop", "@eve"])
def test_a_writer_blocks_only_what_they_may_forget(
    database: Database, store: MemoryStore, subject: str
) -> None:
    said = [
        {"source": "github:acme/shop/issues/7"},
        {"source": "github:acme/shop", "audience": "repo:acme/shop"},
        {"source": "github:acme/bank"},
        {"source": "slack:T1:C1", "audience": "team:T1"},
    ]
    said = [
        one | {"text": str(n), "ref": f"acme#{n}", "author": "eve"} for n, one in enumerate(said)
    ]
    remember(database, store, *said)
    reach = writer("github:acme/shop", "public")
    assert forget(database, subject, reach)["memories"] == 1
    database.run(TENANT, [Statement("delete from memories", {})])
    remember(database, store, *said)
    assert told(database) == {"1", "2", "3"}


def test_a_stranger_who_forgets_a_subject_blocks_their_own_words_alone(
    database: Database, store: MemoryStore
) -> None:
    said = [{"text": "mine", "author": "eve"}, {"text": "theirs"}]
    said = [
        one | {"ref": f"acme/shop#{n}", "source": "github:acme/shop"} for n, one in enumerate(said)
    ]
    remember(database, store, *said)
    reach = replace(writer("github:acme/shop", "public"), own=frozenset({"eve"}), own_only=True)
    assert forget(database, "ref:acme/shop", reach)["memories"] == 1
    database.run(TENANT, [Statement("delete from memories", {})])
    remember(database, store, *said)
    assert told(database) == {"theirs"}


def test_who_forgets_themselves_is_blocked_on_their_platform(
    database: Database, store: MemoryStore
) -> None:
    reach = replace(writer("github:acme/shop", "public"), own=frozenset({"eve"}), own_only=True)
    forget(database, "@eve", reach)
    remember(
        database,
        store,
        {"text": "here", "author": "eve", "source": "github:acme/bank", "audience": "dm:D1"},
        {"text": "another eve", "author": "eve", "source": "slack:T1:C1"},
    )
    assert told(database) == {"another eve"}


def test_who_reaches_nothing_blocks_nothing(database: Database) -> None:
    reach = Reach(audiences=frozenset({"public"}), platform="github:", own_only=False)
    for subject in ("ref:acme", "source:github:acme", "@eve"):
        forget(database, subject, reach)
        forget(database, subject, replace(reach, audiences=frozenset(), grounds="github:acme"))
    assert table_text(database, "memory_blocks") == ""


def test_a_name_that_nothing_can_have_is_no_subject() -> None:
    for form in ("ref:{}", "@{}", "source:{}", "acme/{}#1"):
        assert Subject.parse(form.format("x" * 300)) is not None
        assert Subject.parse(form.format("x" * 3_000)) is None
