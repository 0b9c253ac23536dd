"""The prompt cache under many at once and over a broken Postgres: one call, and no reply lost."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from shared.canonical import digest
from shared.database import Database
from shared.errors import ModelUnavailable
from shared.models import ModelReply
from shared.models.cache.recent_replies import read
from shared.models.cache.shared_replies import SQL
from tests.models.cache.cache_requests import (
    MODEL,
    REPLY,
    TENANT,
    Model,
    all_at_once,
    ask,
    asking,
    prompt_cache,
    rows,
)
from tests.waiting import PATIENCE, wait_for

NOWHERE = "postgresql://127.0.0.1:1/nothing"


# At once


@pytest.mark.parametrize("shared", [True, False])
def test_ten_threads_make_one_call(database: Database, shared: bool) -> None:
    cache, model = prompt_cache(database if shared else None), Model(after=0.3)
    replies = all_at_once(10, lambda _: ask(cache, model))
    assert model.calls == 1
    assert sorted(reply.source for reply in replies) == ["process"] * 9 + ["provider"]
    assert sum(reply.cost or 0 for reply in replies) == 0.25
    assert cache.counters().waits == 9


def test_ten_caches_make_one_call(database_url: str) -> None:
    model = Model(after=0.3)

    def work(_: int) -> ModelReply:
        with Database(database_url, patience=5) as own:
            return ask(prompt_cache(own), model)

    replies = all_at_once(10, work)
    assert model.calls == 1
    assert sorted(reply.source for reply in replies) == ["provider"] + ["shared"] * 9


def test_threads_that_wait_share_even_what_is_not_worth_keeping() -> None:
    cache, model = prompt_cache(None), Model(replace(REPLY, finish="refused"), after=0.3)
    replies = all_at_once(4, lambda _: ask(cache, model))
    assert model.calls == 1
    assert sorted(reply.source for reply in replies) == ["process"] * 3 + ["provider"]


def test_of_two_claims_in_the_same_moment_one_holds(database: Database, database_url: str) -> None:
    model = Model()
    key = digest([MODEL, asking()])
    claim = {"tenant": TENANT, "key": key, "model": MODEL, "owner": "other", "lease": 10}
    blocked = "select from pg_stat_activity where wait_event_type = 'Lock' and datname = %s"
    with ThreadPoolExecutor(1) as threads, psycopg.connect(database_url) as other:
        other.execute(SQL["find"].encode(), claim)  # and not committed yet
        second = threads.submit(ask, prompt_cache(database), model, seconds=2)
        with psycopg.connect(database_url, autocommit=True) as owner:
            wait_for(lambda: owner.execute(blocked, [other.info.dbname]).fetchall())
        other.commit()
        with pytest.raises(ModelUnavailable, match="did not end"):
            second.result()
    assert model.calls == 0


def test_nobody_waits_for_another_question() -> None:
    cache, together = prompt_cache(None), threading.Barrier(5, timeout=10)

    def call() -> ModelReply:
        together.wait()  # each call ends only when all have begun
        return REPLY

    replies = all_at_once(5, lambda number: ask(cache, call, asking(str(number))))
    assert replies == [REPLY] * 5


def test_after_a_failure_the_next_of_those_who_wait_tries(database_url: str) -> None:
    outcomes: list[Exception | ModelReply] = [REPLY, ModelUnavailable("overloaded")]
    calls: list[int] = []

    def call() -> ModelReply:
        calls.append(1)
        time.sleep(0.2)
        outcome = outcomes.pop()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def work(number: int) -> str:
        with Database(database_url, patience=30) as own:
            try:
                return ask(caches[number % 2] or prompt_cache(own), call, seconds=60).source
            except ModelUnavailable:
                return "failed"

    with Database(database_url, patience=30) as one:
        caches = [prompt_cache(one), None]  # half of them threads of one process
        barrier = threading.Barrier(6)
        with ThreadPoolExecutor(6) as threads:
            sources = list(threads.map(lambda n: (barrier.wait(), work(n))[1], range(6)))
    assert len(calls) == 2
    assert (sources.count("failed"), sources.count("provider")) == (1, 1)


@pytest.mark.parametrize("same_process", [True, False])
def test_a_wait_ends_with_the_deadline_of_who_waits(
    database: Database, database_url: str, same_process: bool
) -> None:
    calls, over, first = list[int](), threading.Event(), prompt_cache(database)

    def slow() -> ModelReply:
        calls.append(1)
        assert over.wait(PATIENCE)
        return REPLY

    with Database(database_url, patience=5) as own, ThreadPoolExecutor(1) as threads:
        leading = threads.submit(ask, first, slow)
        wait_for(lambda: calls)
        with pytest.raises(ModelUnavailable, match=r"did not end within 0.2 s"):
            ask(first if same_process else prompt_cache(own), slow, seconds=0.2)
        assert not leading.done()
        over.set()
        assert leading.result() == REPLY
    assert calls == [1]


def test_a_late_reply_of_a_lost_claim_is_kept(database: Database) -> None:
    taken_over, kept = threading.Event(), threading.Event()

    def slow() -> ModelReply:
        assert taken_over.wait(PATIENCE)
        return REPLY

    def fails() -> ModelReply:
        taken_over.set()
        assert kept.wait(PATIENCE)
        raise ModelUnavailable("overloaded")

    with ThreadPoolExecutor(2) as threads:
        late = threads.submit(ask, prompt_cache(database), slow, seconds=0.1)  # a claim of 1 s
        wait_for(lambda: rows(database))
        second = threads.submit(ask, prompt_cache(database), fails)
        assert late.result() == REPLY
        kept.set()
        with pytest.raises(ModelUnavailable, match="overloaded"):
            second.result()  # which must not undo what was kept meanwhile
    assert ask(prompt_cache(database), Model()).source == "shared"


# When Postgres or what it holds is broken


@pytest.mark.parametrize(
    "stored",
    [
        "null",
        "[]",
        '"text"',
        '{"text": "another version wrote this"}',
        '{"text": 5, "finish": "stop", "usage": {}, "model": "m", "calls": []}',
        '{"text": "x", "finish": "length", "usage": {}, "model": "m", "calls": []}',
        '{"text": "x", "finish": "tools", "usage": {}, "model": "m", "calls": [{"id": "1"}]}',
        '{"text": "x", "finish": "stop", "usage": {}, "model": "m", "calls": [], "more": 1}',
        '{"text": "x", "finish": "stop", "usage": {"input": "1"}, "model": "m", "calls": []}',
        '{"text": "x", "finish": "stop", "usage": {}, "model": "m", "calls": [], "cost": "1"}',
    ],
)
def test_only_what_we_wrote_is_read(stored: str) -> None:
    assert read(json.loads(stored)) is None


def test_a_row_that_cannot_be_read_is_a_miss_and_is_replaced(database: Database) -> None:
    ask(prompt_cache(database), Model())
    rows(database, """update prompt_cache set reply = '{"text": "another version wrote this"}'""")
    model = Model(after=0.2)
    replies = all_at_once(4, lambda _: ask(prompt_cache(database), model))
    assert model.calls == 1
    assert {reply.text for reply in replies} == {REPLY.text}


def test_without_postgres_calls_go_through(capsys: pytest.CaptureFixture[str]) -> None:
    with Database(NOWHERE, patience=0.2) as nowhere:
        cache, model = prompt_cache(nowhere), Model(after=0.1)
        replies = all_at_once(10, lambda _: ask(cache, model))
        assert {reply.text for reply in replies} == {REPLY.text}
        assert model.calls == 1  # within the process nothing has changed
        for text in ("a", "b"):
            assert ask(cache, model, asking(text)).source == "provider"
    assert capsys.readouterr().out.count("goes on without Postgres") == 1


@pytest.mark.parametrize(
    "breakage",
    [
        "alter table prompt_cache rename to gone",
        "revoke all on prompt_cache from agent_flows",
        "alter table prompt_cache drop column used_at",
    ],
)
def test_a_reply_is_not_lost_when_it_cannot_be_shared(
    database: Database, database_url: str, breakage: str
) -> None:
    def call() -> ModelReply:
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(breakage.encode())
        return REPLY

    cache = prompt_cache(database)
    assert ask(cache, call) == REPLY
    assert ask(cache, call).source == "process"
    assert ask(prompt_cache(database), Model()) == REPLY


def test_a_lost_connection_is_nothing_to_speak_of(
    database: Database, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def call() -> ModelReply:
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        return REPLY

    ask(prompt_cache(database), call)
    assert ask(prompt_cache(database), Model()).source == "shared"
    assert capsys.readouterr().out == ""
