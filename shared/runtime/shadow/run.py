"""The run of a shadow: it replays the records before the changed step, and commits nothing."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from shared.canonical import canonical_without_secrets
from shared.database import Database, Row, Statement
from shared.events import Event, run_id
from shared.journal import SQL, Journal, Outcome, Run
from shared.runtime.shadow.changes import StepChange, StepPlace

#: The change of the step that this thread is in.
change_now: ContextVar[StepChange | None] = ContextVar("change_now", default=None)


class ShadowRun(Run):
    """A run that is given some records of another. What it records is in `recorded`, and its end in
    `ended`; `changed` tells if it came by a changed step."""

    def __init__(
        self,
        database: Database,
        event: Event,
        flow: str,
        *,
        records: Sequence[Row],
        is_changed: Callable[[StepPlace], bool],
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

    def step(
        self, name: str, input: object, work: Callable[[], Outcome], *, defer: bool = False
    ) -> Any:
        hashed = hashlib.sha256(canonical_without_secrets(input).encode()).hexdigest()
        place = StepPlace(name, hashed, self._occurrences[name, hashed])
        if not self._is_changed(place):
            return super().step(name, input, work, defer=defer)
        self.changed = True
        if self._change.output is not None:
            given = Outcome(self._change.output)
            return super().step(name, input, lambda: given, defer=defer)
        with _changing(self._change):
            return super().step(name, input, work, defer=defer)

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


@contextmanager
def _changing(change: StepChange) -> Iterator[None]:
    token = change_now.set(change)
    try:
        yield
    finally:
        change_now.reset(token)
