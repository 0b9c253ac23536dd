"""What recall finds by words and by meaning at once, in which order, at what time, and why."""

import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from shared.database import Database, Statement
from shared.errors import MemoryUnavailable, ModelUnavailable, SettingsError
from shared.memory import By, Entry, Memory
from shared.memory import store as recalling
from shared.memory.embedding.embedder import Purpose
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.store import MemoryStore

PUBLIC = frozenset({"public"})


class Directions:
    """An embedder whose vectors a test chooses: by the text, else all the same."""

    name = "directions"
    asymmetric = False
    dimensions = 3

    def __init__(self, vectors: dict[str, list[float]] | None = None) -> None:
        self._vectors = vectors or {}

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        return [self._vectors.get(text, [1.0, 0.0, 0.0]) for text in texts]


class Failing(Directions):
    """An embedder that cannot be reached while `error` is set."""

    error: Exception | None = None

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        if self.error:
            raise self.error
        return super().embed(texts, purpose)


@pytest.fixture
def store(database: Database) -> MemoryStore:
    return MemoryStore(database, HashingEmbedder())


@pytest.fixture
def words(database: Database) -> MemoryStore:
    """A store whose vectors say nothing, so that words decide."""
    return MemoryStore(database, Directions())


def entry(text: str, ref: str = "", **options: str) -> Entry:
    fields = {"kind": "fact", "audience": "public", "author": "ann", "source": "github:acme/shop"}
    return Entry(text=text, ref=ref, **(fields | options))  # type: ignore[arg-type]


def keep(database: Database, store: MemoryStore, *entries: Entry, tenant: str = "acme") -> None:
    database.run(tenant, store.remember_all(tenant, entries))


def ask(store: MemoryStore, query: str, **options: object) -> list[Memory]:
    options = {"audiences": PUBLIC, "limit": 10} | options
    return store.recall("acme", query, **options)  # type: ignore[arg-type]


def refs(store: MemoryStore, query: str, **options: object) -> list[str]:
    return [memory.ref for memory in ask(store, query, **options)]


def rows(database: Database, sql: str, tenant: str = "acme") -> list[dict[str, object]]:
    return database.run(tenant, [Statement(sql, {})])[0]


# Words


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Where is ERR_CONN_RESET from?", "reset"),
        ("flow.py", "path"),
        ("what about #123", "number"),
        ("shop#7", "issue"),
        ("is 1.4.2 affected", "version"),
        ("the builds are failing", "build"),
        ("登录不了", "chinese"),
        ("ログイン", "japanese"),
        ("로그인이 안 돼요", "korean"),
        ("subscriptable NoneType", "error"),
        ("houseNumber", "camel"),
    ],
)
def test_words_find_names_messages_and_any_script(
    database: Database, words: MemoryStore, query: str, expected: str
) -> None:
    texts = {
        "reset": "The proxy answers ERR_CONN_RESET at night",
        "path": "The lease ends in shared/flow.py",
        "number": "A duplicate of #123",
        "issue": "See acme/shop#7 for the decision",
        "version": "Since v1.4.2 it takes longer",
        "build": "The build failed on Windows",
        "chinese": "用户登录后页面空白",
        "japanese": "ログインできない",
        "korean": "로그인 화면이 비어 있다",
        "error": "TypeError: 'NoneType' object is not subscriptable",
        "camel": "The field houseNumber is optional",
    }
    keep(database, words, *(entry(text, ref) for ref, text in texts.items()))
    assert refs(words, query)[0] == refs(words, query, by=By.LEXICAL)[0] == expected


def test_one_word_of_many_is_enough(database: Database, words: MemoryStore) -> None:
    keep(database, words, entry("The invoice is overdue", "#1"), entry("The build fails", "#2"))
    query = "Could somebody please explain which customers complained about an invoice?"
    assert refs(words, query, by=By.LEXICAL) == ["#1"]


def test_a_rare_word_weighs_more_than_a_common_one(database: Database, words: MemoryStore) -> None:
    common = [entry(f"The login page number{n}", f"#{n}") for n in range(30)]
    keep(database, words, *common, entry("The invoice page", "rare"))
    assert refs(words, "login invoice", by=By.LEXICAL)[0] == "rare"


def test_words_on_every_memory_find_the_newest(
    database: Database, store: MemoryStore, slow_index_dropped: None
) -> None:
    texts = [entry(f"login {n}", f"#{n}") for n in range(600)]
    keep(database, store, *texts)
    assert refs(store, "login", by=By.LEXICAL) == [f"#{n}" for n in range(599, 589, -1)]


