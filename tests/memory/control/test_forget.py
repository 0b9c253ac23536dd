"""Forgetting on a real Postgres: what goes from which table, what stays, and that it stays away."""

import json
from typing import Any

import psycopg
import pytest

from shared.database import Database, Statement
from shared.errors import SettingsError
from shared.events import Actor, Event
from shared.journal import Journal, Outcome
from shared.memory import Entry
from shared.memory.control import listing
from shared.memory.control.audit import Requester, counts_of
from shared.memory.control.forgetting import SQL, Forgetting
from shared.memory.control.listing import Listing
from shared.memory.control.reach import OPERATOR, Reach
from shared.memory.control.subjects import Subject
from shared.memory.conversations.turns import Conversations, Turn
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.store import MemoryStore
from shared.memory.upkeep.retention import expiry
from tests.events.made import an_event
from tests.memory.control.table_text import table_text

TENANT = "github:acme"
TABLES = ("memories", "memory_vectors", "turns", "events", "steps", "effects", "batch_requests")


@pytest.fixture
def forgetting(database: Database) -> Forgetting:
    return Forgetting(database)


def an_entry(text: str, **changes: Any) -> Entry:
    fields = {
        "kind": "fact",
        "ref": "",
        "audience": "public",
        "author": "ada",
        "event": "github:d1",
        "source": "github:acme/shop",
    }
    return Entry(text=text, **fields | changes)


def remember(database: Database, *entries: Entry, tenant: str = TENANT) -> None:
    database.run(tenant, MemoryStore(database, HashingEmbedder()).remember_all(tenant, entries))


def happen(database: Database, event: Event, flow: str = "chat", state: str = "done") -> None:
    """Let a flow handle `event`: it recalls what there is, says so, and asks a batch."""
    run = Journal(database).claim(event, flow, 60)
    assert run
    store = MemoryStore(database, HashingEmbedder())
    found = store.recall(event.tenant, event.text, audiences=frozenset({"public"}))
    run.step(
        "recall", {"query": event.text}, lambda: Outcome([{"id": m.id, "t": m.text} for m in found])
    )
    turns = [Turn("user", event.actor.name, event.text), Turn("assistant", "chat", "I see.")]
    append = Conversations(database).append
    said = [append(event.tenant, event.conversation, turn, event.id) for turn in turns]
    effect = {"key": event.id + flow, "flow": flow, "tool": "Comment", "target": "t", "slot": "s"}
    settled = {"key": effect["key"], "state": "committed", "receipt": None, "reason": ""}
    asked = """insert into batch_requests (tenant, run_id, id, model, request, deadline)
               values (%(tenant)s, %(run)s, 'r', 'm', %(request)s, now())"""
    request = {"tenant": event.tenant, "run": run.id, "request": json.dumps(event.text)}
    run.write(
        [
            *said,
            run.statement("dispatch_effect", effect | {"arguments": json.dumps(event.text)}),
            run.statement("settle_effect", settled),
            Statement(asked, request),
        ]
    )
    if state != "running":
        run.finish(state)


def forget(forgetting: Forgetting, subject: str, event: str = "e1", **bounds: Any) -> Any:
    parsed = Subject.parse(subject)
    assert parsed
    blocks = bounds.pop("blocks", True)
    reach = Reach(**bounds) if bounds else OPERATOR
    return forgetting.forget(Requester(TENANT, "op", event), parsed, reach, blocks=blocks)


def test_a_subject_goes_from_every_table_with_its_counts(
    database: Database, forgetting: Forgetting
) -> None:
    secret = an_event(text="The vault code is qz4711.")
    remember(database, an_entry(secret.text), an_entry("the vault is grey", kind="episode"))
    happen(database, secret)
    happen(database, secret, "triage")
    happen(database, an_event(id="github:d2", text="What of the vault?"))
    cache = """insert into prompt_cache (tenant, key, model, reply, bytes, expires_at)
               values ('github:acme', 'k', 'm', '"qz4711"', 6, now() + interval '1 day')"""
    totals = "insert into prompt_cache_totals (tenant, bytes) values ('github:acme', 6)"
    plan = """insert into plans (tenant, id, event_id, flow, goal, state)
              values ('github:acme', 'p', %(event)s, 'plan', 'change qz4711', 'done')"""
    database.run(
        TENANT,
        [Statement(cache, {}), Statement(totals, {}), Statement(plan, {"event": secret.id})],
    )
    before = {table: table_text(database, table) for table in (*TABLES, "plans", "prompt_cache")}
    assert all("qz4711" in before[table] or table == "memory_vectors" for table in before)
    counts = forget(forgetting, "qz4711")
    for table in (*TABLES, "plans", "prompt_cache"):
        assert "qz4711" not in table_text(database, table), table
    assert counts == {
        "memories": 1,
        "memory_vectors": 1,
        "turns": 2,
        "events": 1,
        "steps": 3,
        "effects": 3,
        "plans": 1,
        "reminders": 0,
        "memory_files": 0,
        "findings": 0,
        "batch_requests": 3,
        "prompt_cache": 1,
        "memory_blocks": 1,
        "elsewhere": 0,
    }
    assert "vault is grey" in table_text(database, "memories")
    assert "What of the vault?" in table_text(database, "events")
    assert table_text(database, "runs").count("done") == 3
    assert "(github:acme,0,0,0,0)" in table_text(database, "prompt_cache_totals")


