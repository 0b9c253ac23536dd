"""Migrations are applied once and by steps, beside live traffic, and go on where one ended."""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from infra.migrations import Migration, applying, migrate
from infra.migrations.applying import Asked, attempt
from infra.migrations.progress import Progress, progress
from infra.migrations.record import LOCK, make, release
from shared.errors import AgentFlowsError, DatabaseUnavailable, SettingsError
from tests.infra.migrations.files import BATCHES, CHAIN, INDEX, STEPS, THINGS, files
from tests.waiting import wait_for

TITLES = [one.title for one in CHAIN]


def ask(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


@contextmanager
def holding(url: str, statement: str) -> Iterator[psycopg.Connection[Any]]:
    """Hold in a transaction what the statement locks."""
    with psycopg.connect(url) as connection:
        connection.execute(statement.encode())
        yield connection


def test_all_is_applied_once_in_order(url: str) -> None:
    assert migrate(url, files=CHAIN) == TITLES
    assert migrate(url, files=CHAIN) == []
    assert ask(url, "select array_agg(distinct filled) from things") == [2]
    assert ask(url, "select indisvalid from pg_index where indexrelid = 'things_name'::regclass")
    assert ask(url, "select convalidated from pg_constraint where conname = 'sized'")
    assert progress(url, files=CHAIN).remaining == []


def test_an_applied_file_that_changed_is_refused(url: str) -> None:
    migrate(url, files=files(THINGS))
    with pytest.raises(SettingsError, match="0001_file_1 was applied with other content; add a"):
        migrate(url, files=files(THINGS + "-- more"))


WRONG = {
    "select 1;\n-- step: one\nselect 2;": "has SQL before its first step",
    "-- step: one\nselect 1;\n-- step: one\nselect 2;": "names two steps alike",
    "-- step: one, concurrently\ncreate index i on things (id);": "must be one `create index conc",
    "-- step: one, concurrently\ncreate index concurrently if not exists i on things (id);": "must",
    "-- step: one, concurrently\nselect 1;\ndrop index concurrently if exists i;": "must be one",
    "-- step: one, in batches\nupdate things set filled = 1;": "does not go on after %(after)s",
}


@pytest.mark.parametrize("text", WRONG)
def test_steps_that_are_no_steps_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="migration 0001_file_1 ") as refused:
        assert files(text)[0].steps
    assert WRONG[text] in str(refused.value)


def test_what_failed_is_told_and_gone_on_with_once_it_is_mended(url: str) -> None:
    broken = STEPS.replace("check (size > 0)", "check (length > 0)")
    with pytest.raises(SettingsError, match=r"0002_file_2, step 'check': column \"length\" does "):
        migrate(url, files=files(THINGS, broken))
    told = progress(url, files=files(THINGS, broken))
    assert (told.ended, told.running, told.applied) == (True, False, ["0001_file_1"])
    assert 'column "length" does not exist' in told.failed
    assert migrate(url, files=files(THINGS, STEPS)) == ["0002_file_2"]
    assert ask(url, "select array_agg(distinct filled) from things") == [1]


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("select 1 / 0;", "DivisionByZero"),
        ("select 'Ann is 40'::int;", "InvalidTextRepresentation"),
        ("do $$ begin raise 'pgvector is old'; end $$;", "pgvector is old; file_1 stopped"),
        ("select pg_terminate_backend(pg_backend_pid());", "the database went away"),
        ("select pg_cancel_backend(pg_backend_pid()), pg_sleep(9);", "took longer than 300 s, or"),
    ],
)
def test_an_error_says_which_file_and_quotes_nothing_that_is_stored(
    url: str, broken: str, said: str
) -> None:
    with pytest.raises(AgentFlowsError, match=said) as failed:
        migrate(url, files=files("create table parts (id int);" + broken))
    assert "Ann" not in str(failed.value)
    assert ask(url, "select to_regclass('parts')") is None


def test_a_batch_that_makes_no_way_is_refused(url: str) -> None:
    still = "-- step: still, in batches\nselect coalesce(%(after)s, 'here');"
    with pytest.raises(SettingsError, match="a batch ended where it began"):
        migrate(url, files=files(still))


# Indexes


