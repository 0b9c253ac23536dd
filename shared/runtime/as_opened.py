"""Tells if a flow did already what an opening asks of it. GitHub tells what was opened and each of
its labels in events of their own, in any order, and a label may ask for what the flow does anyway.
"""

from typing import Self

from shared.database import queries
from shared.desk import Loan
from shared.events import AS_OPENED
from shared.journal import Outcome
from shared.perception.helping import (
    DONE_BY_ITSELF,
    OPENED,
    commands_of_labels,
    is_label_of_opening,
)
from shared.settings import Settings

SQL = queries(__file__, "as_opened.sql")


class OpeningDesk:
    """The opening that the event belongs to, if it does."""

    only_reads = True

    def __init__(self, loan: Loan) -> None:
        self._loan = loan

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the opening."""
        return cls(loan)

    def is_done(self) -> bool:
        """Did another run of the flow act for the same opening? A run that did nothing, as for a
        draft, leaves it to the label. A retry is told the same."""
        run = self._loan.run
        prefix = self._loan.services[Settings].github_label_prefix
        begins = run.event.type in OPENED or run.event.id.endswith(AS_OPENED)
        is_labelled = begins and commands_of_labels(run.event, prefix)
        if not is_labelled and not is_label_of_opening(run.event):
            return False
        types = [*OPENED, *(f"github.command.{name}" for name in DONE_BY_ITSELF)]
        about = {"target": run.event.issue.ref, "types": types}

        def work() -> Outcome:
            [[row]] = run.write([run.statement("done", about, SQL)])
            return Outcome(row["is_done"])

        return bool(run.step("opening done", {}, work, defer=True))
