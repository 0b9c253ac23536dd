"""Remember and recall on a real Postgres: what is found, what is replaced, who may not see it."""

import random
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing
from itertools import product

import psycopg
import pytest

from infra.project import ROOT
from shared.database import Database, Row, Statement
from shared.errors import SettingsError
from shared.memory import By, Entry
from shared.memory.embedding.embedder import Embedder, Purpose
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.embedding.local_embedders import local_embedder
from shared.memory.store import MemoryStore
from shared.memory.stored_text import STORED_CHARACTERS

PUBLIC = frozenset({"public"})
FAULTS = """\
shows the wrong colour
is slow with many rows
ignores the language
needs a keyboard shortcut
has a spelling mistake
loses its settings
prints a warning
overlaps on small screens
is missing in the documentation
returns stale values
should be configurable
does not scale
duplicates entries
rejects valid input
flickers
times out
needs a test
leaks memory
fails on Windows
ignores the time zone
should support plugins
is hard to find
uses deprecated calls
swallows errors
has no tooltip""".splitlines()


class Scatter:
    """An embedder that scatters texts: equal texts meet, others do not."""

    asymmetric = False

    def __init__(self, name: str = "scatter", dimensions: int = 256) -> None:
        self.name = name
        self.dimensions = dimensions

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        seeds = [random.Random(text) for text in texts]
        return [[seed.gauss(0, 1) for _ in range(self.dimensions)] for seed in seeds]


class Ahead:
    """An embedder that embeds all texts of a test at once, which is six times as fast."""

    asymmetric = False

    def __init__(self, embedder: Embedder, texts: Sequence[str]) -> None:
        self.name = embedder.name
        self.dimensions = embedder.dimensions
        self._vectors = dict(zip(texts, embedder.embed(texts), strict=True))

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        return [self._vectors[text] for text in texts]


class Fixed(Scatter):
    """An embedder that returns the same vectors for everything, right or wrong."""

    def __init__(self, vectors: list[list[float]]) -> None:
        super().__init__("fixed", 3)
        self._vectors = vectors

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        return self._vectors


@pytest.fixture
def store(database: Database) -> MemoryStore:
    return MemoryStore(database, HashingEmbedder())


def keep(
    database: Database,
    store: MemoryStore,
    text: str,
    *,
    tenant: str = "acme",
    kind: str = "issue",
    ref: str = "acme/shop#1",
    audience: str = "public",
) -> None:
    entry = Entry(text, kind, ref, audience, url="https://x/1", author="ann", event="e1")
    database.run(tenant, store.remember_all(tenant, [entry]))


def refs(store: MemoryStore, query: str, tenant: str = "acme", **options: object) -> list[str]:
    options = {"audiences": PUBLIC, "limit": 10} | options
    return [memory.ref for memory in store.recall(tenant, query, **options)]  # type: ignore[arg-type]


def rows(database: Database, sql: str, tenant: str = "acme") -> list[dict[str, object]]:
    return database.run(tenant, [Statement(sql, {})])[0]


# Finding


def test_minilm_finds_the_restated_issue_among_two_hundred_others(database: Database) -> None:
    minilm = local_embedder("minilm")
    assert minilm is not None
    parts = ["login page", "export button", "search box", "sidebar"]
    parts += ["billing report", "date picker", "webhook", "installer"]
    others = [f"The {part} {fault}" for part, fault in product(parts, FAULTS)]
    assert len(others) == 200
    texts = ["Pressing save closes the application without any message", *others]
    query = "The program crashes when I try to store my work"
    store = MemoryStore(database, Ahead(minilm, [query, *texts]))
    entries = [Entry(text, "issue", f"acme/shop#{n}", "public") for n, text in enumerate(texts)]
    database.run("acme", store.remember_all("acme", entries))
    assert refs(store, query)[0] == "acme/shop#0"
    first, second = store.recall("acme", query, audiences=PUBLIC, limit=2, by=By.VECTOR)
    assert first.ref == "acme/shop#0"
    assert first.score > second.score + 0.1


def test_hashing_finds_chinese_text(database: Database, store: MemoryStore) -> None:
    texts = [
        "登录后页面一直空白",
        "导出文件缺少最后一行",
        "夜间模式不跟随系统设置",
        "上传大文件超时",
        "Login page is blank",
    ]
    for number, text in enumerate(texts):
        keep(database, store, text, ref=f"#{number}")
    assert refs(store, "登录之后页面是空白的")[0] == "#0"
    assert refs(store, "大文件上传总是超时失败")[0] == "#3"


