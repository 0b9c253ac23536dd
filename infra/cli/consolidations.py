"""./scripts/flows memory consolidations, undo: list what consolidation changed, and undo it."""

import argparse
from collections.abc import Callable

import psycopg
from psycopg.rows import dict_row

from infra.cli.system import KnownSystem, database_url
from infra.cli.table import Columns, show
from shared.database import Database
from shared.database.address import arguments_of
from shared.errors import SettingsError
from shared.memory.upkeep.consolidation import SQL, undo

_COLUMNS: Columns = {
    "id": lambda row: str(row["id"]),
    "at": lambda row: f"{row['at']:%Y-%m-%d %H:%M}",
    "tenant": lambda row: str(row["tenant"]),
    "operation": lambda row: str(row["operation"]),
    "memories": lambda row: str(row["memories"]),
    "state": lambda row: "undone" if row["undone_at"] else "final" if row["final_at"] else "",
}


def _consolidations(known: KnownSystem, options: argparse.Namespace) -> None:
    """List the newest changes of all tenants first."""
    url = database_url(known)
    with psycopg.connect(**arguments_of(url, seconds=5), row_factory=dict_row) as connection:
        rows = connection.execute(SQL["listed"].encode(), {"limit": options.limit}).fetchall()
    show(rows, _COLUMNS, options, "nothing consolidated yet")


def _undo(known: KnownSystem, options: argparse.Namespace) -> None:
    print(undo_consolidation(database_url(known), options.id))


def undo_consolidation(url: str, id: str) -> str:
    """Undo the one change whose id starts so, and say what came back.

    Raises SettingsError when none or several do, or when it cannot be undone.
    """
    with psycopg.connect(**arguments_of(url, seconds=5), row_factory=dict_row) as connection:
        found = connection.execute(SQL["named"].encode(), {"id": id}).fetchall()
    if len(found) != 1:
        raise SettingsError(
            f"{'several consolidations start' if found else 'no consolidation starts'} with {id!r};"
            " ./scripts/flows memory consolidations lists them"
        )
    [row] = found
    with Database(url) as database:
        undone = undo(database, row["tenant"], row["id"])
    if undone is None:
        raise SettingsError(f"{row['id']} was undone before, or its memories are deleted for good")
    if not undone.restored:
        raise SettingsError(
            f"{row['id']} cannot be undone: what it took was forgotten, blocked or changed since"
        )
    left = undone.wanted - undone.restored
    more = f"; {left} forgotten, blocked or changed since" if left else ""
    return f"undid {undone.operation} {row['id']}: {undone.restored} restored{more}"


#: Those of `memory`, for all tenants.
ACTIONS: dict[str, Callable[[KnownSystem, argparse.Namespace], None]] = {
    "consolidations": _consolidations,
    "undo": _undo,
}
