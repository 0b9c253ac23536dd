"""The audit log: who read or changed the memory, when, and how many rows."""

import json
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from shared.database import Database, Row, Statement, queries

SQL = queries(__file__, "audit.sql")


class Requester(NamedTuple):
    """The person or operator who asks, and the event in which they ask.

    A request has one audit row, however often it runs.
    """

    tenant: str
    actor: str
    event: str

    def audit_id(self, action: str, *about: str) -> UUID:
        """Return the id of the audit row, the same for the same request."""
        told = json.dumps([self.tenant, self.actor, self.event, action, *about])
        return UUID(bytes=sha256(told.encode()).digest()[:16])


class AuditLog:
    """The audit log of one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def note(self, requester: Requester, action: str, **counts: int) -> None:
        """Write an audit row now."""
        self._database.run(requester.tenant, [record(requester, action, **counts)])

    def entries(self, tenant: str, limit: int) -> list[Row]:
        """Return the newest entries first."""
        row = {"tenant": tenant, "limit": limit}
        return self._database.run(tenant, [Statement(SQL["entries"], row)])[0]


def record(requester: Requester, action: str, **counts: int) -> Statement:
    """Return the statement that writes an audit row."""
    row = requester._asdict() | {"audit": requester.audit_id(action), "action": action}
    return Statement(SQL["record"], row | {"counts": json.dumps(counts)})


def counts_of(tenant: str, audit: UUID) -> Statement:
    """Return the statement that reads the counts of an audit row."""
    return Statement(SQL["counts"], {"tenant": tenant, "audit": audit})
