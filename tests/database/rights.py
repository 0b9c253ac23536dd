"""Reads from Postgres's catalogues what the migrations forgot to bind."""

from collections.abc import Iterator
from typing import Any

import psycopg

#: What the database knows of its migrations: the owner's alone.
_OWNERS = ("migrations", "migration_steps", "migration_runs", "deployments")
#: Tables that hold nothing of any tenant, with their policies.
SHARED = {
    "batches": {("all_tenants", "agent_flows_definer", "true")},
    "model_buckets": {("account", "agent_flows", "true")},
    "model_reservations": {("account", "agent_flows", "true")},
    **{name: {("owner", "public", "true")} for name in _OWNERS},
}
#: The policies of all others.
OF_TENANTS = {
    ("tenant", "public", "(tenant = NULLIF(current_setting('app.tenant'::text, true), ''::text))"),
    ("all_tenants", "agent_flows_definer", "true"),
}
PATH = "search_path=pg_catalog, public, pg_temp"

_TABLES = """
    select c.oid::regclass::text as name, c.relispartition as part, c.relrowsecurity as bound,
           c.relforcerowsecurity as forced,
           exists (select from pg_attribute where attrelid = c.oid and attname = 'tenant') as tenant
    from pg_class as c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
"""
_POLICIES = """
    select tablename, policyname, roles, permissive, cmd, qual, with_check from pg_policies
    where schemaname = 'public'
"""
_GRANTS = """
    select c.oid::regclass::text as what, coalesce(r.rolname, 'public') as whose, g.privilege_type
    from pg_class as c, aclexplode(c.relacl) as g left join pg_roles as r on r.oid = g.grantee
    where c.relnamespace = 'public'::regnamespace and g.grantee <> c.relowner
"""
_DEFINERS = """
    select p.oid::regprocedure::text as name, p.proowner::regrole::text as owner, p.proconfig,
           array(select coalesce(r.rolname, 'public') from aclexplode(p.proacl) as g
                 left join pg_roles as r on r.oid = g.grantee
                 where g.grantee <> p.proowner) as callers,
           p.proacl is null as unset
    from pg_proc as p where p.pronamespace = 'public'::regnamespace and p.prosecdef
"""
_OTHER = """
    select c.relname from pg_class as c
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('v', 'm', 'f')
"""
_OWNED = """
    select r.rolname, d.classid::regclass::text as kind, d.objid from pg_shdepend as d
    join pg_roles as r on r.oid = d.refobjid and d.refclassid = 'pg_authid'::regclass
    where d.deptype = 'o' and starts_with(r.rolname, 'agent_flows')
      and d.dbid in (0, (select oid from pg_database where datname = current_database()))
"""
_ROLES = """
    select rolname from pg_roles where starts_with(rolname, 'agent_flows')
      and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication
           or has_schema_privilege(oid, 'public', 'create')
           or has_database_privilege(oid, current_database(), 'temporary, create'))
"""


def faults(owner: psycopg.Connection[dict[str, Any]]) -> list[str]:
    """Say what breaks the rules of infra/migrations/0024_logins.sql."""
    return [*_of_tables(owner), *_of_functions(owner), *_of_roles(owner)]


def _of_tables(owner: psycopg.Connection[dict[str, Any]]) -> Iterator[str]:
    policies: dict[str, set[tuple[str, str, str]]] = {}
    for row in owner.execute(_POLICIES):
        policies.setdefault(row["tablename"], set()).update(
            (row["policyname"], role, row["qual"]) for role in row["roles"]
        )
        if (row["permissive"], row["cmd"], row["with_check"]) != ("PERMISSIVE", "ALL", None):
            yield f"{row['tablename']}: policy {row['policyname']} is not for all commands alike"
    tables = owner.execute(_TABLES).fetchall()
    for table in tables:
        name = table["name"]
        if not (table["bound"] and table["forced"]):
            yield f"{name}: force row level security"
        wanted = set() if table["part"] else SHARED.get(name, OF_TENANTS)
        if policies.get(name, set()) != wanted:
            yield f"{name}: policies other than {sorted(policy for policy, *_ in wanted)}"
        if not table["tenant"] and name not in SHARED:
            yield f"{name}: has no tenant"
    closed = {table["name"] for table in tables if table["part"]} | set(_OWNERS)
    for grant in owner.execute(_GRANTS):
        if grant["whose"] == "public" or grant["what"] in closed:
            yield f"{grant['what']}: {grant['privilege_type']} is granted to {grant['whose']}"
    for row in owner.execute(_OTHER):
        yield f"{row['relname']}: a view reads as its owner"


def _of_functions(owner: psycopg.Connection[dict[str, Any]]) -> Iterator[str]:
    for row in owner.execute(_DEFINERS):
        if PATH not in (row["proconfig"] or ()):
            yield f"{row['name']}: set search_path = pg_catalog, public, pg_temp"
        if row["owner"] != "agent_flows_definer":
            yield f"{row['name']}: runs as {row['owner']}"
        if row["unset"] or set(row["callers"]) - {"agent_flows_operator"}:
            yield f"{row['name']}: others than the operator may call it"


def _of_roles(owner: psycopg.Connection[dict[str, Any]]) -> Iterator[str]:
    for row in owner.execute(_OWNED):
        if (row["rolname"], row["kind"]) != ("agent_flows_definer", "pg_proc"):
            yield f"{row['rolname']}: owns {row['kind']} {row['objid']}"
    for row in owner.execute(_ROLES):
        yield f"{row['rolname']}: may do more than its work"