def test_history_goes_too(database: Database, forgetting: Forgetting) -> None:
    remember(database, an_entry("the code was qz4711", ref="code"))
    old = "update memories set valid_until = now() where tenant = 'github:acme'"
    database.run(TENANT, [Statement(old, {})])
    remember(database, an_entry("the code is 4712", ref="code"))
    assert forget(forgetting, "qz4711")["memories"] == 1
    assert "4712" in table_text(database, "memories")


def test_the_same_request_again_does_nothing_and_says_the_same(
    database: Database, forgetting: Forgetting
) -> None:
    remember(database, an_entry("the code is qz4711"))
    first = forget(forgetting, "qz4711")
    remember(database, an_entry("the other code is qz4711"))
    assert forget(forgetting, "qz4711") == first
    assert "the other code" in table_text(database, "memories")
    assert forget(forgetting, "qz4711", "e2")["memories"] == 1


@pytest.mark.parametrize(
    ("subject", "left"),
    [
        ("qz4711", {"blue", "green"}),
        ("the code", {"blue", "green"}),
        ("code blue", {"red", "blue", "green"}),
        ("red code qz4711", {"blue", "green"}),
        ("cod", {"red", "blue", "green"}),
        ("acme/shop#7", {"red", "green"}),
        ("ref:acme/shop", {"red", "green"}),
        ("@eve", {"red", "blue"}),
        ("<@eve|Eve>", {"red", "blue"}),
        ("source:github:acme/shop", {"green"}),
        ("source:GITHUB:acme", set()),
        ("source:github:ac", {"red", "blue", "green"}),
    ],
)
def test_what_a_subject_names(
    database: Database, forgetting: Forgetting, subject: str, left: set[str]
) -> None:
    remember(
        database,
        an_entry("red: the code is qz4711"),
        an_entry("blue", ref="acme/shop#7"),
        an_entry("green", author="eve", source="github:acme/bank#1"),
    )
    forget(forgetting, subject)
    held = table_text(database, "memories")
    assert {name for name in ("red", "blue", "green") if name in held} == left


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("支付页面在结账时崩溃", "结账"),
        ("Die Prüfung von shared/flow.py", "prüfung shared/flow.py"),
        ("we saw ERR_CONN_RESET (twice)", "err_conn_reset"),
        ("100% of a.b*c", "100% a.b*c"),
    ],
)
def test_words_of_every_script_are_found(
    database: Database, forgetting: Forgetting, text: str, subject: str
) -> None:
    remember(database, an_entry(text))
    assert forget(forgetting, subject)["memories"] == 1


@pytest.mark.parametrize(
    ("subject", "changes"),
    [
        ("qz4711", {"text": "The  CODE is qz4711!", "ref": "other"}),
        ("acme/shop#7", {"text": "new", "ref": "acme/shop#7"}),
        ("@ada", {"text": "new"}),
        ("source:github:acme/shop", {"text": "new"}),
    ],
)
def test_what_was_forgotten_is_not_remembered_again(
    database: Database, forgetting: Forgetting, subject: str, changes: dict[str, str]
) -> None:
    remember(database, an_entry("the code is qz4711!", ref="acme/shop#7"))
    assert forget(forgetting, subject)["memories"] == 1
    remember(database, an_entry(**changes))
    assert table_text(database, "memories") == ""
    remember(database, an_entry("new", author="tom", ref="x", source="github:acme/bank"))
    assert "new" in table_text(database, "memories")
    assert forgetting.blocks(TENANT)
    for block in forgetting.blocks(TENANT):
        assert forgetting.lift(Requester(TENANT, "op", "e2"), block["by"], block["value"]) == 1
    remember(database, an_entry(**changes))
    assert table_text(database, "memories").count("github:d1") == 2


def test_a_run_that_has_not_ended_keeps_its_records(
    database: Database, forgetting: Forgetting
) -> None:
    for state in ("running", "retrying", "parked", "waiting"):
        happen(database, an_event(id=f"github:{state}", text="code qz4711"), state=state)
    counts = forget(forgetting, "qz4711")
    assert (counts["turns"], counts["events"], counts["steps"]) == (8, 0, 0)
    assert table_text(database, "steps").count("qz4711") == 4


