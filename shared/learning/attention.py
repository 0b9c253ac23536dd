"""The attention budget: how many findings a person is notified of in a day. It is spent like money,
by the author of a pull request and by whoever should look at it.

What is urgent may use the whole day; all else leaves a quarter of it for that. What finds no room
waits in the summary, which notifies nobody.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from shared.database import Statement, queries
from shared.events import Json
from shared.journal import Outcome, Run

SQL = queries(__file__, "attention.sql")

#: The severities that may use all of the budget.
URGENT = frozenset({"critical", "high"})


def spend(run: Run, people: Collection[str], urgent: int, others: int, budget: int) -> int:
    """Spend what is left of the day, in UTC, of all whom a run's findings notify; return how many
    it may post, the urgent first. A retry is given the same.

    Nothing that runs at the same time can exceed anybody's `budget`.
    """
    day = datetime.fromtimestamp(run.event.received_at, UTC).date()
    about = {"people": sorted({*people}), "urgent": urgent, "others": others, "budget": budget}
    values = {"tenant": run.event.tenant, "run": run.id, "day": day, **about}

    def work() -> Outcome:
        return Outcome(run.write([Statement(SQL["spend"], values)])[0][0]["granted"])

    return int(run.step("attention", about, work, defer=True))


def notified(pull: Json) -> list[str]:
    """Return the ids of those whom a review of the pull request notifies, as far as it names them:
    its author, and whoever is assigned or was asked to review it.

    GitHub also tells teams that were asked, whoever wrote there, and who watches the repository.
    https://docs.github.com/en/subscriptions-and-notifications/concepts/about-notifications
    """
    named = [pull["user"], *(pull.get("assignees") or ()), *(pull.get("requested_reviewers") or ())]
    people = {str(one["id"]) for one in named if one and one.get("type") != "Bot"}
    return sorted(people) or [""]