def test_a_memory_comes_back_whole_with_its_cosine_similarity(
    database: Database, store: MemoryStore
) -> None:
    keep(database, store, "The build fails")
    [memory] = store.recall("acme", "The build fails", audiences=PUBLIC, by=By.VECTOR)
    assert (memory.kind, memory.ref, memory.text) == ("issue", "acme/shop#1", "The build fails")
    assert memory.url == "https://x/1"
    assert memory.score == pytest.approx(1, abs=1e-3)
    assert memory.remembered_at.tzinfo is not None
    [other] = store.recall("acme", "Completely different words", audiences=PUBLIC, by=By.VECTOR)
    assert other.score < 0.3


def test_the_most_similar_comes_first_and_the_limit_holds(
    database: Database, store: MemoryStore
) -> None:
    keep(database, store, "The invoice is overdue", ref="#1")
    keep(database, store, "The build fails on Windows", ref="#2")
    keep(database, store, "The build fails", ref="#3")
    assert refs(store, "build fails") == ["#3", "#2", "#1"]
    assert refs(store, "build fails", limit=1) == ["#3"]
    assert refs(store, "build fails", limit=0) == []
    assert len(refs(store, "build fails", limit=10**9)) == 3


def test_recall_keeps_to_the_kinds_and_leaves_out_the_ref_that_asks(
    database: Database, store: MemoryStore
) -> None:
    keep(database, store, "The build fails", kind="issue", ref="#1")
    keep(database, store, "The build fails", kind="document", ref="#2")
    keep(database, store, "The build fails", kind="fact", ref="#3")
    assert sorted(refs(store, "build")) == ["#1", "#2", "#3"]
    assert sorted(refs(store, "build", kinds=frozenset({"issue", "fact"}))) == ["#1", "#3"]
    assert refs(store, "build", kinds=frozenset({"rule"})) == []
    assert sorted(refs(store, "build", exclude_ref="#1")) == ["#2", "#3"]


# Replacing


def test_the_same_ref_again_is_replaced_in_place(database: Database, store: MemoryStore) -> None:
    keep(database, store, "The build fails", audience="public")
    [before] = rows(database, "select id, remembered_at from memories")
    keep(database, store, "The invoice is overdue", audience="repo:acme/shop")
    [after] = rows(database, "select id, text, audience from memories")
    assert after["id"] == before["id"]
    assert after["text"] == "The invoice is overdue"
    assert refs(store, "invoice") == []
    assert refs(store, "invoice", audiences=frozenset({"repo:acme/shop"})) == ["acme/shop#1"]


def test_a_statement_that_runs_twice_leaves_one_memory(
    database: Database, store: MemoryStore
) -> None:
    [statement] = store.remember_all("acme", [Entry("The build fails", "issue", "#1", "public")])
    database.run("acme", [statement, statement])
    assert len(rows(database, "select id from memories")) == 1


def test_without_a_ref_the_same_text_is_one_memory_per_audience(
    database: Database, store: MemoryStore
) -> None:
    for text in ("We ship on Fridays", "we ship  on FRIDAYS ", "Ｗe ship on Fridays"):
        for audience in ("public", "dm:D1", "public"):
            keep(database, store, text, kind="fact", ref="", audience=audience)
    assert len(rows(database, "select id from memories")) == 2
    assert len(rows(database, "select distinct memory from memory_terms")) == 2
    assert len(refs(store, "ship", audiences=frozenset({"dm:D1"}))) == 1