def test_a_run_that_was_stopped_keeps_no_records(
    database: Database, forgetting: Forgetting
) -> None:
    for state in ("cancelled", "superseded"):
        happen(database, an_event(id=f"github:{state}", text="code qz4711"), state=state)
    counts = forget(forgetting, "qz4711")
    assert (counts["events"], counts["steps"]) == (2, 2)
    assert "qz4711" not in table_text(database, "steps")


def test_nothing_beyond_reach_is_touched(database: Database, forgetting: Forgetting) -> None:
    remember(
        database,
        an_entry("qz4711 here"),
        an_entry("qz4711 secret", audience="repo:acme/bank", source="github:acme/bank"),
        an_entry("qz4711 of another repository", source="github:acme/bank"),
        an_entry("qz4711 of slack", source="slack:T1:C1"),
    )
    happen(database, an_event(text="qz4711 said here"))
    bank = {"conversation": "github:acme/bank#1", "id": "github:d2"}
    happen(database, an_event(text="qz4711 said there", **bank))
    counts = forget(
        forgetting,
        "qz4711",
        audiences=frozenset({"public"}),
        place="github:acme/shop",
        grounds="github:acme/shop",
        platform="github:",
        own=frozenset({"tom"}),
        own_only=False,
    )
    assert (counts["memories"], counts["elsewhere"], counts["turns"]) == (1, 2, 2)
    held = "".join(table_text(database, table) for table in ("memories", "turns", "events"))
    assert "qz4711 here" not in held
    assert "qz4711 said here" not in held
    for kept in ("qz4711 secret", "qz4711 of another", "qz4711 of slack", "qz4711 said there"):
        assert kept in held


def test_only_ones_own_goes_when_only_that_may(database: Database, forgetting: Forgetting) -> None:
    remember(
        database,
        an_entry("qz4711 of ada"),
        an_entry("qz4711 of eve", author="eve", event="github:d8"),
        an_entry("qz4711 of eve in slack", author="eve", source="slack:T1:C1"),
    )
    eve = an_event(text="qz4711 said by eve", actor=Actor("9", "eve"), id="github:d9")
    happen(database, an_event(text="qz4711 said by ada"))
    happen(database, eve)
    mine: dict[str, Any] = {
        "platform": "github:",
        "own": frozenset({"eve", "9"}),
        "place": "github:acme/shop",
    }
    counts = forget(forgetting, "qz4711", audiences=frozenset({"public"}), **mine)
    assert (counts["memories"], counts["turns"], counts["events"]) == (1, 2, 1)
    held = "".join(table_text(database, table) for table in ("memories", "turns", "events"))
    assert held.count("qz4711 of eve in slack") == 1
    assert "qz4711 said by eve" not in held
    assert "qz4711 said by ada" in held


def test_a_person_goes_with_what_they_said(database: Database, forgetting: Forgetting) -> None:
    happen(database, an_event(text="I am Ada, born in 1815"))
    other = an_event(text="Who?", actor=Actor("2", "tom"), id="github:d2")
    happen(database, other)
    signed_in = """insert into console_sessions values
      (%(tenant)s, 'a', '1', 'Ada', 'viewer', '{}', now() + interval '1 hour'),
      (%(tenant)s, 'b', '2', 'tom', 'viewer', '{}', now() + interval '1 hour')"""
    database.run(TENANT, [Statement(signed_in, {"tenant": TENANT})])
    assert forget(forgetting, "@ada")["turns"] == 2
    [left] = database.run(TENANT, [Statement("select login from console_sessions", {})])
    assert left == [{"login": "tom"}]
    for table in TABLES:
        assert "1815" not in table_text(database, table), table
    assert "Who?" in table_text(database, "turns")


def test_words_in_a_payload_are_no_text_of_an_event(
    database: Database, forgetting: Forgetting
) -> None:
    odd = an_event(text='say "text":"4712" \\ \nqz4711', payload={"text": "4713", "n": "\x00"})
    happen(database, odd)
    assert forget(forgetting, "4713")["events"] == 0
    assert forget(forgetting, "qz4711")["events"] == 1


def test_another_tenant_keeps_everything(database: Database, forgetting: Forgetting) -> None:
    other = "github:globex"
    remember(database, an_entry("qz4711"), tenant=other)
    happen(database, an_event(text="qz4711", tenant=other))
    forget(forgetting, "qz4711")
    forget(forgetting, "source:github:acme", "e2")
    for table in TABLES:
        assert table_text(database, table) == ""
        assert table_text(database, table, tenant=other)


