"""Too much of the same, and a database that goes away: clear errors, nothing lost, bounded time."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from infra.local.postgres import EmbeddedPostgres
from infra.migrations import migrate
from shared.database import Database, Row, Statement
from shared.errors import DatabaseUnavailable
from shared.memory import Entry
from shared.memory.control.audit import Requester
from shared.memory.control.forgetting import Forgetting
from shared.memory.control.listing import Listing
from shared.memory.control.reach import OPERATOR
from shared.memory.control.subjects import Subject
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.store import MemoryStore
from tests.campaigns import size
from tests.scratch import scratch

TENANT = "acme"
PUBLIC = frozenset({"public"})
CUT = """select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()"""
FRIDAYS = Entry("We ship on Fridays", "fact", "", "public", author="ann", source="github:acme/shop")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url, patience=5)) as database:
        yield database


@pytest.fixture
def store(database: Database) -> MemoryStore:
    return MemoryStore(database, HashingEmbedder())


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    """A server of this test alone, so that it may go away."""
    home = Path(mkdtemp(prefix="agent-flows-gone-", dir=scratch()))
    home.chmod(0o711)
    server = EmbeddedPostgres(home / "postgres", durable=True)
    try:
        yield server
    finally:
        server.erase()
        home.rmdir()


def held(database: Database) -> list[Row]:
    return database.run(TENANT, [Statement("select text, uses from memories", {})])[0]


def test_thousands_of_equal_texts_are_one_memory(database: Database, store: MemoryStore) -> None:
    for _ in range(size(10, 2)):
        database.run(TENANT, store.remember_all(TENANT, [FRIDAYS] * 5_000))
    assert [row["text"] for row in held(database)] == ["We ship on Fridays"]
    counted = "select count(*) as n from memory_terms union all select count(*) from memory_vectors"
    assert database.run(TENANT, [Statement(counted, {})])[0] == [{"n": 2}, {"n": 1}]
    [found] = store.recall(TENANT, "when do we ship?", audiences=PUBLIC)
    assert found.text == "We ship on Fridays"


@pytest.mark.fresh_database
def test_equal_texts_of_one_transaction_leave_no_versions_behind(
    database: Database, store: MemoryStore
) -> None:
    same = [store.remember_all(TENANT, [FRIDAYS])[0] for _ in range(500)]
    database.run(TENANT, same)
    pages = """select pg_relation_size('memories') as memories, sum(pg_relation_size(inhrelid)) as v
               from pg_inherits where inhparent = 'memory_vectors'::regclass"""
    assert database.run(TENANT, [Statement(pages, {})])[0] == [{"memories": 8192, "v": 8192}]


def test_what_changes_within_one_transaction_is_kept(
    database: Database, store: MemoryStore
) -> None:
    said = [
        Entry(text, "fact", "shop", audience)
        for text, audience in (
            ("Ann leads", "public"),
            ("Ann leads", "dm:D1"),
            ("Bob leads", "dm:D1"),
        )
    ]
    for count in (2, 3):
        database.run(TENANT, store.remember_all(TENANT, said[:count]))
        [found] = store.recall(TENANT, "who leads", audiences=frozenset({"dm:D1"}))
        assert found.text == said[count - 1].text
        assert store.recall(TENANT, "who leads", audiences=PUBLIC) == []


def test_a_memory_whose_database_is_gone_says_so(server: EmbeddedPostgres) -> None:
    url = server.start()
    migrate(url)
    with closing(Database(url, patience=0.2)) as database:
        store = MemoryStore(database, HashingEmbedder())
        forgetting = Forgetting(database)
        kept = store.remember_all(TENANT, [FRIDAYS])
        database.run(TENANT, kept)
        server.stop()
        subject = Subject("text", ("fridays",))
        for attempt in (
            lambda: database.run(TENANT, kept),
            lambda: store.recall(TENANT, "when do we ship?", audiences=PUBLIC),
            lambda: forgetting.forget(Requester(TENANT, "op", "e"), subject, OPERATOR),
            lambda: Listing(database).know(TENANT, subject, OPERATOR),
        ):
            with pytest.raises(DatabaseUnavailable, match=r"no answer from Postgres within 0\.2 s"):
                attempt()
        assert server.start() == url
        database.run(TENANT, kept)
        assert len(held(database)) == 1
        assert forgetting.forget(Requester(TENANT, "op", "e"), subject, OPERATOR)["memories"] == 1


def test_connections_that_are_cut_lose_nothing(
    database: Database, database_url: str, store: MemoryStore
) -> None:
    done, written = threading.Event(), threading.Event()
    cuts: list[int] = []

    def cut() -> None:
        """Cut each transaction once, shortly after the one before it was written."""
        with psycopg.connect(database_url, autocommit=True) as admin:
            while not done.is_set():
                if written.wait(0.05):
                    written.clear()
                    time.sleep(0.001 * (len(cuts) % 20))
                    cuts.append(admin.execute(CUT).rowcount)

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        for number in range(60):
            entries = [Entry(f"note {number}.{part}", "fact", "", "public") for part in range(3)]
            database.run(TENANT, store.remember_all(TENANT, entries))
            written.set()
    finally:
        done.set()
        thread.join()
    assert sum(cuts) >= 20
    said = {f"note {number}.{part}" for number in range(60) for part in range(3)}
    assert sorted(row["text"] for row in held(database)) == sorted(said)
