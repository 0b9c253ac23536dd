"""/console/learning: what each choice earned, by arm, and the policies that choose."""

from chalice.app import Response

from shared.database import queries
from shared.learning.choices.overview import read_overview
from shared.learning.rewards import RewardSum
from shared.web.console.routing import PageRequest

SQL = queries(__file__, "learning.sql")
TEMPLATE = "learning.html"


def learning(asked: PageRequest) -> Response:
    """Show the choices of the tenant. The rewards are those of each flow's policies; a choice
    without one shows how often each arm was chosen."""
    [rows] = asked.rows(SQL, "rewards")
    names = {row["flow"]: tuple(row["rewards"]) for row in rows}

    def rewards_of(flow: str) -> RewardSum | None:
        return RewardSum.named(names.get(flow, ()))

    found = [*read_overview(asked.database, asked.reader.tenant, rewards_of)]
    return asked.page(TEMPLATE, "Learning", choices=found, rewards=names)
