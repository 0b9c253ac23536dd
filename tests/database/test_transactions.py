"""Each list of statements is one transaction: all of it is kept, or nothing."""

import psycopg
import pytest

from shared.database import BriefTransaction, Database, Statement
from tests.waiting import wait_for

KEPT = Statement("select count(*) as n from kept", {})


@pytest.fixture(autouse=True)
def table(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(
            "create table kept (n int primary key, other int references kept deferrable"
            " initially deferred)"
        )
        owner.execute("grant all on kept to agent_flows")


def keep(number: int, other: int | None = None) -> Statement:
    return Statement("insert into kept values (%(n)s, %(other)s)", {"n": number, "other": other})


def kept(database: Database) -> int:
    return int(database.run("acme", [KEPT])[0][0]["n"])


@pytest.mark.parametrize("bad", [keep(1), Statement("select 1 / 0", {}), keep(9, other=8)])
def test_an_error_anywhere_keeps_nothing(database: Database, bad: Statement) -> None:
    """The last one fails only at the very end, when the transaction commits."""
    with pytest.raises(psycopg.DatabaseError):
        database.run("acme", [keep(1), keep(2), bad, keep(3)])
    assert kept(database) == 0


def test_many_statements_are_one_transaction(database: Database) -> None:
    which = Statement("select pg_current_xact_id()::text as id, now()::text as at", {})
    statements = [statement for n in range(3_000) for statement in (keep(n), which)]
    rows = database.run("acme", statements)
    assert len({(row[0]["id"], row[0]["at"]) for row in rows[1::2]}) == 1
    with pytest.raises(psycopg.DatabaseError):
        database.run("acme", [*(keep(n) for n in range(3_000, 6_000)), keep(0)])
    assert kept(database) == 3_000


CUT = """select pg_terminate_backend(pid) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid()"""


@pytest.mark.parametrize("statements", [[keep(1)], [keep(n) for n in range(2_000)]])
def test_a_connection_that_was_cut_is_made_anew(
    database: Database, database_url: str, statements: list[Statement]
) -> None:
    """Few statements are all sent before it shows; many fill the socket first."""
    for _ in range(3):
        database.run("acme", [Statement("delete from kept", {})])
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(CUT)
        database.run("acme", statements)
        assert kept(database) == len(statements)


def test_a_connection_that_is_cut_in_the_middle_is_made_anew(
    database: Database, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(
            """create sequence cuts;
               create function cut_once() returns void security definer language sql as $$
                 select pg_terminate_backend(pg_backend_pid()) from nextval('public.cuts') as turn
                 where turn = 1
               $$"""
        )
    cut_once = Statement("select cut_once()", {})
    database.run("acme", [keep(1), cut_once, keep(2)])
    assert kept(database) == 2


def test_a_brief_transaction_is_on_disk_when_it_returns(
    database: Database, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        [name] = owner.execute("select current_database()").fetchone() or [""]
        owner.execute(f'alter database "{name}" set synchronous_commit to on'.encode())
        owner.execute(CUT)
    written = Statement("select pg_current_wal_insert_lsn()::text as at", {})
    how = Statement("select current_setting('synchronous_commit') as how", {})
    rows = database.run("acme", BriefTransaction([keep(1), written, how]))
    flushed = "select pg_current_wal_flush_lsn() >= %(at)s::pg_lsn as done"
    assert rows[2] == [{"how": "off"}], "while it locks"
    assert database.run("acme", [Statement(flushed, {"at": rows[1][0]["at"]}), how]) == [
        [{"done": True}],
        [{"how": "on"}],
    ]
    with pytest.raises(psycopg.DatabaseError):
        database.run("acme", BriefTransaction([keep(2), keep(1)]))
    assert kept(database) == 1


def test_a_connection_that_the_server_ended_while_nobody_needed_it_is_made_anew(
    database: Database, database_url: str
) -> None:
    """So that a warm function keeps no database awake; see 0051_idle_connections.sql."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        [name] = owner.execute("select current_database()").fetchone() or [""]
        owner.execute(f'alter database "{name}" set idle_session_timeout to 50'.encode())
        owner.execute(CUT)
        database.run("acme", [keep(1)])
        others = "select count(*) from pg_stat_activity where datname = %s and pid <> %s"
        me = owner.info.backend_pid
        wait_for(lambda: owner.execute(others, [name, me]).fetchone() == (0,))
        database.run("acme", [keep(2)])
        assert kept(database) == 2
