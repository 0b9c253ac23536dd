"""Each new migration leaves the code before it working, and live traffic flowing."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from infra.migrations import Migration, migrate, migrations
from infra.migrations.files import Step
from tests.database.reused import named
from tests.database.rows import insertion, tables
from tests.infra.migrations.expanding import faults, step_faults

#: The last file from before the convention.
_LAST = 49

SHOP = """
create table vacant (id int primary key);
create table shop (id int primary key,
  state text constraint opened check (state in ('open', 'shut')),
  name text not null default '',
  code varchar(5), stock int, constraint stocked check (stock > 0), unique (name));
create index on shop (code);
alter table shop add constraint named check (name is not null) not valid;
create function price(item int, rebate int default 0) returns int language sql as 'select 1';
create function seen() returns trigger language plpgsql as 'begin return new; end';
create trigger seen before insert on shop for each row execute function seen();
create role expanding_reader;
grant select on shop to expanding_reader;
alter table shop add constraint coded check (code is not null);
insert into shop values (1, 'open', 'a', 'b', 3);
"""

GOOD = """
create table other (id int primary key, at date not null check (at > 'epoch'));
  create index on other (at)
alter table shop add column size int
alter table shop add column size int not null default 0
alter table shop add column size int, add constraint sized check (size > 0) not valid
alter table shop drop constraint opened,
  add constraint opened check (state in ('open', 'shut', 'sold')) not valid
alter table shop drop constraint stocked, add constraint stocked check (stock > -5) not valid
alter table shop drop constraint stocked
alter table shop validate constraint named
alter table shop alter column name set default 'x'
alter table shop alter column name drop not null
create or replace function price(item int, rebate int default 0) returns int
  language sql as 'select 2'
