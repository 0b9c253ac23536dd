"""Looks whether a database can carry the system: reachable, safe, new enough, with the rights."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row

from shared.database import connect, queries
from shared.database.address import is_local
from shared.errors import AgentFlowsError

Facts = dict[str, Any]

#: The oldest Postgres, as it numbers itself, and the oldest pgvector.
_POSTGRES = 150_000
_VECTOR = (0, 8)

SQL = queries(__file__, "checking.sql")


class _Found(NamedTuple):
    """What the database said, and what the connection showed."""

    row: dict[str, Any]
    is_encrypted: bool
    pid: int


def check(url: str, *, patience: float = 40.0, ca: str = "") -> Facts:
    """Return what the owner's login `url` finds: `problems`, which stop a deployment, `notes`, and
    the `connections` that the database leaves to the functions."""
    try:
        with connect(url, patience=patience, ca=ca, row_factory=dict_row) as connection:
            row = connection.execute(SQL["look"]).fetchone()
            pid, encrypted = connection.info.backend_pid, connection.pgconn.ssl_in_use
    except AgentFlowsError as err:
        return {"problems": [str(err)], "notes": []}
    except psycopg.Error as err:
        said = err.diag.message_primary or type(err).__name__
        return {"problems": [f"the database cannot be looked at: {said}"], "notes": []}
    assert row
    found = _Found(row, encrypted or is_local(url), pid)
    return {
        "version": row["version"],
        "vector": row["vector"] or row["offered"],
        "connections": row["connections"] - row["others"],
        "problems": [*_problems(found)],
        "notes": [*_notes(found)],
    }


def _problems(found: _Found) -> Iterator[str]:
    row = found.row
    if row["number"] < _POSTGRES:
        yield f"Postgres {row['version']} is too old; 15 or newer is needed"
    vector = row["vector"] or row["offered"]
    if not vector:
        yield "the database has no pgvector; 0.8 or newer is needed"
    elif tuple(int(part) for part in vector.split(".")[:2]) < _VECTOR:
        yield f"pgvector {vector} is too old; 0.8 or newer is needed"
    if row["encoding"] != "UTF8":
        yield f"the database is encoded in {row['encoding']}; UTF8 is needed"
    if row["only_reads"]:
        yield "the database only reads, as a replica does; name the one that writes"
    if found.pid != row["pid"]:
        yield "DATABASE_URL leads to a pooler; the owner's login needs the server itself"
    if not row["creates"]:
        yield "the login of DATABASE_URL may not create in the database; let it own it"
    if not found.is_encrypted:
        yield "the connection is not encrypted; write sslmode=verify-full in DATABASE_URL"


def _notes(found: _Found) -> Iterator[str]:
    if not found.row["makes_roles"]:
        yield "the login of DATABASE_URL may not make roles; make the functions' logins by hand"
    if not found.row["owns"]:
        yield "the login of DATABASE_URL does not own the database: it cannot take TEMPORARY away"
