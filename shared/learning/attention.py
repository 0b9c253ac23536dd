"""The attention budget: how many findings a person is notified of in a day. It is spent like money.

What is urgent may use the whole day; all else leaves a quarter of it for that. What finds no room
waits in the summary, which notifies nobody.
"""

from datetime import UTC, datetime

from shared.database import Statement, queries
from shared.journal import Outcome, Run

SQL = queries(__file__, "attention.sql")

#: The severities that may use all of the budget.
URGENT = frozenset({"critical", "high"})


def spend(run: Run, person: str, urgent: int, others: int, budget: int) -> int:
    """Spend what is left of the person's day, in UTC, for findings of a run; return how many it may
    post, the urgent first. A retry is given the same.

    Nothing that runs at the same time can exceed `budget`.
    """
    day = datetime.fromtimestamp(run.event.received_at, UTC).date()
    about = {"person": person, "urgent": urgent, "others": others, "budget": budget}
    values = {"tenant": run.event.tenant, "run": run.id, "day": day, **about}

    def work() -> Outcome:
        return Outcome(run.write([Statement(SQL["spend"], values)])[0][0]["granted"])

    return int(run.step("attention", about, work))