create function price(item text, rebate text, at date) returns int language sql as 'select 1'
grant insert on shop to expanding_reader
comment on table shop is 'where things are sold'
create policy all_of_it on shop using (true)
insert into shop (id, code, name) values (2, 'c', 'd')
"""
#: A statement each; a line that begins with a space belongs to the one before.
ADDS = re.split(r"\n(?! )", GOOD.strip())

BAD = {
    "drop table shop": "takes away table shop",
    "alter table shop rename to store": "takes away table shop",
    "alter table shop drop column code": "takes away column shop.code",
    "alter table shop rename column code to sign": "takes away column shop.code",
    "do $$ begin execute 'alter table shop drop column code'; end $$": "takes away column shop.",
    "alter table shop alter column code type text": "changes the type of shop.code from char",
    "alter table shop alter column id type bigint": "changes the type of shop.id from integer",
    "alter table shop add column size int not null": 'fails on rows that are there: column "size"',
    "alter table vacant add column size int not null": "column vacant.size is not null and has no",
    "alter table shop alter column code set not null": "narrows shop.code to not null",
    "alter table shop alter column name drop default": "takes away the default of shop.name",
    "alter table shop add column at timestamptz default clock_timestamp()": "writes shop anew",
    "truncate shop": "writes shop anew under a lock",
    "update shop set code = 'x'": "changes rows of shop in one transaction; do it in batches",
    "delete from shop": "changes rows of shop in one transaction; do it in batches",
    "create index on shop (state)": "locks shop while it makes index shop_state_idx; make it",
    "create unique index one_code on shop (code)": "locks shop while it makes index one_code",
    "drop index shop_code_idx": "takes away index shop_code_idx",
    "alter table shop drop constraint shop_name_key": "takes away constraint shop_name_key",
    "alter table shop add unique (code)": "narrows what shop takes: unique shop_code_key",
    "alter table shop add foreign key (stock) references shop not valid": "narrows what",
    "alter table shop add check (stock < 9)": "looks at all rows of shop under a lock: constraint",
    "alter table shop add check (stock < 9) not valid": "narrows what shop takes: constraint shop_",
    "alter table shop drop constraint stocked,"
    " add constraint stocked check (stock > 5) not valid": "narrows what shop takes: constraint st",
    "alter table shop drop constraint opened,"
    " add constraint opened check (state in ('open')) not valid": "narrows what shop takes",
    "drop function price(int, int)": "takes away function price(integer,integer)",
    "drop function price(int, int); create function price(item int, rebate int default 0)"
    " returns bigint language sql as 'select 1::bigint'": "changes function price(integer,integer)",
    "drop function price(int, int); create function price(item int, rebate int)"
    " returns int language sql as 'select 1'": "takes away a default of function price",
    "drop function price(int, int); create function price(thing int, rebate int default 0)"
    " returns int language sql as 'select 1'": "changes function price(integer,integer)",
    "create function price(item text, rebate text) returns int"
    " language sql as 'select 1'": "function price(text,text) may be called in place of",
    "alter function price(int, int) strict": "changes function price(integer,integer)",
    "revoke execute on function price(int, int) from public": "takes away right execute on price(",
    "revoke select on shop from expanding_reader": "takes away right SELECT on shop for expanding",
    "drop trigger seen on shop": "takes away trigger seen",
    "alter table shop enable row level security": "binds shop by row level security",
    "create policy none on shop as restrictive using (false)": "narrows what is seen of shop",
}


@pytest.fixture(scope="module")
def shop(postgres_url: str) -> Iterator["psycopg.Connection[Any]"]:
    """A database with one table, and what code may rely on."""
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("create database expanding")
        with psycopg.connect(named(postgres_url, "expanding"), autocommit=True) as connection:
            connection.execute(SHOP.encode())
            yield connection
        server.execute("drop database expanding with (force)")
        server.execute("drop role expanding_reader")


def whole(statement: str) -> Step:
    return Step("", "in a transaction", statement)


@pytest.mark.parametrize("statement", ADDS)
def test_what_adds_is_taken(shop: "psycopg.Connection[Any]", statement: str) -> None:
    assert step_faults(shop, whole(statement)) == []


@pytest.mark.parametrize("statement", BAD)
def test_what_breaks_the_code_before_or_holds_up_traffic_is_refused(
    shop: "psycopg.Connection[Any]", statement: str
) -> None:
    found = "\n".join(step_faults(shop, whole(statement)))
    assert BAD[statement] in found


def test_what_takes_away_may_do_so_but_holds_nobody_up(shop: "psycopg.Connection[Any]") -> None:
    drop = whole("alter table shop drop column code")
    assert step_faults(shop, drop, contracts=True) == []
    strict = whole("alter table shop alter column stock set not null")
    assert step_faults(shop, strict, contracts=True)
    index = Step("gone", "concurrently", "drop index concurrently if exists shop_code_idx")
    assert step_faults(shop, index) == ["drops an index"]
    assert step_faults(shop, index, contracts=True) == []


NEW = [one for one in migrations() if one.number > _LAST]


class Growing:
    """A database that gets one file after the other."""

    def __init__(self, server: "psycopg.Connection[Any]", url: str) -> None:
        self._server, self._url = server, url

    @contextmanager
    def before(self, migration: Migration) -> Iterator["psycopg.Connection[Any]"]:
        """Apply the files before that one; yields a connection whose changes are undone, or one to
        a copy when the migration cannot run in a transaction."""
        files = [one for one in migrations() if one.number < migration.number]
        migrate(self._url, files=files)
        if any(step.kind == "concurrently" for step in migration.steps):
            self._server.execute("create database grown template growing strategy file_copy")
            with psycopg.connect(
                self._url.replace("/growing?", "/grown?"), autocommit=True
            ) as copy:
                yield copy
            self._server.execute("drop database grown with (force)")
            return
        with psycopg.connect(self._url, autocommit=True) as connection:
            [last] = connection.execute("select max(number) from migrations").fetchone() or [None]
            assert last == files[-1].number, "these tests run in the order of the files"
            with connection.transaction(force_rollback=True):
                yield connection


@pytest.fixture(scope="module")
def growing(postgres_url: str) -> Iterator[Growing]:
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("create database growing strategy file_copy")
        yield Growing(server, named(postgres_url, "growing"))
        server.execute("drop database growing with (force)")


@pytest.mark.parametrize("migration", NEW, ids=lambda one: one.title)
def test_a_new_migration_only_adds(migration: Migration, growing: Growing) -> None:
    """On a database of the files before it, with a row in each table."""
    with growing.before(migration) as connection:
        connection.execute("set session_replication_role = replica")
        for table in tables(connection):
            connection.execute(insertion(connection, table, "acme"))
        connection.execute("set session_replication_role = origin")
        assert faults(connection, migration) == []
