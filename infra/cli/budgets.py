"""Lists what tenants, flows, users and people from outside spent on models each day, and their
ceilings."""

import argparse

import psycopg
from psycopg.rows import dict_row

from infra.cli.system import KnownSystem, database_url
from infra.cli.table import Columns, cost, show, show_json
from shared.database import Database, Row, queries
from shared.database.address import arguments_of
from shared.models.guards.budgets import Budgets
from shared.models.guards.ceilings import Ceilings

SQL = queries(__file__, "budgets.sql")
_COLUMNS: Columns = {
    "day": lambda row: str(row["day"]),
    "tenant": lambda row: str(row["tenant"]),
    "scope": lambda row: str(row["scope"]),
    "name": lambda row: "" if row["scope"] == "tenant" else str(row["name"]),
    "spent": lambda row: _amount(row["spent"], row["tokens"] or None),
    "reserved": lambda row: _amount(row["reserved"], row["reserved_tokens"] or None),
    "ceiling": lambda row: (
        "none" if row["ceiling"] is None else _amount(row["ceiling"], row["token_ceiling"])
    ),
}


def run_budget(known: KnownSystem, options: argparse.Namespace) -> None:
    """List today and the days before, of every tenant; then the ceilings in force, and what the
    prompt cache saved."""
    url = database_url(known)
    with psycopg.connect(**arguments_of(url, seconds=5), row_factory=dict_row) as connection:
        tenants = connection.execute(SQL["tenants"].encode(), {"days": options.days}).fetchall()
        saved = connection.execute(SQL["saved"].encode()).fetchall()
    in_force = Ceilings(known.settings.budgets).lines()
    with Database(url) as database:
        budgets = Budgets(database, "")
        spent: list[Row] = [
            {"tenant": row["tenant"], **standing._asdict()}
            for row in tenants
            for standing in budgets.spent(row["tenant"], options.days)
        ]
    if options.json:
        show_json({"spent": spent, "in_force": in_force, "prompt_cache": saved})
        return
    show(spent, _COLUMNS, options, "nothing counted yet; BUDGETS sets ceilings")
    print(f"in force, in dollars/tokens a day: BUDGETS={';'.join(in_force)}")
    for row in saved:
        print(
            f"{row['tenant']}: the prompt cache saved {cost(row['saved'])} and"
            f" {row['tokens']:,} tokens in {row['hits']:,} answers; providers read"
            f" {row['cached']:,} tokens from theirs"
        )


def _amount(dollars: float, tokens: int | None) -> str:
    """Write dollars, and tokens of models without a known price if there are any."""
    return cost(dollars) if tokens is None else f"{cost(dollars)} / {tokens:,} tokens"
