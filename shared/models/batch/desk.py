"""The desk of batches: one flow hands over what waits, fetches what is done, and wakes the runs."""

from typing import Self

from shared.aws.bus import Bus
from shared.aws.looks import Looks
from shared.database import Database
from shared.desk import Loan
from shared.journal import Outcome
from shared.models.batch.connect import connect
from shared.models.batch.dispatcher import Dispatcher
from shared.settings import Settings


class BatchDesk:
    """The batches of all runs."""

    def __init__(self, loan: Loan, dispatcher: Dispatcher, looks: Looks) -> None:
        self._loan = loan
        self._looks = looks
        self._dispatcher = dispatcher

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the batches of all tenants."""
        of = loan.services

        def make() -> Dispatcher:
            settings = of[Settings]
            return Dispatcher(of[Database], lambda model: connect(model, settings), of[Bus].publish)

        return cls(loan, of.get(Dispatcher, make), of[Looks])

    def advance(self) -> dict[str, int]:
        """Carry the batches one step further; return what was done. What still waits gets another
        look."""
        seconds = self._loan.seconds_left()
        work = self._dispatcher
        done = dict(self._loan.run.step("batches", {}, lambda: Outcome(work.advance(seconds))))
        if (again := work.next_look()) is not None:
            self._looks.after("batches", max(again, 0.0))
        return done
