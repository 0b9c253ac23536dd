"""Writes a large journal quickly: runs with ten steps each, one of them a model call; one run in
fifty failed, and one in five hundred was given up."""

from typing import Any

import psycopg

from shared.database import queries

SQL = queries(__file__, "large_journal.sql")


def write_large_journal(url: str, runs: int) -> str:
    """Write so many runs and ten times as many steps, and return the id of one run."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in SQL.values():
            connection.execute(statement.encode(), {"runs": runs})
        connection.execute("vacuum analyze")
        found: Any = connection.execute("select substr(md5('7'), 1, 20)").fetchone()
    return str(found[0])
