"""Lists where the Slack app is installed, and the rights that it lacks there."""

import argparse

import psycopg
from psycopg.rows import dict_row

from infra.cli.system import KnownSystem, database_url
from infra.cli.table import Columns, show, show_json
from shared.database import Row, queries
from shared.database.address import arguments_of
from shared.installations.scopes import lacking
from shared.settings import Settings

SQL = queries(__file__, "workspaces.sql")
_COLUMNS: Columns = {
    "workspace": lambda row: str(row["place"]),
    "name": lambda row: str(row["name"]),
    "tenant": lambda row: str(row["tenant"]),
    "installed": lambda row: str(row["installed_at"])[:16],
    "lacks": lambda row: ", ".join(row["lacks"]) or "nothing",
}


def run_workspaces(known: KnownSystem, options: argparse.Namespace) -> int:
    """List them. With `--check` only those that lack rights, each with what does not work and the
    page that mends it; returns 1 if there are any."""
    rows = _found(known)
    if not options.check:
        show(rows, _COLUMNS, options, "the app is installed in no workspace by /slack/install")
        return 0
    lacking_some = [row for row in rows if row["lacks"]]
    if options.json:
        show_json(lacking_some)
    else:
        for row in lacking_some:
            print(f"{row['name'] or row['place']} ({row['place']}) lacks:")
            for right, why in row["lacks"].items():
                print(f"  {right}: without it the agent does not {why}")
            print(f"  a person there opens {row['page']}")
        if not lacking_some:
            print(f"{len(rows)} workspaces have all rights")
    return 1 if lacking_some else 0


def _found(known: KnownSystem) -> list[Row]:
    url, page = database_url(known), install_page(known.url, known.settings)
    with psycopg.connect(**arguments_of(url, seconds=5), row_factory=dict_row) as connection:
        rows = connection.execute(SQL["workspaces"].encode()).fetchall()
    return [{**row, "lacks": lacking(row.pop("scopes").split(",")), "page": page} for row in rows]


def install_page(url: str, settings: Settings) -> str:
    """Return the address at which the app is installed again, with all rights."""
    door = (settings.front_door_url or url).rstrip("/")
    return f"{door}/slack/install" if door else "<front door>/slack/install"
