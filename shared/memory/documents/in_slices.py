"""A run that takes in documents: what its function's time allows, then it rests and goes on."""

import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count

from shared.errors import ActionUnavailable
from shared.memory.documents.ingestion import Ingestion
from shared.journal import Outcome, Run
from shared.memory.store import MemoryStore
from shared.models.batch.intake import park_until
from shared.memory.documents.sources import Source

#: A repository that is not taken in by then is left to its next push.
_PATIENCE = timedelta(days=7)
#: Seconds that a platform may ask to be left alone before the run rests in place of failing.
_SHORT = 5.0


def take_in(
    run: Run, store: MemoryStore, source: Callable[[], Source], seconds_left: Callable[[], float]
) -> dict[str, int]:
    """Bring what is remembered of `source` to what is there now, and return what was done.

    Each slice is a step of the journal, each group of documents a transaction of its own, which
    holds only while the run's lease does. Raises Parked between two slices.
    """
    made: list[dict[str, float]] = []

    def work() -> Outcome:
        try:
            made.append(_slice(run, store, source(), seconds_left))
        except ActionUnavailable as err:
            if err.retry_after is None or err.retry_after < _SHORT:
                raise
            # A rate limit lasts longer than the tries of a queue; what was taken until now is kept.
            made.append({"left": 1, "again_at": time.time() + err.retry_after})
        return Outcome(made[-1])

    for number in count():
        done: dict[str, float] = run.step("ingest", {"slice": number}, work)
        if not done["left"]:
            break
        if made:
            # A moment names a rest, so no two may be the same.
            park_until(run, done["again_at"] + number, _PATIENCE)
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
