"""The desk of withdrawal: what was learnt in a place goes when the place does."""

import json
from typing import Self

from shared.database import Database, Statement
from shared.desk import Loan
from shared.events import Event
from shared.journal import Outcome
from shared.learning.choices.trials import WITHDRAWN, place_of
from shared.learning.choices.versions import SQL
from shared.perception.departures import Departure, departures
from shared.settings import Settings


class WithdrawalDesk:
    """Notes for the policies of a tenant which places are gone. Upkeep then lets them learn again,
    and what was chosen there before is not learnt any more."""

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run
        self._database = loan.services[Database]
        self._settings = loan.services[Settings]

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def follow(self, event: Event) -> int:
        """Note each repository, channel, owner or workspace that `event` takes away, and return how
        many policies learn again for it."""
        gone = [one for one in departures(event, self._settings.tenant_of) if _is_withdrawn(one)]
        return sum(self._note(one.place, event) for one in gone)

    def _note(self, place: str, event: Event) -> int:
        what = {"withdrawn": place_of(place)}
        values = {
            "tenant": event.tenant,
            "actor": event.actor.name,
            "reason": WITHDRAWN,
            "evaluation": json.dumps(what),
        }

        def work() -> Outcome:
            [rows] = self._database.run(event.tenant, [Statement(SQL["withdrawing"], values)])
            return Outcome(len(rows))

        noted: int = self._run.step("withdraw", what, work)
        if noted:
            self._run.wakes.add("upkeep")
        return noted


def _is_withdrawn(gone: Departure) -> bool:
    """Is the place gone? One that has another name, or that fewer people see, is still there."""
    is_left = (gone.to or gone.audience) and not gone.tenant
    return "#" not in gone.place and not is_left