def test_two_writers_of_one_ref_leave_one_of_their_memories(
    database: Database, database_url: str, store: MemoryStore
) -> None:
    texts = ["The build fails on Windows", "The invoice is overdue since May"]
    barrier = threading.Barrier(2)

    def write(text: str) -> None:
        with closing(Database(database_url)) as mine:
            for number in range(25):
                barrier.wait(30)
                keep(mine, store, text, ref=f"#{number}")

    threads = [threading.Thread(target=write, args=[text]) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for text in texts:
        keep(database, store, text, ref=f"alone: {text}")
    whole = (
        "select one.ref from memories one join memory_vectors its on its.memory = one.id"
        " join memories alone on alone.ref = 'alone: ' || one.text"
        " join memory_vectors whole on whole.memory = alone.id"
        " where one.ref like '#%%' and its.embedding::text = whole.embedding::text"
    )
    assert len(rows(database, whole)) == 25


# Isolation


def test_no_tenant_recalls_what_another_remembered(database: Database, store: MemoryStore) -> None:
    keep(database, store, "The build fails", tenant="acme")
    keep(database, store, "The build fails", tenant="rival", ref="rival/shop#1")
    assert refs(store, "build", tenant="acme") == ["acme/shop#1"]
    assert refs(store, "build", tenant="rival") == ["rival/shop#1"]
    assert refs(store, "build", tenant="nobody") == []


@pytest.mark.parametrize("table", ["memories", "turns"])
def test_row_level_security_holds_where_the_statement_forgets_the_tenant(
    database: Database, database_url: str, store: MemoryStore, table: str
) -> None:
    keep(database, store, "The build fails", tenant="acme")
    keep(database, store, "The build fails", tenant="rival")
    turn = (
        "insert into turns (tenant, conversation, role, author, text, event_id)"
        " values ('{0}', 'c', 'user', 'ann', 'hello', 'e')"
    )
    for tenant in ("acme", "rival"):
        rows(database, turn.format(tenant), tenant)
    assert rows(database, f"select tenant from {table}") == [{"tenant": "acme"}]
    assert rows(database, f"select tenant from {table} where tenant = 'rival'") == []
    rows(database, f"update {table} set author = 'mallory' where tenant = 'rival'")
    rows(database, f"delete from {table} where tenant = 'rival'")
    assert rows(database, f"select author from {table}", "rival") == [{"author": "ann"}]
    assert rows(database, f"select tenant from {table}", "") == []
    with psycopg.connect(database_url) as connection:
        connection.execute("set role agent_flows")
        assert connection.execute(f"select from {table}").fetchall() == []


def test_no_tenant_writes_for_another(database: Database, store: MemoryStore) -> None:
    statements = store.remember_all("rival", [Entry("A lie", "issue", "#1", "public")])
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        database.run("acme", statements)
    assert rows(database, "select id from memories", "rival") == []


def test_the_owner_of_the_tables_is_bound_too(database: Database) -> None:
    flags = (
        "select relname::text as name from pg_class where relname in ('memories', 'turns')"
        " and relrowsecurity and relforcerowsecurity order by relname"
    )
    assert [row["name"] for row in rows(database, flags)] == ["memories", "turns"]


def test_recall_shows_only_the_audiences_asked_for(database: Database, store: MemoryStore) -> None:
    for audience in ("public", "repo:acme/shop", "channel:C1", "dm:D1", ""):
        keep(database, store, "The build fails", ref=f"in {audience}", audience=audience)
    assert refs(store, "build", audiences=PUBLIC) == ["in public"]
    both = frozenset({"public", "channel:C1"})
    assert sorted(refs(store, "build", audiences=both)) == ["in channel:C1", "in public"]
    assert refs(store, "build", audiences=frozenset()) == []


# Vectors


@pytest.mark.parametrize("other", [Scatter("other", 256), Scatter("scatter", 300)])
@pytest.mark.parametrize("exact_rows", [5000, 0])
def test_recall_never_compares_the_vectors_of_two_embedders(
    database: Database, other: Embedder, exact_rows: int
) -> None:
    mine = MemoryStore(database, Scatter("scatter", 256), exact_rows=exact_rows)
    theirs = MemoryStore(database, other, exact_rows=exact_rows)
    keep(database, mine, "The build fails", ref="mine")
    keep(database, theirs, "The build fails", ref="theirs")
    assert refs(mine, "The build fails", by=By.VECTOR) == ["mine"]
    assert refs(theirs, "The build fails", by=By.VECTOR) == ["theirs"]
    assert sorted(refs(mine, "The build fails")) == ["mine", "theirs"]  # by its words


def test_a_memory_keeps_the_vector_of_each_embedder_until_its_text_changes(
    database: Database,
) -> None:
    old, new = (MemoryStore(database, Scatter(name)) for name in ("old", "new"))
    keep(database, old, "The build fails")
    keep(database, new, "The build fails")
    assert refs(old, "The build fails") == refs(new, "The build fails") == ["acme/shop#1"]
    keep(database, new, "The build works")
    assert refs(old, "The build fails", by=By.VECTOR) == []
    assert refs(new, "The build works", by=By.VECTOR) == ["acme/shop#1"]


@pytest.mark.parametrize("exact_rows", [5000, 0])
def test_vectors_of_any_dimensions_are_recalled(database: Database, exact_rows: int) -> None:
    for dimensions in (256, 300, 384, 768, 1024, 1536):
        embedder = Scatter(dimensions=dimensions)
        store = MemoryStore(database, embedder, exact_rows=exact_rows)
        for number in range(5):
            keep(database, store, f"text {number}", ref=f"{dimensions} #{number}")
        assert refs(store, "text 3")[0] == f"{dimensions} #3"


@pytest.mark.parametrize("dimensions", [256, 384, 768, 1024, 1536])
def test_the_usual_dimensions_have_an_index_that_recall_uses(
    database: Database, dimensions: int
) -> None:
    scans: list[int] = []

    class Counted(Database):
        """Counts how often the transaction has scanned the index."""

        def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
            sql = """select sum(pg_stat_get_xact_numscans(inhrelid)) as scans from pg_inherits
                     where inhparent = %(index)s::regclass"""
            count = Statement(sql, {"index": f"memory_vectors_hnsw_{dimensions}"})
            *found, [row] = database.run(tenant, [*statements, count])
            scans.append(row["scans"])
            return found

    embedder = Scatter(dimensions=dimensions)
    refs(MemoryStore(Counted("dbname=unused"), embedder, exact_rows=-1), "anything")
    assert scans[-1] == 1


def test_the_index_goes_on_until_it_has_enough_of_a_small_tenant(database: Database) -> None:
    # A scan that does not go on stops at the 100 nearest of all tenants.
    store = MemoryStore(database, Scatter(), exact_rows=0)
    for tenant, count in (("large", 300), ("small", 5)):
        entries = [Entry(f"{tenant} {n}", "issue", f"#{n}", "public") for n in range(count)]
        database.run(tenant, store.remember_all(tenant, entries))
    found = refs(store, "small 3", tenant="small")
    assert found[0] == "#3"
    assert len(found) == 5


@pytest.mark.parametrize(
    ("vectors", "complaint"),
    [
        (
            [[0.6, 0.8]],
            r"embedder fixed declares vectors of 3 dimensions and returned 1 for 1 texts, of \[2\]",
        ),
        ([], r"returned 0 for 1 texts"),
        ([[1.0, 0.0, 0.0]] * 2, r"returned 2 for 1 texts"),
        ([[0.0, 0.0, 0.0]], "without direction"),
        ([[float("nan"), 0.0, 1.0]], "without direction"),
        ([[float("inf"), 0.0, 1.0]], "without direction"),
        ([[1e6, 0.0, 1.0]], "without direction"),
    ],
)
def test_an_embedder_that_breaks_its_word_is_named(
    vectors: list[list[float]], complaint: str
) -> None:
    store = MemoryStore(Database("dbname=unused"), Fixed(vectors))
    with pytest.raises(SettingsError, match=complaint):
        store.remember_all("acme", [Entry("text", "issue", "#1", "public")])
    with pytest.raises(SettingsError, match=complaint):
        store.recall("acme", "text", audiences=PUBLIC)


# Awkward texts


def test_a_blank_text_is_kept_and_never_recalled(database: Database, store: MemoryStore) -> None:
    keep(database, store, "The build fails", ref="#1")
    for number, text in enumerate(["", "  \n", "\0", "\0\0 "]):
        keep(database, store, text, ref=f"blank {number}")
        assert refs(store, text) == []
    assert len(rows(database, "select id from memories")) == 5
    assert refs(store, "build") == ["#1"]


def test_a_text_that_became_blank_is_no_longer_recalled(
    database: Database, store: MemoryStore
) -> None:
    keep(database, store, "The build fails")
    keep(database, store, "")
    assert refs(store, "build") == []


def test_awkward_texts_are_kept_and_found(database: Database, store: MemoryStore) -> None:
    texts = [
        "nul \0 inside",
        "half a pair \ud83d",
        "a 'quote' \\ % %s %(x)s {}",
        "🚀 登录",
        "\x01 \u2028",
    ]
    for text in texts:
        keep(database, store, text)
        [memory] = store.recall("acme", text, audiences=PUBLIC, by=By.VECTOR)
        assert memory.text == text.replace("\0", "").replace("\ud83d", "?")
        assert memory.score == pytest.approx(1, abs=1e-3)


def test_of_a_huge_text_the_beginning_is_kept(database: Database, store: MemoryStore) -> None:
    for text in ("x" * 1_000_000, "word " * 200_000, "登录失败" * 250_000):
        keep(database, store, text)
        [memory] = store.recall("acme", text, audiences=PUBLIC)
        assert memory.text == text[:STORED_CHARACTERS]


def test_a_ref_too_long_for_an_index_still_names_one_memory(
    database: Database, store: MemoryStore
) -> None:
    path = "docs/" * 2000
    keep(database, store, "The build fails", ref=f"{path}a.md")
    keep(database, store, "The build works", ref=f"{path}b.md")
    keep(database, store, "The build fails again", ref=f"{path}a.md")
    assert len(refs(store, "build")) == 2
    assert len(refs(store, "build", exclude_ref=f"{path}a.md")) == 1


def test_the_store_needs_neither_numpy_nor_a_tokenizer() -> None:
    code = "import sys, shared.memory.store; print({'numpy', 'tokenizers'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
