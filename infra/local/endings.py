"""What an operator does with runs that have not ended well: list the dead letters, and start them
again."""

import psycopg
from psycopg.rows import dict_row

from shared.database import Row, queries

SQL = queries(__file__, "endings.sql")


def free_runs(url: str) -> None:
    """Take runs and calls from all functions, which are known to be dead."""
    _run(url, "free", {})
    _run(url, "free_calls", {})


def dead_letters(url: str, *, flow: str, limit: int) -> list[Row]:
    """Return the runs that were given up, each with its event and its reason."""
    return _run(url, "dead_letters", {"flow": flow, "limit": limit})


def reopen(url: str, what: str) -> int:
    """Let the dead letters of the flow `what`, or the run whose id starts so, start again; return
    how many. The next sweep sends their events."""
    return len(_run(url, "reopen", {"what": what}))


def _run(url: str, name: str, parameters: Row) -> list[Row]:
    with psycopg.connect(url, row_factory=dict_row, connect_timeout=5) as connection:
        cursor = connection.execute(SQL[name].encode(), parameters)
        return cursor.fetchall() if cursor.description else []
