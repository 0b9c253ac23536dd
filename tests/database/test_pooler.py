"""Tenants stay apart when they share a connection to the server: PgBouncer in transaction mode."""

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from infra.project import ROOT
from shared.database import OPERATOR, READER, ROLE, Database, Statement
from shared.errors import SettingsError
from tests.campaigns import sample, size
from tests.database.pooler import ABSENT, PROGRAM, Pooler

pytestmark = pytest.mark.skipif(not PROGRAM, reason=ABSENT)

#: What the suite holds of journal, memory and tenants; a run without --all takes one of them.
CORE = [
    "tests/test_journal.py",
    "tests/memory/test_store.py",
    "tests/models/guards/test_budgets.py",
    "tests/memory/conversations/test_turns.py",
    "tests/memory/control/test_forget.py",
    "tests/models/cache/test_prompt_cache.py",
    "tests/flows/test_upkeep.py",
]

PID = Statement("select pg_backend_pid() as pid", {})
WRITE = "insert into turns (tenant, conversation, role, author, text, event_id)"


@pytest.fixture
def narrow(postgres_url: str, logins: dict[str, str]) -> Iterator[Pooler]:
    """A pooler with one connection to the server for each login and database."""
    with Pooler(postgres_url, logins.values(), 1) as pooler:
        yield pooler


@pytest.fixture
def url(database_url: str, narrow: Pooler, logins: dict[str, str]) -> str:
    with psycopg.connect(database_url) as owner:
        return narrow.url(logins["runtime"], owner.info.dbname)


def said(tenant: str, number: int) -> Statement:
    row = {"tenant": tenant, "event": f"{tenant}-{number}"}
    return Statement(f"{WRITE} values (%(tenant)s, 'c', 'user', 'ann', %(tenant)s, %(event)s)", row)


def test_two_tenants_on_one_connection_see_themselves_only(url: str) -> None:
    everything = Statement("select tenant, text from turns", {})
    with ExitStack() as stack:
        opened = [stack.enter_context(Database(url, own_login=True)) for _ in range(3)]
        pids = set()
        for number in range(size(100, 10)):
            for database, tenant in zip(opened, ("acme", "rival", ""), strict=True):
                [[row], *_, rows] = database.run(
                    tenant, [PID, *([said(tenant, number)] if tenant else []), everything]
                )
                pids.add(row["pid"])
                expected = [{"tenant": tenant, "text": tenant}] * (number + 1 if tenant else 0)
                assert rows == expected
        assert len(pids) == 1


def test_tenants_at_once_on_one_connection_see_themselves_only(url: str) -> None:
    def work(tenant: str) -> set[str]:
        seen: set[str] = set()
        with Database(url, own_login=True) as database:
            for number in range(size(100, 15)):
                every = Statement("select tenant from turns", {})
                _, rows = database.run(tenant, [said(tenant, number), every])
                assert len(rows) == number + 1
                seen |= {row["tenant"] for row in rows}
        return seen

    tenants = [f"tenant-{n}" for n in range(6)]
    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(work, tenants)) == [{tenant} for tenant in tenants]


#: What an injected statement leaves behind on the server's connection for whoever comes next.
LEFTOVERS = [
    "set app.tenant = 'acme'",
    "select set_config('app.tenant', 'acme', false)",
    "set search_path = pg_temp, public",
    "set search_path = ''",
    "set role none",
    "set role agent_flows",
    "reset all",
    "set plan_cache_mode = force_generic_plan",
    "prepare mine as select * from turns",
    "declare mine cursor with hold for select 1",
    "listen mine",
    "select pg_advisory_lock_shared(1)",
    "set row_security = on",
    "set default_transaction_isolation = serializable",
    "begin; set local app.tenant = 'acme'; commit",
    "begin; select public.act_for('acme', 'agent_flows'); commit",
]


@pytest.mark.parametrize("leftover", LEFTOVERS)
def test_what_one_leaves_on_a_connection_does_not_reach_the_next(url: str, leftover: str) -> None:
    everything = Statement(
        "select tenant, current_user, current_setting('search_path') as path,"
        " current_setting('plan_cache_mode') as plans from turns",
        {},
    )
    with Database(url) as database:
        database.run("acme", [said("acme", 1)])
        [[before]] = database.run("rival", [PID])
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as attack:
            attack.execute(leftover.encode())
        [[after], _, [row]] = database.run("rival", [PID, said("rival", 1), everything])
        assert after == before
        assert row == {
            "tenant": "rival",
            "current_user": ROLE,
            "path": "pg_catalog, public, pg_temp",
            "plans": "force_custom_plan",
        }
        # As the login itself, whatever was left: nothing.
        with psycopg.connect(url, autocommit=True, prepare_threshold=None) as next_one:
            if leftover != "set role agent_flows":
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    next_one.execute("select * from public.turns")


@pytest.mark.parametrize(("kind", "role"), [("operator", OPERATOR), ("reader", READER)])
def test_each_login_acts_as_its_role_and_as_no_other(
    database_url: str, narrow: Pooler, logins: dict[str, str], kind: str, role: str
) -> None:
    with psycopg.connect(database_url) as owner:
        url = narrow.url(logins[kind], owner.info.dbname)
    who = Statement("select current_user", {})
    with Database(url, role=role, own_login=True) as database:
        assert database.run("acme", [who]) == [[{"current_user": role}]]
    with (
        Database(url, role=ROLE if kind == "reader" else READER) as other,
        pytest.raises(SettingsError, match="may not act as"),
    ):
        other.run("acme", [])


def test_a_connection_is_free_as_soon_as_its_transaction_has_ended(url: str) -> None:
    """psycopg's Flush, which came after that, kept another connection busy now and then."""
    with Database(url, patience=5) as one, Database(url, patience=5) as two:
        for number in range(size(2000, 200)):
            for database, tenant in ((one, "acme"), (two, "rival")):
                started = time.monotonic()
                database.run(tenant, [said(tenant, number)])
                assert time.monotonic() - started < 60  # PgBouncer's own patience is 120


def test_a_transaction_that_fails_leaves_its_tenant_nowhere(url: str) -> None:
    wrong = Statement("select 1 / 0", {})
    look = Statement("select current_setting('app.tenant', true) as tenant, current_user", {})
    with Database(url) as one, Database(url) as two:
        for _ in range(3):
            with pytest.raises(psycopg.errors.DivisionByZero):
                one.run("acme", [said("acme", 1), wrong])
            assert two.run("rival", [look]) == [[{"tenant": "rival", "current_user": ROLE}]]
        assert one.run("acme", [Statement("select * from turns", {})]) == [[]]


@pytest.mark.parametrize("module", sample(CORE, 1))
def test_the_core_of_the_suite_passes_through_the_pooler(module: str) -> None:
    command: list[Any] = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--pooler", module], check=False, capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    assert "skipped" not in done.stdout
