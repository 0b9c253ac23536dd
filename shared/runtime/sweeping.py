"""The sweep: no run stands still for ever.

A run whose message was lost, or was used up by a process that died, is sent again. So its own
function goes on with it, or gives it up and tells the person, with the rights that it has.
"""

from collections.abc import Mapping
from typing import Self

from shared.aws.bus import Bus
from shared.aws.looks import Looks
from shared.database import Database, Row, Statement, queries
from shared.desk import Loan
from shared.errors import EventError
from shared.events import Event
from shared.journal import Outcome
from shared.log import log
from shared.runtime.patience import GRACE

SQL = queries(__file__, "sweeping.sql")

#: So often it is sent, once an hour, before it is closed, since nothing takes it up.
_TIMES = 24
#: Seconds after which a plan is dead: infra/planner.asl.json tries again for up to 6 days.
PLAN_PATIENCE = 7 * 86_400.0
#: Runs to send again at a time.
_MOST = 100
#: What must remain of the function's time to send more, in seconds.
_RESERVE = 20.0


class SweepDesk:
    """The runs of all tenants that stand still."""

    def __init__(self, loan: Loan, database: Database, bus: Bus, looks: Looks) -> None:
        self._loan = loan
        self._database = database
        self._bus = bus
        self._looks = looks

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the sweep of all tenants."""
        of = loan.services
        return cls(loan, of[Database], of[Bus], of[Looks])

    def sweep(self) -> dict[str, int]:
        """Send again what stands still, close what nothing takes up, and count both. As long as
        runs wait or work it comes again."""
        done = self._loan.run.step("sweep", {}, lambda: Outcome(self._counts()))
        again = self._run("next", grace=GRACE, asks=self._loan.run.id)[0]["seconds"]
        if again is not None:
            self._looks.after("sweep", max(again, 0.0))
        return dict(done)

    def _counts(self) -> Mapping[str, int]:
        closed = self._run("close", times=_TIMES)
        for row in closed:
            log("run given up", flow=row["flow"], run=row["run_id"])
        sent = 0
        rows: list[Row] = [{}] * _MOST
        while len(rows) == _MOST and (not sent or self._loan.seconds_left() > _RESERVE):
            rows = self._run("left", grace=GRACE, most=_MOST)
            sent += sum(map(self._send, rows))
        ended = self._run("close_plans", patience=PLAN_PATIENCE)[0]
        return {
            "sent again": sent,
            "closed": len(closed) + ended["runs"],
            "plans closed": ended["plans"],
        }

    def _send(self, row: Row) -> bool:
        """Send the event of a run again. What is no event any more keeps no other run waiting."""
        try:
            event = Event.from_json(row["event"])
        except EventError as err:
            log("run not sent", run=row["run_id"], reason=str(err))
            return False
        # The same until the run is claimed, so the bus drops a second one soon after.
        self._bus.publish(event, f"sweep {row['run_id']}:{row['attempts']}")
        return True

    def _run(self, name: str, **parameters: object) -> list[Row]:
        return self._database.run("", [Statement(SQL[name], parameters)])[0]
