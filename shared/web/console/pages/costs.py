"""/console/costs: what models cost, by day, flow, model and person; budgets, and what was saved."""

from datetime import UTC, datetime, timedelta

from chalice.app import Response

from shared.database import queries
from shared.web.console.pages.plots import columns
from shared.web.console.routing import PageRequest

SQL = queries(__file__, "costs.sql")
TEMPLATE = "costs.html"
#: The spans in days that a page may be asked for.
SPANS = (1, 7, 30)


def costs(asked: PageRequest) -> Response:
    """Show the costs of the last days."""
    given = asked.given("days")
    days = int(given) if given in map(str, SPANS) else 7
    now = datetime.fromtimestamp(asked.now, UTC)
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    names = ("by_day", "by_flow", "by_model", "by_person", "budgets", "saved")
    by_day, by_flow, by_model, by_person, budgets, saved = asked.rows(SQL, *names, since=since)
    spent = {row["name"]: row["cost"] for row in by_day}
    dates = [(since + timedelta(days=n)).date() for n in range(days)]
    plot = columns([(f"{day:%d %b}", spent.get(day, 0.0)) for day in dates])
    tables = [("Flow", by_flow), ("Model", by_model), ("Person", by_person)]
    total = sum(spent.values())
    return asked.page(
        TEMPLATE, "Costs", days=days, spans=SPANS, plot=plot, by_day=by_day, tables=tables,
        budgets=budgets, saved=saved[0], total=total,
        cached=sum(int(row["cached"]) for row in by_day),
    )  # fmt: skip