def test_an_index_that_was_made_by_half_is_made_again(url: str) -> None:
    migrate(url, files=files(THINGS))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("insert into things (id, name) values (91, 'thing 1')")
        unique = b"create unique index concurrently things_name on things (name)"
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute(unique)
    assert (
        ask(url, "select indisvalid from pg_index where indexrelid = 'things_name'::regclass")
        is False
    )
    migrate(url, files=files(THINGS, INDEX))
    assert ask(url, "select indisvalid from pg_index where indexrelid = 'things_name'::regclass")


def test_an_index_that_cannot_be_made_leaves_nothing(url: str) -> None:
    unique = INDEX.replace("create index", "create unique index")
    double = "insert into things (id, name) values (91, 'thing 1');"
    with pytest.raises(SettingsError, match=r"could not create unique index \"things_name\"") as no:
        migrate(url, files=files(THINGS + double, unique))
    assert "thing 1" not in str(no.value)
    assert ask(url, "select to_regclass('things_name')") is None


def test_an_index_that_a_dead_process_left_to_the_server_is_taken_as_it_is(url: str) -> None:
    migrate(url, files=files(THINGS))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create index concurrently things_name on things (name)")
    made = ask(url, "select 'things_name'::regclass::oid")
    migrate(url, files=files(THINGS, INDEX))
    assert ask(url, "select 'things_name'::regclass::oid") == made


def test_an_index_is_dropped_beside_live_traffic(url: str) -> None:
    drop = (
        "-- contract\n-- step: names, concurrently\ndrop index concurrently if exists things_name;"
    )
    migrate(url, files=files(THINGS, INDEX, drop))
    assert ask(url, "select to_regclass('things_name')") is None


# Beside live traffic


def met_waiting(url: str, shipped: list[Migration]) -> Progress | None:
    now = progress(url, files=shipped)
    return now if now.doing and now.waits.startswith("Access") else None


@pytest.mark.usefixtures("brief")
def test_who_waits_for_a_lock_lets_others_pass_and_says_for_whom_it_waits(url: str) -> None:
    migrate(url, files=files(THINGS))
    column = files(THINGS, "alter table things add column more int;")
    with ThreadPoolExecutor() as pool, holding(url, "select from things") as reader:
        done = pool.submit(migrate, url, files=column)
        told = wait_for(lambda: met_waiting(url, column))
        assert told
        holder = f"held by session {reader.info.backend_pid} (postgres, idle in transaction for "
        assert told.waits.startswith("AccessExclusiveLock on things, " + holder)
        assert re.match(r"0002_file_2: \d+ s, waits for AccessExclusiveLock on things", told.line)
        assert told.remaining == ["0002_file_2"]
        for _ in range(3):  # live traffic is not kept behind it
            with psycopg.connect(url, options="-c statement_timeout=5s") as other:
                other.execute("select count(*) from things")
        assert not done.done()
        reader.rollback()
        assert done.result() == ["0002_file_2"]


@pytest.mark.usefixtures("brief")
def test_what_never_lets_go_ends_the_attempt_with_nothing_changed(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "_PATIENCE", 1.2)
    migrate(url, files=files(THINGS))
    column = files(THINGS, "alter table things add column more int;")
    with (
        holding(url, "select from things"),
        pytest.raises(SettingsError, match=r"others held what it wants to lock, \d times .* lock"),
    ):
        migrate(url, files=column)
    assert migrate(url, files=column) == ["0002_file_2"]


@pytest.mark.usefixtures("brief")
def test_a_batch_waits_for_a_row_that_somebody_changes(url: str) -> None:
    migrate(url, files=files(THINGS))
    with ThreadPoolExecutor() as pool:
        with holding(url, "update things set times = 1 where id = 30") as writer:
            done = pool.submit(migrate, url, files=files(THINGS, BATCHES))
            wait_for(lambda: progress(url, files=files(THINGS, BATCHES)).waits)
            assert ask(url, "select sum(filled) from things") == 20
            writer.commit()
        assert done.result() == ["0002_file_2"]
    assert ask(url, "select sum(filled) from things") == 90


def test_a_statement_that_takes_too_long_ends(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "_LONGEST", {"in a transaction": 1, "in batches": 1})
    with pytest.raises(SettingsError, match="a statement took longer than 1 s, or was ended"):
        migrate(url, files=files("create table parts (id int); select pg_sleep(60);"))
    assert ask(url, "select to_regclass('parts')") is None


