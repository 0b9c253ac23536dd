"""Closes the windows in which nobody said anything: a thread that went quiet after an answer."""

from typing import Self

from shared.database import queries
from shared.desk import Loan
from shared.journal import Outcome, Run

SQL = queries(__file__, "windows.sql")


class WindowsDesk:
    """The windows of all tenants. Its flow says `operator=True`."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan.run)

    def close(self) -> int:
        """Keep that nobody said more for a day after an answer, once, and count these."""

        def work() -> Outcome:
            return Outcome(self._run.write([self._run.statement("close", {}, SQL)])[0][0]["closed"])

        return int(self._run.step("close windows", {}, work))