def test_an_export_holds_all_with_history_and_is_read_by_the_page(
    database: Database, forgetting: Forgetting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "_PAGE", 50)
    remember(database, *(an_entry(f"note {n}") for n in range(121)))
    remember(database, an_entry("secret", audience="dm:D1"))
    exported = list(Listing(database).export(TENANT, OPERATOR))
    assert len({row["id"] for row in exported}) == 122
    assert json.loads(json.dumps(exported))[0]["source"] == "github:acme/shop"
    seen = Reach(audiences=frozenset({"public"}))
    assert {row["audience"] for row in Listing(database).export(TENANT, seen)} == {"public"}
    assert list(Listing(database).export(TENANT, Reach())) == []


def test_each_kind_is_kept_as_long_as_the_setting_says(
    database: Database, operator: Database, database_url: str
) -> None:
    for tenant in (TENANT, "github:globex"):
        remember(database, an_entry("old", kind="episode"), tenant=tenant)
        remember(database, an_entry("old", kind="fact"), tenant=tenant)
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("update memories set remembered_at = now() - interval '91 days'")
    remember(database, an_entry("new", kind="episode"))
    statement = expiry('{"episode": 90}')
    assert statement
    assert operator.run(TENANT, [statement]) == [[{"memories": 2}]]
    assert operator.run(TENANT, [statement]) == [[{"memories": 0}]]
    assert table_text(database, "memories").count("old") == 1


def test_an_owner_that_is_no_superuser_expires_the_memories_of_all_tenants(
    database: Database, operator: Database, database_url: str, plain_owner: str
) -> None:
    remember(database, an_entry("old", kind="episode"))
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("update memories set remembered_at = now() - interval '91 days'")
        # As on a managed server, where the owner of the schema is bound by forced row security.
        for (table,) in owner.execute(
            "select tablename from pg_tables where schemaname = 'public'"
        ):
            owner.execute(f"alter table {table} owner to {plain_owner}".encode())
        statement = expiry('{"episode": 90}')
        assert statement
        assert operator.run("github:globex", [statement]) == [[{"memories": 1}]]
        assert owner.execute("select count(*) from memory_terms").fetchone() == (0,)


@pytest.mark.parametrize(
    "wrong", ["90", "[]", '{"episode": "90"}', '{"episode": 0}', '{"episode": true}', "{", "null"]
)
def test_a_retention_that_is_no_table_of_days_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="MEMORY_RETENTION is no JSON object of days"):
        expiry(wrong)
    assert expiry(" ") is None


def test_what_was_ingested_of_a_source_is_taken_anew_when_it_comes_back(
    database: Database, forgetting: Forgetting
) -> None:
    file = """insert into memory_files (tenant, source, kind, path, hash)
              values ('github:acme', %(source)s, 'document', 'README.md', 'h')"""
    source = """insert into memory_sources (tenant, source, audience)
                values ('github:acme', %(source)s, 'public')"""
    for place in ("github:acme/shop", "github:acme/bank"):
        database.run(TENANT, [Statement(sql, {"source": place}) for sql in (file, source)])
    assert forget(forgetting, "source:github:acme/shop", blocks=False, everywhere=True)
    for table in ("memory_files", "memory_sources"):
        assert "acme/shop" not in table_text(database, table)
        assert "acme/bank" in table_text(database, table)


def test_forgetting_little_reads_little(
    database: Database, forgetting: Forgetting, database_url: str, slow_index_dropped: None
) -> None:
    entries = [
        an_entry(
            f"note {n} is {'word ' * (n % 7)}",
            ref=f"acme/r{n % 40}#{n}",
            author=f"person{n % 100}",
            source=f"github:acme/r{n % 40}/issues/{n}",
        )
        for n in range(500)
    ]
    remember(database, *entries)
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("vacuum analyze")
    [[first]] = database.run(TENANT, [Statement("select id::text from memories limit 1", {})])
    read = Statement(
        """select regexp_replace(relname, '_[0-9]$', '') as table,
                  sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as read
           from pg_stat_xact_user_tables
           where relname ~ '^memor(ies|y_terms|y_vectors_[0-9])$' group by 1 order by 1""",
        {},
    )
    tables = ("memories", "memory_terms", "memory_vectors")
    held = {table: len(table_text(database, table).splitlines()) for table in tables}
    for subject in (
        f"m-{first['id'][:13]}",
        "acme/r7#7",
        "@person11",
        "source:github:acme/r3/issues/3",
        "source:github:acme/r9",
    ):
        parsed = Subject.parse(subject)
        assert parsed
        requester = Requester(TENANT, "op", subject)
        audit = requester.audit_id(subject)
        row = requester._asdict() | parsed.parameters | OPERATOR.parameters
        step = Statement(SQL["forget"], row | {"audit": audit, "blocks": True})
        steps = [read, step, counts_of(TENANT, audit), read]
        before, _, [done], after = database.run(TENANT, steps)
        assert done["counts"]["memories"] > 0
        for was, now in zip(before, after, strict=True):
            assert now["read"] - was["read"] < held[now["table"]] / 10, (subject, now["table"])
