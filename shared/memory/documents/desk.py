"""The desk of ingestion: a run brings documents into memory, slice by slice, as its time allows."""

import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any, Self

from shared.actions import Query
from shared.desk import Loan
from shared.errors import ActionUnavailable
from shared.journal import Outcome, Run
from shared.memory.documents.ingestion import Ingestion
from shared.memory.documents.sources import Source
from shared.memory.store import MemoryStore
from shared.models.batch.intake import park_until

#: A repository that is not taken in by then is left to its next push.
_PATIENCE = timedelta(days=7)
#: Seconds that a platform may ask to be left alone before the run is parked in place of failing.
_SHORT = 5.0


class IngestionDesk:
    """The documents of a place, for one run."""

    def __init__(self, loan: Loan, store: MemoryStore) -> None:
        self._loan = loan
        self._store = store

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the documents of the run's tenant."""
        return cls(loan, loan.services[MemoryStore])

    def update(self, source: Callable[[Callable[[Query], Any]], Source]) -> dict[str, int]:
        """Bring the memory of a source to its present state; return counts of what was done.

        `source` is made with a function that asks its platform. Each slice is a step of the
        journal, each group of documents a transaction of its own, which holds only while the run's
        lease does. Raises Parked between two slices.
        """
        loan, made = self._loan, list[dict[str, float]]()

        def work() -> Outcome:
            try:
                made.append(_slice(loan.run, self._store, source(loan.read), loan.seconds_left))
            except ActionUnavailable as err:
                if err.retry_after is None or err.retry_after < _SHORT:
                    raise
                # A rate limit lasts longer than a queue retries; what is done until now is kept.
                made.append({"left": 1, "again_at": time.time() + err.retry_after})
            return Outcome(made[-1])

        for number in count():
            done: dict[str, float] = loan.run.step("ingest", {"slice": number}, work)
            if not done["left"]:
                break
            if made:
                # A moment names a rest, so no two may be the same.
                park_until(loan.run, done["again_at"] + number, _PATIENCE)
                break
        return {what: int(value) for what, value in done.items() if what != "again_at"}


def _slice(
    run: Run, store: MemoryStore, source: Source, seconds_left: Callable[[], float]
) -> dict[str, float]:
    place = source.place
    ingestion = Ingestion(run.event.tenant, place, store, run.write, event=run.event.id)
    standing = ingestion.standing()
    if standing["blocked"]:
        return {"blocked": 1, "left": 0}
    ingestion.begin(standing, standing["includes"])
    if place.head and standing["head"] == place.head:
        return {"left": 0}
    plan = ingestion.plan(source.find(standing["head"]), standing["includes"])
    tally = ingestion.carry_out(plan, source.fetch, seconds_left)
    if not tally["left"]:
        ingestion.reach()
    skipped = tally["skipped"] + len(plan.refused)
    return {**tally, "skipped": skipped, "again_at": time.time()}