# Two at once, and one that is asked for twice


def test_many_at_once_apply_all_once(url: str) -> None:
    with ThreadPoolExecutor(6) as pool:
        applied = list(pool.map(lambda _: migrate(url, files=CHAIN), range(6)))
    assert sorted(applied) == [[]] * 5 + [TITLES]
    assert ask(url, "select array_agg(distinct filled) from things") == [2]


def test_who_does_not_wait_leaves_it_to_who_is_at_it(url: str) -> None:
    with holding(url, f"select pg_advisory_lock({LOCK})"):
        assert attempt(url, Asked(wait=False, files=CHAIN)) is None
    assert ask(url, "select to_regclass('things')") is None


def test_an_invocation_that_is_delivered_twice_is_one_attempt(url: str) -> None:
    asked = Asked("a", files=files(THINGS))
    assert attempt(url, asked)
    assert attempt(url, asked._replace(files=CHAIN)) is None
    assert attempt(url, asked._replace(id="b", files=CHAIN))


def test_a_process_without_time_leaves_the_rest_to_the_next(url: str) -> None:
    left = iter([1000, 1000, 95, 95, 80])
    first = attempt(url, Asked(seconds_left=lambda: next(left), files=CHAIN))
    assert first == (["0001_file_1"], [], False)
    told = progress(url, files=CHAIN)
    assert (told.ended, told.failed) == (True, "")
    assert list(told.remaining) == TITLES[1:]
    assert ask(url, "select sum(filled) from things") == 40  # of two batches
    assert migrate(url, files=CHAIN) == TITLES[1:]
    assert ask(url, "select array_agg(distinct filled) from things") == [2]


# What takes away

CONTRACT = files(
    THINGS,
    "-- contract: no code reads it since 0001\nalter table things drop name;",
    "alter table things add column more int;",
)


def live(url: str, *shipped: Migration) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        make(connection)
        release(connection, shipped)


def columns(url: str) -> str:
    return str(
        ask(
            url,
            "select string_agg(attname, ' ' order by attname) from pg_attribute"
            " where attrelid = 'things'::regclass and attnum > 0"
            " and not attisdropped",
        )
    )


def test_a_new_database_has_no_older_code(url: str) -> None:
    assert migrate(url, files=CONTRACT) == [one.title for one in CONTRACT]


def test_what_takes_away_waits_for_the_deployment_after_the_next(url: str) -> None:
    migrate(url, files=CONTRACT[:1])
    live(url, *CONTRACT[:1])
    assert migrate(url, files=CONTRACT) == ["0003_file_3"]  # while the code of 0001 is live
    told = progress(url, files=CONTRACT)
    assert (told.remaining, told.held) == ([], ["0002_file_2"])
    assert migrate(url, files=CONTRACT) == []  # the deployment failed, and is tried again
    live(url, *CONTRACT)
    assert migrate(url, files=CONTRACT) == ["0002_file_2"]
    assert columns(url) == "filled id more times"


def test_after_a_rollback_older_code_is_live_again(url: str) -> None:
    migrate(url, files=CONTRACT[:1])
    live(url, *CONTRACT)
    live(url)
    assert migrate(url, files=CONTRACT) == ["0003_file_3"]
    assert migrate(url, files=CONTRACT, contract=True) == ["0002_file_2"]


def test_code_that_is_older_than_what_was_taken_away_is_refused(url: str) -> None:
    migrate(url, files=CONTRACT)
    assert migrate(url, files=CONTRACT[:2]) == []  # 0003 adds
    older = [CONTRACT[0], CONTRACT[2]]
    with pytest.raises(SettingsError, match="the database has 0002_file_2, which takes away what"):
        migrate(url, files=older)


def test_the_database_may_go_away(url: str) -> None:
    ended = threading.Event()

    def end() -> None:
        wait_for(lambda: progress(url, files=files(THINGS)).running)
        ask(url, "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory'")
        ended.set()

    with ThreadPoolExecutor() as pool:
        pool.submit(end)
        with pytest.raises(DatabaseUnavailable, match="0001_file_1: the database went away"):
            migrate(url, files=files("select pg_sleep(60);"))
    assert ended.is_set()
    assert progress(url, files=files(THINGS)).died
