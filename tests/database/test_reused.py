"""A database that is emptied is like a new copy; one that a test changed otherwise is dropped."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest

from tests.database.reused import ReusedDatabases

TABLES = """select oid::regclass::text from pg_class where relkind in ('r', 'S') and not relisshared
            and relnamespace in ('pg_catalog'::regnamespace, 'public'::regnamespace)"""
ADD = """insert into events select 'acme', 'e' || n, 't', 'c', '{}' from generate_series(1, 3) n;
         insert into turns (tenant, conversation, event_id, role, author, text)
         select 'acme', 'c', 'e' || n, 'user', 'a', 'text' from generate_series(1, 3) n"""


@pytest.fixture
def own(postgres_url: str, migrated_template: str) -> Iterator[ReusedDatabases]:
    """Databases that no other test takes; they go with the server."""
    with closing(ReusedDatabases(postgres_url, migrated_template)) as own:
        yield own


def run(url: str, statement: str) -> list[Any]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def held(url: str) -> dict[str, list[str]]:
    """Return all rows of the database: its catalogue's, the tables' and the sequences'."""
    with psycopg.connect(url, autocommit=True) as connection:
        names = [name for (name,) in connection.execute(TABLES).fetchall()]
        rows = {name: connection.execute(f"table {name}".encode()).fetchall() for name in names}
    return {name: sorted(map(repr, found)) for name, found in rows.items()}


def test_what_was_emptied_is_like_a_copy(own: ReusedDatabases) -> None:
    # Where autovacuum came by in the meantime, a new copy is taken; it does not come each time.
    assert any(is_emptied(own) for _ in range(5))


def is_emptied(own: ReusedDatabases) -> bool:
    """Write to a database, give it back, take the next, which is as new; was it the same?"""
    copy = held(first := own.take(fresh=True))
    copies = own.copies
    run(first, ADD)
    run(first, "begin; " + ADD.replace("'e'", "'x'") + "; rollback")
    run(first, "select nextval('steps_seq_seq'), set_config('app.tenant', 'acme', false)")
    own.give_back(first)
    assert (second := own.take()) != first
    assert held(second) == copy
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        run(first, "select")
    return own.copies == copies


def test_sessions_that_a_test_left_are_ended_with_what_they_hold(own: ReusedDatabases) -> None:
    url = own.take()
    with ExitStack() as stack:
        lefts = [stack.enter_context(closing(psycopg.connect(url))) for _ in range(3)]
        lefts[0].execute("select pg_advisory_lock(7)")
        lefts[1].execute("lock table steps; listen told")
        lefts[2].execute(ADD.encode())
        own.give_back(url)
        for left in lefts:
            with pytest.raises(psycopg.OperationalError):
                left.execute("select")
    assert run(own.take(), "select count(*), pg_try_advisory_lock(7) from events") == [(0, True)]
    assert own.copies == 1


def crash(url: str) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        connection.execute(ADD.encode())
        os.kill(connection.info.backend_pid, signal.SIGKILL)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select")


@pytest.mark.parametrize(
    "change",
    [
        "create table left_behind ()",
        "begin; create table undone (); rollback",
        "create table gone (); drop table gone",
        "create temporary table passing ()",
        "alter table events add column more text",
        "alter table events disable row level security",
        "revoke select on events from agent_flows",
        "grant select on events to public",
        "drop index runs_by_start",
        "drop function hold_lease",
        "comment on table events is 'changed'",
        "create schema other",
        "create type kind as enum ('a')",
        "drop extension vector cascade",
        "alter sequence steps_seq_seq increment 2",
        "select lo_create(0)",
        "analyze events",
        "truncate turns",
        "delete from migrations",
        "alter database {name} set work_mem = '1MB'",
        "alter role agent_flows in database {name} set work_mem = '1MB'",
        "alter database {name} connection limit 5",
        "grant temporary on database {name} to public",
        "insert into events select 'acme', n, 't', 'c', '{{}}' from generate_series(1, 3000) n",
    ],
)
def test_what_was_changed_is_dropped(own: ReusedDatabases, change: str) -> None:
    url = own.take()
    run(url, change.format(name=url.rpartition("/")[2].partition("?")[0]))
    own.give_back(url)
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        run(url, "select")
    own.take()
    assert own.copies == 2


def test_what_a_crash_left_uncounted_is_dropped(own: ReusedDatabases) -> None:
    crash(url := own.take())
    own.give_back(url)
    assert run(own.take(), "select count(*) from events") == [(0,)]
    assert own.copies == 2


def test_who_wants_a_new_copy_gets_one(own: ReusedDatabases) -> None:
    own.give_back(own.take())
    own.take(fresh=True)
    assert own.copies == 2
