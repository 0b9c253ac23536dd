"""A memory that grows in one process from nothing: what is done to one memory reads few of them."""

from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest

from shared.database import Database, Statement
from shared.memory import Entry
from shared.memory.control.audit import Requester
from shared.memory.control.forgetting import Forgetting
from shared.memory.control.reach import OPERATOR
from shared.memory.control.subjects import Subject
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.store import MemoryStore

TENANT = "acme"

pytestmark = pytest.mark.fresh_database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with psycopg.connect(database_url) as owner:
        # The index over vectors costs most to fill, and is not what this is about.
        owner.execute(f"drop index memory_vectors_hnsw_{HashingEmbedder.dimensions}")
    with closing(Database(database_url)) as database:
        yield database


def read_so_far(database: Database) -> dict[str, int]:
    """How many rows of each table this connection has read."""
    flush = Statement("select pg_stat_force_next_flush()", {})
    database.run(TENANT, [flush])
    [rows] = database.run(
        TENANT,
        [
            Statement(
                """select relname as table, seq_tup_read + coalesce(idx_tup_fetch, 0) as read
                   from pg_stat_user_tables where relname like 'memor%%'""",
                {},
            )
        ],
    )
    return {row["table"]: row["read"] for row in rows}


def test_plans_of_an_empty_memory_are_not_those_of_a_full_one(
    database: Database, slow_index_dropped: None
) -> None:
    store = MemoryStore(database, HashingEmbedder())
    forgetting = Forgetting(database)

    def remember(numbers: range) -> None:
        entries = [
            Entry(
                f"note {number} of many",
                "fact",
                f"acme/shop#{number}",
                "public",
                author=f"person{number}",
                source=f"github:acme/shop/issues/{number}",
            )
            for number in numbers
        ]
        database.run(TENANT, store.remember_all(TENANT, entries))

    def forget(number: int) -> dict[str, int]:
        subject = Subject.parse(f"acme/shop#{number}")
        assert subject
        return forgetting.forget(Requester(TENANT, "op", str(number)), subject, OPERATOR)

    remember(range(20))  # whatever is planned once is planned now
    assert forget(0)["memories"] == 1
    for start in range(1_000, 2_000, 250):
        remember(range(start, start + 250))
    before = read_so_far(database)
    remember(range(5_000, 5_050))
    remember(range(1_000, 1_050))
    assert forget(1_700)["memories"] == 1
    after = read_so_far(database)
    for table, read in after.items():
        assert read - before[table] < 5_000, table


def test_a_memory_that_goes_takes_its_own_words_and_reads_no_others(database: Database) -> None:
    store = MemoryStore(database, HashingEmbedder())
    entries = [Entry(f"word{n} and name{n}", "fact", f"#{n}", "public") for n in range(300)]
    database.run(TENANT, store.remember_all(TENANT, entries))
    read = "select pg_stat_get_xact_tuples_returned(%(index)s::regclass) as entries"
    *_, [row] = database.run(
        TENANT,
        [
            Statement("delete from memories where tenant = %(t)s and ref = '#7'", {"t": TENANT}),
            Statement(read, {"index": "memory_terms_pkey"}),
        ],
    )
    assert row["entries"] == 2