@pytest.fixture
def short_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a list be long that has more than ten entries."""
    monkeypatch.setattr(recalling, "LISTED", 10)
    monkeypatch.setattr(recalling, "LISTED_IN_ALL", 10)


@pytest.mark.usefixtures("short_lists")
def test_a_rare_word_finds_old_memories_beside_a_common_one(
    database: Database, words: MemoryStore
) -> None:
    keep(database, words, entry("login old gateway", "rare"))
    keep(database, words, *(entry(f"login {n}", f"#{n}") for n in range(60)))
    newest = [f"#{n}" for n in range(59, 50, -1)]
    assert refs(words, "login gateway", by=By.LEXICAL) == ["rare", *newest]


@pytest.mark.usefixtures("short_lists")
def test_of_two_words_with_long_lists_the_rarer_weighs_more(
    database: Database, words: MemoryStore
) -> None:
    texts = [f"gateway {n}" if n % 20 == 0 else f"login {n}" for n in range(400)]
    keep(database, words, *(entry(text, text) for text in texts))
    found = refs(words, "login gateway", by=By.LEXICAL)
    assert found == [f"gateway {n}" for n in range(380, 180, -20)]


@pytest.mark.parametrize(
    ("indexed", "breadth"), [(0, 32), (100_000, 40), (1_000_000, 400), (9_000_000, 400)]
)
def test_a_scan_looks_at_more_where_an_index_holds_more(
    database_url: str, indexed: int, breadth: int
) -> None:
    scope = "row('t', '', '{public}', '{}', null, null, 'hashing', 384)::recall_scope"
    question = HashingEmbedder().embed(["login"], "query")[0]
    with psycopg.connect(database_url) as connection:
        connection.execute(
            f"select nearest_memories({scope}, '{{}}', %s::real[]::halfvec, 15, 9, 0, %s, 32)",
            [question, indexed],
        )
        [(held,)] = connection.execute("select current_setting('hnsw.ef_search')").fetchall()
    assert held == str(breadth)


def test_a_question_of_stop_words_is_answered_by_meaning_alone(
    database: Database, store: MemoryStore
) -> None:
    keep(database, store, entry("To be or not to be", "#1"))
    assert refs(store, "to be or not to be", by=By.LEXICAL) == []
    assert refs(store, "to be or not to be") == ["#1"]


# Both halves


def test_what_only_one_half_finds_is_found(database: Database) -> None:
    vectors = {"alpha": [0.0, 1.0, 0.0], "omega": [0.0, 1.0, 0.0], "zeta": [1.0, 0.0, 0.0]}
    store = MemoryStore(database, Directions(vectors | {"omega zeta": [0.0, 1.0, 0.0]}))
    keep(database, store, entry("alpha", "by meaning"), entry("zeta", "by words"))
    assert sorted(refs(store, "omega zeta")) == ["by meaning", "by words"]


def test_each_memory_says_why_it_was_found(database: Database, store: MemoryStore) -> None:
    text = "The login fails with ERR_CONN_RESET"
    keep(database, store, entry(text, trust="inside"), entry("Something else entirely"))
    best, other = ask(store, "logins fail: ERR_CONN_RESET", limit=2)
    meaning, _, matched = best.why.partition("; words: ")
    assert meaning.startswith("meaning 0.")
    assert {"ERR_CONN_RESET", "logins", "fail"} <= set(matched.split(", "))
    assert (best.author, best.trust, best.audience) == ("ann", "inside", "public")
    assert "words" not in other.why
    [lexical] = ask(store, "login", by=By.LEXICAL)
    assert lexical.why == "words: login"


def test_scores_lie_between_nothing_and_one(database: Database, store: MemoryStore) -> None:
    keep(database, store, entry("login"), entry("invoice"))
    best, other = ask(store, "login")
    assert 0 <= other.score < 0.1
    assert 0.7 < best.score <= 1.04


def test_of_equal_hits_the_one_that_was_of_use_comes_first(
    database: Database, words: MemoryStore
) -> None:
    keep(database, words, entry("The login fails on Linux", "#1"))
    keep(database, words, entry("The login fails on Windows", "#2"))
    first, second = ask(words, "login fails")
    assert first.ref == "#2"  # the newer
    for _ in range(5):
        database.run("acme", [words.used("acme", [second.id])])
    assert refs(words, "login fails") == ["#1", "#2"]
    [used] = rows(database, "select uses, used_at is not null as ever from memories where uses > 0")
    assert used == {"uses": 5, "ever": True}


def test_nearly_equal_hits_do_not_fill_the_answer(database: Database) -> None:
    texts = [f"The login page fails again {'!' * n}" for n in range(10)]
    store = MemoryStore(database, Directions({"Our login needs a second factor": [0.0, 1.0, 0.0]}))
    keep(database, store, *(entry(text, f"#{n}") for n, text in enumerate(texts)))
    keep(database, store, entry("Our login needs a second factor", "other"))
    assert refs(store, "login page fails", limit=2)[1] == "other"
    assert len(refs(store, "login page fails", limit=5)) == 5  # what is nearly equal fills up


# Time


def test_since_leaves_out_what_was_remembered_before(
    database: Database, store: MemoryStore
) -> None:
    keep(database, store, entry("The login fails", "old"), entry("The login works", "new"))
    rows(
        database, "update memories set remembered_at = now() - interval '9 days' where ref = 'old'"
    )
    since = datetime.now(UTC) - timedelta(days=1)
    for by in By:
        assert refs(store, "login", since=since, by=by) == ["new"]
        assert sorted(refs(store, "login", by=by)) == ["new", "old"]


def test_until_asks_what_held_then(database: Database, store: MemoryStore) -> None:
    database.run("acme", store.supersede("acme", [entry("The owner is Ann", "owner")]))
    rows(database, "update memories set valid_from = valid_from - interval '9 days'")
    between = datetime.now(UTC) - timedelta(days=1)
    database.run("acme", store.supersede("acme", [entry("The owner is Bob", "owner")]))
    for by in By:
        texts = [memory.text for memory in ask(store, "who is the owner", by=by)]
        assert texts == ["The owner is Bob"]
        texts = [memory.text for memory in ask(store, "who is the owner", until=between, by=by)]
        assert texts == ["The owner is Ann"]
        assert ask(store, "owner", until=between - timedelta(days=30), by=by) == []


# Superseding


def test_what_is_superseded_stays_as_history(database: Database, store: MemoryStore) -> None:
    for text in ("The owner is Ann", "The owner is Bob", "the  owner is BOB"):
        database.run("acme", store.supersede("acme", [entry(text, "owner")]))
    old, new = rows(
        database,
        "select id, text, valid_from, valid_until, superseded_by from memories order by seq",
    )
    assert (old["text"], new["text"]) == ("The owner is Ann", "the  owner is BOB")
    assert (old["valid_until"], old["superseded_by"]) == (new["valid_from"], new["id"])
    assert (new["valid_until"], new["superseded_by"]) == (None, None)


def test_two_writers_at_once_end_with_one_memory_that_holds(
    database: Database, database_url: str, store: MemoryStore
) -> None:
    barrier = threading.Barrier(2)

    def write(name: str) -> None:
        with closing(Database(database_url)) as mine:
            for number in range(20):
                barrier.wait(30)
                fact = entry(f"{name} owns number {number}", f"#{number}")
                mine.run("acme", store.supersede("acme", [fact]))

    threads = [threading.Thread(target=write, args=[name]) for name in ("Ann", "Bob")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counted = (
        "select count(*) filter (where valid_until is null) as current, count(*) as all,"
        " count(superseded_by) as linked from memories group by ref"
    )
    assert rows(database, counted) == [{"current": 1, "all": 2, "linked": 1}] * 20


def test_a_blocked_successor_leaves_what_holds(database: Database, store: MemoryStore) -> None:
    database.run("acme", store.supersede("acme", [entry("The owner is Ann", "owner")]))
    rows(database, "insert into memory_blocks values ('acme', 'author', 'mallory')")
    fact = entry("The owner is Mallory", "owner", author="mallory")
    database.run("acme", store.supersede("acme", [fact]))
    assert rows(database, "select text, valid_until from memories") == [
        {"text": "The owner is Ann", "valid_until": None}
    ]


# Remembering


@pytest.mark.parametrize(
    ("by", "value"), [("ref", "#1"), ("author", "ann"), ("source", "github:acme/shop")]
)
def test_what_is_blocked_is_not_remembered_again(
    database: Database, store: MemoryStore, by: str, value: str
) -> None:
    rows(database, f"insert into memory_blocks values ('acme', '{by}', '{value}')")
    keep(database, store, entry("The login fails", "#1"))
    keep(database, store, entry("A word of another", "#2", author="bob", source="slack:T1:C1"))
    assert [row["ref"] for row in rows(database, "select ref from memories")] == ["#2"]
    keep(database, store, entry("The login fails", "#1"), tenant="rival")
    assert len(rows(database, "select ref from memories", "rival")) == 1


def test_a_blocked_text_is_known_in_other_clothes(database: Database, store: MemoryStore) -> None:
    keep(database, store, entry("We ship on Fridays", "#1"))
    block = "insert into memory_blocks select tenant, 'digest', digest from memories"
    rows(database, block)
    rows(database, "delete from memories")
    keep(database, store, entry("we  SHIP on\nＦridays", "#2"))
    assert rows(database, "select id from memories") == []


@pytest.mark.parametrize(
    "error",
    [ModelUnavailable("overloaded"), MemoryUnavailable("no answer")],
    ids=["model", "memory"],
)
def test_a_text_is_kept_when_the_embedder_fails(database: Database, error: Exception) -> None:
    embedder = Failing()
    store = MemoryStore(database, embedder)
    keep(database, store, entry("The build fails", "before"))
    embedder.error = error
    keep(database, store, entry("The login fails", "#1"))
    assert refs(store, "login") == refs(store, "login", by=By.LEXICAL) == ["#1"]
    with pytest.raises(type(error)):
        ask(store, "login", by=By.VECTOR)
    embedder.error = None
    assert refs(store, "login", by=By.VECTOR) == ["before"]
    keep(database, store, entry("The login fails", "#1"))
    assert sorted(refs(store, "login", by=By.VECTOR)) == ["#1", "before"]


def test_an_embedder_of_other_dimensions_is_an_error_at_once(database: Database) -> None:
    store = MemoryStore(database, Directions({"text": [1.0]}))
    with pytest.raises(SettingsError, match="declares vectors of 3 dimensions"):
        store.remember_all("acme", [entry("fine"), entry("text")])


# The index follows the memories


def test_postings_and_vectors_go_with_their_memory(database: Database, store: MemoryStore) -> None:
    keep(database, store, entry("The login fails", "#1"), entry("The build fails", "#2"))
    rows(database, "delete from memories where ref = '#1'")
    left = "select count(distinct memory) as n from"
    assert rows(database, f"{left} memory_terms") == rows(database, f"{left} memory_vectors")
    assert rows(database, f"{left} memory_terms") == [{"n": 1}]
    rows(database, "delete from memories")
    assert rows(database, "select term from memory_terms") == []


def test_words_follow_a_change_of_text_audience_and_flow(
    database: Database, store: MemoryStore
) -> None:
    keep(database, store, entry("The login fails", "#1"))
    keep(database, store, entry("The invoice is overdue", "#1"))
    assert refs(store, "login", by=By.LEXICAL) == []
    assert refs(store, "invoice", by=By.LEXICAL) == ["#1"]
    rows(database, "update memories set audience = 'dm:D1', flow = 'chat'")
    dm = frozenset({"dm:D1"})
    for by in By:
        assert refs(store, "invoice", by=by, flow="chat") == []
        assert refs(store, "invoice", by=by, audiences=dm) == []
        assert refs(store, "invoice", by=by, audiences=dm, flow="chat") == ["#1"]


def test_what_no_longer_holds_is_not_recalled(database: Database, store: MemoryStore) -> None:
    keep(database, store, entry("The login fails", "#1"))
    rows(database, "update memories set valid_until = now()")
    for by in By:
        assert refs(store, "login", by=by) == []


@pytest.mark.parametrize("table", ["memory_terms", "memory_vectors"])
def test_row_level_security_holds_for_words_and_vectors(
    database: Database, database_url: str, store: MemoryStore, table: str
) -> None:
    for tenant in ("acme", "rival"):
        keep(database, store, entry("The login fails", "#1"), tenant=tenant)
    assert {row["tenant"] for row in rows(database, f"select tenant from {table}")} == {"acme"}
    assert rows(database, f"select tenant from {table} where tenant = 'rival'") == []
    rows(database, f"delete from {table} where tenant = 'rival'")
    assert rows(database, f"select tenant from {table}", "rival") != []
    with psycopg.connect(database_url) as connection:
        connection.execute("set role agent_flows")
        assert connection.execute(f"select from {table}").fetchall() == []
    forced = f"select relforcerowsecurity as forced from pg_class where relname = '{table}'"
    assert rows(database, forced) == [{"forced": True}]


def test_the_words_of_a_tenant_are_read_through_the_index(
    database: Database, store: MemoryStore
) -> None:
    keep(database, store, *(entry(f"The login fails {n}", f"#{n}") for n in range(200)))
    plan = rows(
        database,
        "explain select memory from memory_terms where tenant = 'acme' and term = 1 # 2"
        " order by memory desc limit 10",
    )
    text = "\n".join(str(line["QUERY PLAN"]) for line in plan)
    assert "using memory_terms_pkey" in text
    assert "AND (term = 3))" in text
