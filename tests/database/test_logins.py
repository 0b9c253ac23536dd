"""Whoever runs statements of its own as a function's login reaches no other tenant and no owner."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from infra.migrations.logins import ROLES
from shared.database import OPERATOR, ROLE, Database, Statement
from tests.database.rows import insertion, tables

Login = Callable[[str], psycopg.Connection[Any]]
DENIED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def attacker(login_urls: dict[str, str]) -> Iterator[Login]:
    """Signs in as a function does and begins a transaction for acme."""
    opened = []

    def attack(kind: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(login_urls[kind])
        opened.append(connection)
        connection.execute("select public.act_for('acme', %s)", [ROLES[kind]])
        return connection

    yield attack
    for connection in opened:
        connection.close()


@contextmanager
def refused(connection: psycopg.Connection[Any], *errors: type[Exception]) -> Iterator[None]:
    """Expect that the statement is refused, and go on in the transaction."""
    with pytest.raises(errors or DENIED), connection.transaction():
        yield


@pytest.fixture
def filled(owner: psycopg.Connection[Any]) -> list[str]:
    """The tables of tenants, each with a row of acme's and one of its rival's."""
    found = tables(owner)
    owner.execute("set session_replication_role = replica")  # no foreign keys, no triggers
    for table in found:
        for tenant in ("acme", "rival"):
            owner.execute(insertion(owner, table, tenant))
    owner.execute("reset session_replication_role")
    assert len(found) > 25
    return found


@pytest.mark.parametrize("kind", list(ROLES))
def test_no_row_of_another_tenant_is_seen_changed_or_planted(
    owner: psycopg.Connection[Any], attacker: Login, filled: list[str], kind: str
) -> None:
    attack = attacker(kind)
    seen = 0
    for table in filled:
        name = f'"{table}"'
        readable = owner.execute(
            "select has_table_privilege(%s, %s, 'select')", [ROLES[kind], table]
        ).fetchone() == (True,)
        if readable:
            found = attack.execute(f"select distinct tenant from {name}".encode()).fetchall()
            assert found == [("acme",)], table
            seen += 1
        with refused(attack):
            attack.execute(insertion(owner, table, "rival"))
        for change in (
            f"update {name} set tenant = tenant where tenant = 'rival'",
            f"delete from {name} where tenant = 'rival'",
        ):
            changed = 0
            try:
                with attack.transaction():
                    changed = attack.execute(change.encode()).rowcount
            except DENIED:
                pass
            assert changed == 0, change
    assert seen == (len(filled) if kind != "reader" else 9)


@pytest.mark.parametrize("kind", list(ROLES))
def test_a_login_itself_may_do_nothing(
    owner: psycopg.Connection[Any], attacker: Login, filled: list[str], kind: str
) -> None:
    for escape in ("reset role", "set role none", "set session authorization default"):
        attack = attacker(kind)
        attack.execute(escape.encode())
        for table in [*filled, "batches", "model_buckets", "migrations", "memory_vectors_0"]:
            with refused(attack):
                attack.execute(f'select from "{table}"'.encode())


@pytest.mark.parametrize("kind", ["runtime", "reader"])
def test_only_the_operator_calls_what_works_for_all_tenants(
    owner: psycopg.Connection[Any], attacker: Login, kind: str
) -> None:
    calls = owner.execute(
        "select format('select %s(%s)', proname, (select string_agg('null::' ||"
        " format_type(t, null), ', ') from unnest(proargtypes) as t))"
        " from pg_proc where prosecdef and pronamespace = 'public'::regnamespace"
    ).fetchall()
    assert len(calls) >= 21
    attack, operator = attacker(kind), attacker("operator")
    for (call,) in calls:
        with refused(attack):
            attack.execute(call.encode())
        try:
            with operator.transaction():
                operator.execute(call.encode())
        except psycopg.errors.NotNullViolation:
            pass  # it may call it, and gave it nothing


def test_the_operator_sees_one_tenant_beside_these_functions(
    attacker: Login, filled: list[str]
) -> None:
    operator = attacker("operator")
    with refused(operator):
        operator.execute("select * from batches")
    assert operator.execute("select tenant from turns").fetchall() == [("acme",)]
    for role in ("agent_flows_definer", "postgres"):
        with refused(operator):
            operator.execute(f"set role {role}".encode())


ATTACKS = {
    "create temporary table events (like public.events)": DENIED,
    "create temporary view turns as select 1": DENIED,
    "create table public.notes (id int)": DENIED,
    "create table pg_temp.events (tenant text)": DENIED,
    "create function pg_temp.lower(text) returns text language sql as 'select $1'": DENIED,
    "create function public.now() returns int language sql as 'select 1'": DENIED,
    "create schema mine": DENIED,
    "drop extension vector cascade": DENIED,
    "set role postgres": DENIED,
    "set role agent_flows_definer": DENIED,
    "set role agent_flows_reader": DENIED,
    "set session authorization postgres": DENIED,
    "select set_config('role', 'agent_flows_operator', true)": DENIED,
    "set session_replication_role = replica": DENIED,
    "alter table events no force row level security": DENIED,
    "alter table events disable row level security": DENIED,
    "drop policy tenant on turns": DENIED,
    "create policy mine on turns using (true)": DENIED,
    "alter function pending_facts() reset search_path": DENIED,
    "create or replace function pending_facts() returns setof text language sql as ''": DENIED,
    "grant agent_flows_operator to agent_flows": DENIED,
    "alter role agent_flows superuser": DENIED,
    "create role mine": DENIED,
    "set row_security = off; select * from turns": DENIED,
    "truncate turns": DENIED,
    "lock table batches": DENIED,
    "copy turns to program 'cat'": DENIED,
    "copy (select 1) to '/tmp/x'": DENIED,
    "select pg_read_file('/etc/passwd')": DENIED,
    "select rolpassword from pg_authid": DENIED,
    "select * from pg_statistic": DENIED,
    "create trigger mine before insert on turns execute function follow_terms()": DENIED,
    "create rule mine as on insert to turns do also select 1": DENIED,
    "alter database template1 set search_path = mine": DENIED,
    "load 'dblink'": DENIED,
    "do language plpython3u $$ $$": psycopg.errors.UndefinedObject,
}


def test_what_an_attacker_would_try_is_refused(
    attacker: Login, filled: list[str], subtests: pytest.Subtests
) -> None:
    attack = attacker("runtime")
    for statement, error in ATTACKS.items():
        with subtests.test(statement):
            with refused(attack, error):
                attack.execute(statement.encode())
            assert attack.execute("select tenant from turns").fetchall() == [("acme",)]


def test_defaults_that_a_login_leaves_for_itself_change_no_tenant(
    login_urls: dict[str, str], filled: list[str]
) -> None:
    with psycopg.connect(login_urls["runtime"], autocommit=True) as attack:
        kept = {"search_path": "pg_temp", "role": "none"}
        try:
            for name, value in kept.items():
                attack.execute(f"alter role current_user set {name} = {value}".encode())
            with Database(login_urls["runtime"], own_login=True, patience=1) as database:
                asked = Statement("select tenant, current_user from turns", {})
                assert database.run("acme", [asked]) == [[{"tenant": "acme", "current_user": ROLE}]]
                assert database.run("", [asked]) == [[]]
        finally:
            attack.execute("alter role current_user reset all")


def test_a_function_for_all_tenants_is_not_led_astray(
    owner: psycopg.Connection[Any], login_urls: dict[str, str]
) -> None:
    """Even where a login may make temporary tables: it reads ours, and runs as nobody."""
    name = owner.info.dbname
    owner.execute(f'grant temporary on database "{name}" to public'.encode())
    with psycopg.connect(login_urls["operator"]) as attack:
        attack.execute("create temporary table events (recorded_at timestamptz)")
        attack.execute("insert into events values ('epoch')")
        attack.execute("grant all on events to public")
        attack.execute("select public.act_for('acme', %s)", [OPERATOR])
        [row] = attack.execute("select expire_events(interval '1 day')").fetchall()
        assert row == (0,)
        assert attack.execute("select count(*) from events").fetchone() == (0,)
