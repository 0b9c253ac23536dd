"""Retention: deletes what has been kept for as long as the settings say."""

from typing import Self

from shared.database import Statement
from shared.desk import Loan
from shared.journal import Outcome, Run
from shared.memory.control.forgetting import expiry
from shared.settings import Settings


class RetentionDesk:
    """The retention of events by RETENTION_DAYS and of memories by MEMORY_RETENTION."""

    def __init__(self, run: Run, settings: Settings) -> None:
        self._run = run
        self._settings = settings

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the retention for all tenants."""
        return cls(loan.run, loan.services[Settings])

    def expire(self) -> int:
        """Delete the memories and the events of every tenant that are too old, these with their
        runs; return how many events."""
        retention = self._settings.memory_retention
        if statement := expiry(retention):
            self._step("expire memories", {"retention": retention}, statement, "memories")
        days = int(self._settings.retention_days)
        events = self._run.statement("expire_events", {"days": days})
        return self._step("expire", {"days": days}, events, "events")

    def _step(self, name: str, input: object, statement: Statement, counted: str) -> int:
        def work() -> Outcome:
            return Outcome(self._run.write([statement])[0][0][counted])

        return int(self._run.step(name, input, work))
