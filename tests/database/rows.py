"""A row of any table for any tenant, made from the catalogue."""

from typing import Any

import psycopg

#: What a column's checks demand; see the migrations.
_VALUES = {
    "scope": "'tenant'",
    "role": "'user'",
    "by": "'ref'",
    "operation": "'merge'",
    "purpose": "'document'",
    "dimensions": "3",
    "embedding": "'[1,2,3]'",
    "vector": "'[1,2,3]'",
    "fault": "''",
    "verdict": "'good'",
    "action": "'made'",
}
_STATES = {
    "runs": "'done'",
    "effects": "'planned'",
    "plans": "'planning'",
    "plan_steps": "'waiting'",
    "plan_writes": "'acted'",
    "approvals": "'asked'",
    "batch_requests": "'queued'",
    "memory_embedders": "'answering'",
    "stops": "'cancelled'",
    "findings": "'held'",
}
_KINDS = {
    "memory_files": "'document'",
    "policy_versions": "'fixed'",
    "signals": "'liked'",
}
#: Where a name means something else in one table.
_OF_COLUMN = {("rules", "purpose"): "'review'", ("rules", "scope"): "'file'"}
_OF_TYPE = {
    "json": "'{}'",
    "jsonb": "'{}'",
    "uuid": "gen_random_uuid()",
    "timestamp with time zone": "now()",
    "date": "now()",
    "boolean": "false",
    "text[]": "'{}'",
    "uuid[]": "'{}'",
}

_TABLES = """
    select c.oid::regclass::text from pg_class as c
    join pg_attribute as a on a.attrelid = c.oid and a.attname = 'tenant' and not a.attisdropped
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
      and not c.relispartition order by 1
"""
_COLUMNS = """
    select attname, format_type(atttypid, null) from pg_attribute
    where attrelid = %s::regclass and attnum > 0 and not attisdropped and attnotnull
      and not atthasdef and attidentity = '' and attgenerated = '' order by attnum
"""


def tables(owner: psycopg.Connection[Any]) -> list[str]:
    """Return the tables with rows of tenants."""
    return [name for (name,) in owner.execute(_TABLES)]


def insertion(owner: psycopg.Connection[Any], table: str, tenant: str) -> bytes:
    """Return the statement that inserts a row of `tenant` into `table`."""
    columns = owner.execute(_COLUMNS, [table]).fetchall()
    names = ", ".join(f'"{name}"' for name, _ in columns)
    values = ", ".join(_value(table, name, kind, tenant) for name, kind in columns)
    return f'insert into "{table}" ({names}) values ({values})'.encode()


def _value(table: str, name: str, kind: str, tenant: str) -> str:
    if name == "tenant":
        return f"'{tenant}'"
    chosen = {"state": _STATES.get(table), "kind": _KINDS.get(table)}.get(name)
    chosen = chosen or _OF_COLUMN.get((table, name)) or _VALUES.get(name) or _OF_TYPE.get(kind)
    return chosen or ("'x'" if kind == "text" else "1")
