"""Databases that tests take in turn: one that a test leaves is emptied for the next, or dropped.

A copy of the template costs Postgres three times the work. A database is used again only when the
server's counters of written rows tell that nothing in its catalogue was written to, not even by a
transaction that was rolled back, and that nothing else of it differs from a new copy. Its sessions
are ended, with their locks, and it gets another name, so that what a test left running finds none.
"""

import time
import uuid
from contextlib import suppress
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from infra.local.postgres import DATABASE
from shared.database import queries

_SQL = {name: text.encode() for name, text in queries(__file__, "reused.sql").items()}
#: What is deleted stays in the files until a vacuum; beyond that many rows a copy is better.
_MOST_DELETED = 2000
#: Statements of a test may wait for no session that it left, and neither may these.
_OPTIONS = "-c lock_timeout=5s -c statement_timeout=60s"
#: How long a server that a test made crash may take to come back.
_RECOVERY_SECONDS = 30


def named(url: str, database: str) -> str:
    """Return the URL of another database of the same server."""
    return url.replace(f"/{DATABASE}?", f"/{database}?")


class ReusedDatabases:
    """The databases of one server: `take` one, use it at the URL, `give_back` it."""

    def __init__(self, server_url: str, template: str) -> None:
        self._url = server_url
        self._template = template
        self._server: psycopg.Connection[Any] | None = None
        self._idle: dict[str, int] = {}  # with the rows that were deleted in it
        self._taken: dict[str, tuple[str, int]] = {}
        #: How many copies were made.
        self.copies = 0

    def take(self, *, fresh: bool = False) -> str:
        """Return the URL of a migrated and empty database; with `fresh`, of a new copy."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        deleted = 0
        if self._idle and not fresh:
            idle, deleted = self._idle.popitem()
            self._do("alter database {} rename to {}", idle, name)
        else:
            self.copies += 1
            self._do("create database {} template {} strategy file_copy", name, self._template)
            self._do("revoke temporary on database {} from public", name)  # is not copied
        self._taken[name] = self._form(name), deleted
        return named(self._url, name)

    def give_back(self, url: str) -> None:
        """Empty the database for the next who takes one, or drop it."""
        [name] = [name for name in self._taken if named(self._url, name) == url]
        form, deleted = self._taken.pop(name)
        with suppress(psycopg.Error):
            sessions = self._ask("ended", name).fetchall()
            if all(gone for (gone,) in sessions) and self._form(name) == form:
                deleted += self._empty(url)
                if deleted < _MOST_DELETED:
                    self._idle[name] = deleted
                    return
        self._do("drop database {} with (force)", name)

    def close(self) -> None:
        if self._server:
            self._server.close()

    def _empty(self, url: str) -> int:
        """Delete all rows and return how many were written, or the most that may be deleted."""
        with psycopg.connect(url, autocommit=True, options=_OPTIONS) as owner:
            written: list[tuple[str, int, bool]] = owner.execute(_SQL["written"]).fetchall()
            rows = sum(rows for _, rows, _ in written)
            if rows >= _MOST_DELETED or not all(ours for _, _, ours in written):
                return _MOST_DELETED
            owner.execute("set session_replication_role = replica")  # foreign keys need no order
            for table, _, _ in written:
                owner.execute(f"delete from {table}".encode())
            for statement in ("restart", "flush", "count"):
                owner.execute(_SQL[statement])
        return rows

    def _form(self, name: str) -> str:
        row = self._ask("form", name).fetchone()
        return str(row and row[0])

    def _ask(self, statement: str, name: str) -> psycopg.Cursor[Any]:
        return self._connected().execute(_SQL[statement], {"name": name})

    def _do(self, statement: LiteralString, *names: str) -> None:
        identifiers = map(sql.Identifier, names)
        self._connected().execute(sql.SQL(statement).format(*identifiers))

    def _connected(self) -> psycopg.Connection[Any]:
        """Return a connection to the server, a new one when a test has ended the last."""
        with suppress(psycopg.OperationalError):
            if self._server and self._server.execute("select"):
                return self._server
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while True:
            try:
                self._server = psycopg.connect(self._url, autocommit=True)
                return self._server
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
