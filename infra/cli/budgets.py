"""Lists what tenants, flows, users and people from outside spent on models each day, and their
ceilings."""

import argparse
from collections.abc import Iterator

import psycopg
from psycopg.rows import dict_row

from infra.cli.system import KnownSystem, database_url
from infra.cli.table import cost, lines
from shared.database import Database, queries
from shared.models.guards.budgets import Budgets, Standing
from shared.models.guards.ceilings import Ceilings

SQL = queries(__file__, "budgets.sql")
_COLUMNS = ("day", "tenant", "scope", "name", "spent", "reserved", "ceiling")


def add_budget(command: argparse.ArgumentParser) -> None:
    command.add_argument("--days", type=int, default=1, help="how many, with today (1)")
    command.set_defaults(run=_budget)


def _budget(known: KnownSystem, options: argparse.Namespace) -> None:
    table = list_budgets(database_url(known), known.settings.budgets, days=options.days)
    print("\n".join(table))


def list_budgets(url: str, setting: str, *, days: int) -> Iterator[str]:
    """Yield the lines of a table: today and the days before, of every tenant; then the ceilings
    that `setting` gives."""
    with psycopg.connect(url, row_factory=dict_row, connect_timeout=5) as connection:
        tenants = connection.execute(SQL["tenants"].encode(), {"days": days}).fetchall()
        saved = connection.execute(SQL["saved"].encode()).fetchall()
    table: list[tuple[str, ...]] = [_COLUMNS]
    with Database(url) as database:
        budgets = Budgets(database, "")
        for row in tenants:
            tenant = row["tenant"]
            table += [_columns(tenant, standing) for standing in budgets.spent(tenant, days)]
    yield from lines(table)
    if not tenants:
        yield "nothing counted yet; BUDGETS sets ceilings"
    yield f"in force, in dollars/tokens a day: BUDGETS={';'.join(Ceilings(setting).lines())}"
    for row in saved:
        yield (
            f"{row['tenant']}: the prompt cache saved {cost(row['saved'])} and"
            f" {row['tokens']:,} tokens in {row['hits']:,} answers; providers read"
            f" {row['cached']:,} tokens from theirs"
        )


def _columns(tenant: str, standing: Standing) -> tuple[str, ...]:
    limit = "none"
    if standing.ceiling is not None:
        limit = _amount(standing.ceiling, standing.token_ceiling)
    return (
        standing.day.isoformat(),
        tenant,
        standing.scope,
        "" if standing.scope == "tenant" else standing.name,
        _amount(standing.spent, standing.tokens or None),
        _amount(standing.reserved, standing.reserved_tokens or None),
        limit,
    )


def _amount(dollars: float, tokens: int | None) -> str:
    """Write dollars, and tokens of models without a known price if there are any."""
    return cost(dollars) if tokens is None else f"{cost(dollars)} / {tokens:,} tokens"
