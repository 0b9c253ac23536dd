"""The journal: one run per event and flow, one record per step, one holder at a time."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from shared.canonical import canonical
from shared.database import Database, Row, Statement
from shared.errors import RunBusy
from shared.events import Event
from shared.journal import Journal, Outcome, Run
from shared.memory.upkeep.retention import RetentionDesk
from shared.settings import Settings
from tests.events.made import an_event
from tests.waiting import wait_for


@pytest.fixture
def journal(database: Database) -> Journal:
    return Journal(database)


def claimed(journal: Journal, event: Event, lease: float = 30) -> Run:
    run = journal.claim(event, "triage", lease)
    assert run is not None
    return run


def counting(answer: object) -> tuple[list[int], Callable[[], Outcome]]:
    calls: list[int] = []

    def work() -> Outcome:
        calls.append(1)
        return Outcome(answer)

    return calls, work


def test_a_finished_step_is_not_done_again_after_a_crash(database: Database) -> None:
    event = an_event()
    calls, work = counting({"label": "bug"})
    claimed(Journal(database), event, lease=0).step("ask", {"q": 1}, work)

    again = claimed(Journal(database), event)

    assert again.attempt == 2
    assert again.step("ask", {"q": 1}, work) == {"label": "bug"}
    assert len(calls) == 1


def test_another_input_is_another_step(journal: Journal) -> None:
    run = claimed(journal, an_event())
    calls, work = counting("x")
    run.step("ask", {"q": 1}, work)
    run.step("ask", {"q": 2}, work)
    run.step("recall", {"q": 1}, work)
    assert len(calls) == 3


def test_the_same_call_twice_in_a_run_is_two_steps_and_both_replay(database: Database) -> None:
    event, numbers = an_event(), iter(range(10))
    run = claimed(Journal(database), event, lease=0)
    first = [run.step("roll", {}, lambda: Outcome(next(numbers))) for _ in range(2)]

    run = claimed(Journal(database), event)
    second = [run.step("roll", {}, lambda: Outcome(next(numbers))) for _ in range(3)]

    assert first == [0, 1]
    assert second == [0, 1, 2]


def test_steps_are_keyed_by_content_not_by_position(database: Database) -> None:
    event = an_event()
    run = claimed(Journal(database), event, lease=0)
    run.step("ask", "a", lambda: Outcome("A"))
    run.step("ask", "b", lambda: Outcome("B"))

    run = claimed(Journal(database), event)

    def surprise() -> Outcome:
        raise AssertionError("a recorded step ran again")

    assert run.step("ask", "b", surprise) == "B"
    assert run.step("ask", "a", surprise) == "A"


def test_an_attempt_that_goes_another_way_knows_which_steps_it_left_out(database: Database) -> None:
    event = an_event()
    run = claimed(Journal(database), event, lease=0)
    for said in ("a", "a", "b"):
        run.step("ask", said, lambda: Outcome("x"))
    run.step("failed", {"attempt": 1}, lambda: Outcome("paid for in vain"))
    assert run.unasked() == []

    run = claimed(Journal(database), event, lease=0)
    assert run.unasked() == ["ask", "ask", "ask"]
    run.step("ask", "b", lambda: Outcome("x"))
    run.step("ask", "c", lambda: Outcome("x"))
    run.step("ask", "a", lambda: Outcome("x"))
    assert run.unasked() == ["ask"]
    run.step("ask", "a", lambda: Outcome("x"))
    assert run.unasked() == []


def test_a_deferred_step_is_committed_with_the_next_write(database: Database) -> None:
    event = an_event()
    run = claimed(Journal(database), event, lease=0)
    run.step("recall", "q", lambda: Outcome([1]), defer=True)
    assert _count(database, event, "steps") == 0
    run.step("ask", "q", lambda: Outcome("x"))
    assert _count(database, event, "steps") == 2


def test_a_step_commits_its_statements_or_nothing(database: Database) -> None:
    event = an_event()
    run = claimed(Journal(database), event)
    bad = Statement("select 1 / %(zero)s", {"zero": 0})
    with pytest.raises(psycopg.errors.DivisionByZero):
        run.step("remember", {}, lambda: Outcome("x", statements=[bad]))
    assert _count(database, event, "steps") == 0


def test_twenty_claims_at_once_give_one_run(database_url: str) -> None:
    event, barrier = an_event(), threading.Barrier(20)

    def claim(_: int) -> Run | None:
        with Database(database_url) as database:
            barrier.wait()
            try:
                return Journal(database).claim(event, "triage", 30)
            except RunBusy:
                return None

    with ThreadPoolExecutor(20) as threads:
        runs = [run for run in threads.map(claim, range(20)) if run]
    assert len(runs) == 1
    assert runs[0].attempt == 1


def test_an_ended_run_is_not_claimed_again(journal: Journal) -> None:
    event = an_event()
    claimed(journal, event).finish("done")
    assert journal.claim(event, "triage", 30) is None
    assert journal.claim(event, "review", 30) is not None


def test_a_run_given_back_is_claimed_again_at_once(journal: Journal) -> None:
    event = an_event()
    claimed(journal, event).finish("retrying", "the model did not answer")
    assert claimed(journal, event).attempt == 2


def test_who_lost_the_lease_writes_nothing(database: Database) -> None:
    event = an_event()
    slow = claimed(Journal(database), event, lease=0)
    claimed(Journal(database), event)
    with pytest.raises(RunBusy, match="held by another function"):
        slow.step("ask", {}, lambda: Outcome("late"))
    with pytest.raises(RunBusy):
        slow.finish("done")
    assert _count(database, event, "steps") == 0


def test_a_busy_run_says_for_how_long(database: Database) -> None:
    event = an_event()
    claimed(Journal(database), event, lease=40)
    with pytest.raises(RunBusy, match=r"held by another function for (39|40) s more"):
        Journal(database).claim(event, "triage", 30)


SIGNED = an_event(digest="d" * 32)


@pytest.mark.parametrize("change", [{"id": "github:d2"}, {"id": "d3", "type": "github.push"}])
@pytest.mark.parametrize("state", ["running", "retrying", "done", "failed"])
def test_a_signed_body_under_another_name_is_the_same_event(
    database: Database, state: str, change: dict[str, Any]
) -> None:
    run = claimed(Journal(database), SIGNED)
    if state != "running":
        run.finish(state)
    replayed = SIGNED._replace(**change)
    assert Journal(database).claim(replayed, "triage", 30) is None
    assert [_count(database, replayed, table) for table in ("events", "runs")] == [1, 1]
    assert claimed(Journal(database), replayed._replace(digest="e" * 32)).attempt == 1


def test_another_flow_another_tenant_and_events_without_a_body_are_no_repeats(
    journal: Journal,
) -> None:
    claimed(journal, SIGNED).finish("done")
    assert journal.claim(SIGNED._replace(id="2"), "review", 30)
    assert journal.claim(SIGNED._replace(id="2", tenant="github:globex"), "triage", 30)
    for id in ("3", "4"):
        assert journal.claim(SIGNED._replace(id=id, digest=""), "triage", 30)


def test_a_redelivery_under_its_own_id_goes_on_and_ten_minutes_later_a_body_is_new(
    database: Database, database_url: str
) -> None:
    claimed(Journal(database), SIGNED).finish("retrying")
    assert claimed(Journal(database), SIGNED, lease=0).attempt == 2
    with psycopg.connect(database_url) as connection:
        connection.execute("update runs set started_at = now() - interval '601 seconds'")
    assert claimed(Journal(database), SIGNED._replace(id="2")).attempt == 1
    # The first run is not over: that its body came again does not end it.
    assert claimed(Journal(database), SIGNED, lease=0).attempt == 3


def test_of_many_names_for_one_body_at_once_one_runs(database_url: str) -> None:
    barrier = threading.Barrier(8)

    def claim(number: int) -> Run | None:
        with Database(database_url) as database:
            barrier.wait()
            return Journal(database).claim(SIGNED._replace(id=str(number)), "triage", 30)

    with ThreadPoolExecutor(8) as threads:
        assert len([run for run in threads.map(claim, range(8)) if run]) == 1


def test_no_tenant_reads_anothers_run(database: Database) -> None:
    event = an_event(tenant="github:acme")
    claimed(Journal(database), event)
    count = Statement("select count(*) as n from runs", {})
    assert database.run("github:acme", [count]) == [[{"n": 1}]]
    assert database.run("github:globex", [count]) == [[{"n": 0}]]
    assert database.run("", [count]) == [[{"n": 0}]]


def test_text_that_databases_dislike_is_kept(database: Database) -> None:
    text = "nul \x00, half an emoji \ud83d, 中文, 🚀"
    event = an_event(text=text, payload={"body": text})
    run = claimed(Journal(database), event, lease=0)
    recorded = run.step("ask", {"text": text}, lambda: Outcome({"text": text}))
    again = claimed(Journal(database), event).step("ask", {"text": text}, lambda: Outcome(None))
    assert again == recorded == {"text": "nul \x00, half an emoji ?, 中文, 🚀"}


def test_canonical_json_does_not_depend_on_order() -> None:
    assert canonical({"b": {3, 1, 2}, "a": 1}) == canonical({"a": 1, "b": frozenset([2, 3, 1])})


def test_old_events_of_all_tenants_expire_with_their_runs(
    database: Database, operator: Database, database_url: str
) -> None:
    old = [an_event(tenant=tenant, id=f"old-{tenant}") for tenant in ("t1", "t2")]
    for event in old:
        claimed(Journal(database), event).finish("done")
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("update events set recorded_at = now() - interval '91 days'")
        owner.execute(
            "insert into budget_days values ('t1', now() - interval '92 days', 'flow', 'chat')"
        )
    nightly = an_event(tenant="system", id="nightly")
    run = claimed(Journal(operator), nightly)
    assert RetentionDesk(run, Settings(retention_days="90")).expire() == 2
    assert _count(database, old[0], "runs") == _count(database, old[1], "runs") == 0
    assert _count(database, nightly, "runs") == 1
    assert _count(database, old[0], "budget_days") == 0


def test_changes_of_the_memory_expire_but_no_drop_that_waits_for_its_end(
    database: Database, operator: Database, database_url: str
) -> None:
    kept = {"young", "a drop that may be undone"}
    changes = {
        "young": ("merge", 89, False, False),
        "a merge": ("merge", 91, False, False),
        "a supersession that was undone": ("supersede", 91, True, False),
        "halved uses": ("lower", 4000, False, False),
        "a drop that may be undone": ("drop", 91, False, False),
        "a drop that was undone": ("drop", 91, True, False),
        "a drop that is final": ("drop", 91, False, True),
    }
    with psycopg.connect(database_url, autocommit=True) as owner:
        for tenant in ("t1", "t2"):
            for id, (operation, days, undone, final) in changes.items():
                owner.execute(
                    "insert into consolidations values (%s, %s, gen_random_uuid(),"
                    " now() - make_interval(days => %s), %s, '{}', null, '[]',"
                    " case when %s then now() end, case when %s then now() end)",
                    (tenant, id, days, operation, undone, final),
                )
    run = claimed(Journal(operator), an_event(tenant="system", id="nightly"))
    RetentionDesk(run, Settings(retention_days="90")).expire()
    for tenant in ("t1", "t2"):
        [left] = database.run(tenant, [Statement("select id from consolidations", {})])
        assert {row["id"] for row in left} == kept


def _count(database: Database, event: Event, table: str) -> int:
    rows = database.run(event.tenant, [Statement(f"select count(*) as n from {table}", {})])
    return int(rows[0][0]["n"])


def test_records_of_threads_that_wait_for_each_other_are_committed_together(
    database: Database,
) -> None:
    """The first commit is held up until all others wait; then one more takes them all."""
    run = claimed(Journal(database), an_event())
    commits: list[int] = []
    go_on = threading.Event()
    original = database.run

    def slow(tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        commits.append(len(statements))
        go_on.wait(10)
        return original(tenant, statements)

    run._database = SimpleNamespace(run=slow)  # type: ignore[assignment]
    with ThreadPoolExecutor(8) as threads:
        found = [threads.submit(run.step, "ask", {"n": n}, partial(Outcome, n)) for n in range(8)]
        wait_for(lambda: len(run._waiting._batch.statements) == 7)
        go_on.set()
        assert [one.result() for one in found] == [*range(8)]
    assert commits == [2, 8]  # each also holds the lease


def test_no_other_threads_transaction_has_a_record_without_its_statements(
    database: Database,
) -> None:
    """The first commit is held up until the others wait; whoever of them is next takes only what is
    whole: a crash after it would keep a record of what was never written."""
    run = claimed(Journal(database), an_event())
    commits: list[Counter[str]] = []
    arrived: list[int] = []
    go_on, turn, original = threading.Event(), run._waiting._turn, database.run

    class Turn:
        def __enter__(self) -> None:
            arrived.append(1)
            turn.acquire()

        def __exit__(self, *_: object) -> None:
            turn.release()

    def slow(tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        commits.append(Counter(str(one.parameters.get("name", one.sql)) for one in statements))
        go_on.wait(10)
        return original(tenant, statements)

    def step(n: int) -> object:
        other = Statement("select %(n)s::int as n", {"n": n, "name": "its statement"})
        return run.step("ask", {"n": n}, lambda: Outcome(n, statements=[other]))

    run._database = SimpleNamespace(run=slow)  # type: ignore[assignment]
    run._waiting._turn = Turn()  # type: ignore[assignment]
    with ThreadPoolExecutor(4) as threads:
        found = [threads.submit(step, n) for n in range(4)]
        wait_for(lambda: len(arrived) == 4)
        go_on.set()
        assert [one.result() for one in found] == [*range(4)]
    assert [one["ask"] for one in commits] == [one["its statement"] for one in commits]
