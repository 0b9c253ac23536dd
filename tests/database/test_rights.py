"""Every table and function of the schema is bound, and a migration that forgets it fails here."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.database.rights import faults

Owner = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def owner(database_url: str, logins: dict[str, str]) -> Iterator[Owner]:
    """Past the conftest's: with rows as dicts."""
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as owner:
        yield owner


def test_the_schema_is_bound(owner: Owner) -> None:
    assert faults(owner) == []


TENANT = "using (tenant = nullif(current_setting('app.tenant', true), ''))"
MISTAKES = {
    "a table without policies": "create table notes (tenant text)",
    "a table without force": (
        f"create table notes (tenant text); create policy tenant on notes {TENANT};"
        "create policy all_tenants on notes to agent_flows_definer using (true);"
        "alter table notes enable row level security"
    ),
    "a table without a tenant": "create table notes (id int)",
    "force taken away": "alter table steps no force row level security",
    "row security taken away": "alter table budget_days disable row level security",
    "a policy dropped": "drop policy tenant on effects",
    "a policy more": "create policy more on turns using (true)",
    "a policy for another": "create policy more on turns to agent_flows using (true)",
    "a policy that looks at another setting": (
        "alter policy tenant on runs using (tenant = current_setting('app.tenants', true))"
    ),
    "a policy that lets any row in": "alter policy tenant on memories with check (true)",
    "a policy of a partition": "create policy tenant on memory_vectors_0 using (true)",
    "a grant of a partition": "grant select on memory_vectors_3 to agent_flows",
    "a grant to all": "grant select on approvals to public",
    "a grant of the migrations": "grant insert on migrations to agent_flows",
    "a view": "create view notes as select * from turns",
    "a copy": "create materialized view notes as select * from turns",
    "a function as its owner": (
        "create function peek() returns bigint language sql security definer as"
        " 'select count(*) from turns'"
    ),
    "a function for all": "grant execute on function runs_to_wake(int) to public",
    "a function for flows": "grant execute on function pending_facts() to agent_flows",
    "a function for the reader": "grant execute on function models_queued() to agent_flows_reader",
    "a function of a superuser": "alter function expire_prompts() owner to current_user",
    "a path that begins elsewhere": (
        "alter function expire_prompts() set search_path = public, pg_catalog, pg_temp"
    ),
    "a path without an end": (
        "alter function pending_facts() set search_path = pg_catalog, public"
    ),
    "no path": "alter function models_queued() reset search_path",
    "a table of the runtime": "alter table fact_leases owner to agent_flows",
    "a function of the reader": "alter function model_drain(float8) owner to agent_flows_reader",
    "temporary tables": (
        "do $$ begin execute format('grant temporary on database %I to agent_flows',"
        " current_database()); end $$"
    ),
    "a schema that all write to": "grant create on schema public to agent_flows_operator",
}


def test_what_a_migration_forgets_is_found(owner: Owner, subtests: pytest.Subtests) -> None:
    for name, mistake in MISTAKES.items():
        with subtests.test(name), owner.transaction(force_rollback=True):
            owner.execute(mistake.encode())
            assert faults(owner) != []
