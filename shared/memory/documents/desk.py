"""The desk of ingestion: a run takes documents into memory in slices, as its time allows."""

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
from shared.memory.documents.sources import DocumentSource
from shared.memory.store import MemoryStore
from shared.models.batch.intake import park_until

#: After so long an unfinished repository waits for its next push.
_PATIENCE = timedelta(days=7)
#: If a platform asks for a pause of fewer seconds, the run fails and is retried; else it is parked.
_SHORT = 5.0


class IngestionDesk:
    """The documents of one source, for one run."""

    def __init__(self, loan: Loan, store: MemoryStore) -> None:
        self._loan = loan
        self._store = store

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the documents of the run's tenant."""
        return cls(loan, loan.services[MemoryStore])

    def update(self, source: Callable[[Callable[[Query], Any]], DocumentSource]) -> dict[str, int]:
        """Bring the memory of a source up to date; return counts.

        `source` gets a function that asks the platform. Each slice is one step of the journal. Each
        group of documents is one transaction, which fails if the run has lost its lease. Raises
        Parked between two slices.
        """
        loan, made = self._loan, list[dict[str, float]]()

        def work() -> Outcome:
            try:
                made.append(_slice(loan.run, self._store, source(loan.read), loan.seconds_left))
            except ActionUnavailable as err:
                if err.retry_after is None or err.retry_after < _SHORT:
                    raise
                # A rate limit lasts longer than a queue retries. The groups done so far are kept.
                made.append({"left": 1, "again_at": time.time() + err.retry_after})
            return Outcome(made[-1])

        for number in count():
            done: dict[str, float] = loan.run.step("ingest", {"slice": number}, work)
            if done.get("without_vector"):
                loan.run.wakes.add("upkeep")
            if not done["left"]:
                break
            if made:
                # A rest is named by its moment, so no two may be the same.
                park_until(loan.run, done["again_at"] + number, _PATIENCE)
                break
        return {what: int(value) for what, value in done.items() if what != "again_at"}


def _slice(
    run: Run, store: MemoryStore, source: DocumentSource, seconds_left: Callable[[], float]
) -> dict[str, float]:
    origin = source.origin
    ingestion = Ingestion(run.event.tenant, origin, store, run.write, event=run.event.id)
    status = ingestion.status()
    if status["blocked"]:
        return {"blocked": 1, "left": 0}
    ingestion.begin(status, status["includes"])
    if origin.head and status["head"] == origin.head:
        return {"left": 0}
    changes = ingestion.compare(source.find(status["head"]), status["includes"])
    tally = ingestion.apply(changes, source.fetch, seconds_left)
    if not tally["left"]:
        ingestion.finish()
    skipped = tally["skipped"] + len(changes.refused)
    return {**tally, "skipped": skipped, "again_at": time.time()}
