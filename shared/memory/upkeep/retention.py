"""Retention: deletes events and memories once they are as old as the settings allow."""

import json
from typing import Self

from shared.database import Statement, queries
from shared.desk import Loan
from shared.errors import SettingsError
from shared.journal import Outcome, Run
from shared.settings import Settings

SQL = queries(__file__, "retention.sql")


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
        """Delete every tenant's old memories, and old events with their runs; count the events."""
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


def expiry(retention: str) -> Statement | None:
    """Return the statement that applies MEMORY_RETENTION to every tenant; None keeps all.

    Raises SettingsError unless the setting is a JSON object of kinds and days.
    """
    if not retention.strip():
        return None
    try:
        kept = json.loads(retention)
    except ValueError:
        kept = None
    if not isinstance(kept, dict) or not all(
        type(days) is int and 0 < days < 100_000 for days in kept.values()
    ):
        raise SettingsError(
            'MEMORY_RETENTION is no JSON object of days; expected such as {"episode": 90}'
        )
    return Statement(SQL["expire"], {"kept": json.dumps(kept)})
