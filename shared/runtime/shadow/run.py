"""The run of a shadow: it replays the records before the changed step, and commits nothing."""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from functools import partial
from typing import Any

from shared.database import Database, Row, Statement
from shared.events import Event, run_id
from shared.journal import SQL, Journal, Outcome, Run
from shared.runtime.shadow.changes import StepChange

#: The change of the step that this thread is in.
change_now: ContextVar[StepChange | None] = ContextVar("change_now", default=None)


class ShadowRun(Run):
    """A run that is given some records of another; `is_changed` tells by the name and the key of a
    step if it is done otherwise.

    What it records is in `recorded`, and its end in `ended`; `changed` tells if it came by a
    changed step, `replayed` has the keys of the records that it was given. It asks at once what a
    batch would answer, so no budget holds room for an answer that never comes.
    """

    is_shadow = True

    def __init__(
        self,
        database: Database,
        event: Event,
        flow: str,
        *,
        records: Sequence[Row],
        is_changed: Callable[[str, str], bool],
        change: StepChange,
    ) -> None:
        key = {"tenant": event.tenant, "run": run_id(event, flow), "owner": "shadow"}
        super().__init__(
            database,
            event,
            flow,
            key,
            attempt=1,
            failures=0,
            pauses=0,
            steps=records,
            effects=(),
        )
        self._is_changed = is_changed
        self._change = change
        self._kept_in = database
        self.recorded: list[dict[str, Any]] = []
        self.ended: tuple[str, str] = ("", "")
        self.changed = False
        self.replayed: set[str] = set()

    def _work_of(self, name: str, key: str, work: Callable[[], Outcome]) -> Callable[[], Outcome]:
        if not self._is_changed(name, key):
            return work
        self.changed = True
        if self._change.output is not None:
            return partial(Outcome, self._change.output)
        return partial(_changed, self._change, work)

    def _output(self, row: Row) -> Any:
        self.replayed.add(row["key"])
        return super()._output(row)

    def write(
        self,
        statements: Sequence[Statement],
        *,
        done: Sequence[Statement] = (),
        defer: bool = False,
    ) -> list[list[Row]]:
        """Keep what is recorded here, and answer the statements as if they stayed."""
        records = [one.parameters for one in done if one.sql == SQL["record_step"]]
        self.recorded += map(dict, records)
        if defer or not statements:
            return []
        return self._kept_in.run(self.event.tenant, statements)

    def finish(
        self,
        state: str,
        reason: str = "",
        statements: Sequence[Statement] = (),
        *,
        pause: float | None = None,
        gave_up: bool = False,
    ) -> None:
        self.ended = (state, reason)


class ShadowJournal(Journal):
    """Hands out one shadow run, built by `make`, and keeps nothing."""

    def __init__(self, database: Database, make: Callable[[], ShadowRun]) -> None:
        super().__init__(database)
        self._make = make

    def claim(
        self, event: Event, flow: str, lease: float, *, queued: bool = False, stoppable: bool = True
    ) -> Run:
        return self._make()


def _changed(change: StepChange, work: Callable[[], Outcome]) -> Outcome:
    token = change_now.set(change)
    try:
        return work()
    finally:
        change_now.reset(token)
