"""The dispatcher: submits queued requests as batches, fetches their results, wakes the runs.

Each request is submitted once, whatever crashes: the row of a batch is committed before its
submission, and a batch without a handle is first looked up at the provider.
"""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice

from shared.canonical import canonical
from shared.database import Database, Row, Statement
from shared.errors import EventError, ModelError, ModelRejected, ModelUnavailable, SettingsError
from shared.events import Event
from shared.frozen import frozen
from shared.log import log
from shared.models import ModelReply
from shared.models.batch import BatchItem, BatchProvider, BatchResult, ItemsRefused
from shared.models.batch.intake import MARGIN, SQL
from shared.models.deadline import Deadline
from shared.models.providers.failures import BodyRefused
from shared.models.stored_json import request_of
from shared.redaction.redacting import without_secrets

#: After so many attempts in batches a request is asked for at once.
_ATTEMPTS = 3
#: Seconds before the next attempt, times the attempts so far.
_PAUSE = 300.0
#: The largest batch that a function of 512 MB can hold.
_MOST = 5_000
_MOST_BYTES = 16_000_000
#: Results per transaction.
_CHUNK = 200
#: Runs to wake between two looks at the clock.
_WAKES = 50
#: The share of the time that is kept for waking runs.
_RESERVE = 0.2
#: The lease of a batch outlives the function by this many seconds.
_GRACE = 30.0


@frozen
class LeasedBatch:
    """A batch that this dispatcher has leased."""

    name: str
    model: str
    handle: str | None
    since: float
    waiting: int
    other: Collection[str]


class Dispatcher:
    """Needed once at a time; several at a time do no harm."""

    def __init__(
        self,
        database: Database,
        connect: Callable[[str], BatchProvider],
        publish: Callable[[Event, str], None],
    ) -> None:
        """`connect` returns the provider of a full model name; `publish` puts an event on the bus
        again, deduplicated by its second argument."""
        self._database = database
        self._connect = connect
        self._publish = publish
        self._owner = uuid.uuid4().hex
        self._lease = _GRACE
        self._providers: dict[str, BatchProvider] = {}

    def advance(self, seconds: float) -> dict[str, int]:
        """Make one pass of about `seconds` at most, and count its work.

        Raises DatabaseUnavailable or PublishError; a failure of one batch is logged, and the next
        pass tries again.
        """
        end = Deadline(seconds)
        self._lease = lease = seconds + _GRACE
        done = Counter[str]()
        done["given up"] = self._run("give_up", margin=MARGIN)[0]["requests"]
        for row in self._run("hold", lease=lease):
            if end.left > seconds * _RESERVE:
                self._guarded(lambda batch: self._carry_on(batch, done), LeasedBatch(**row))
            self._run("free", batch=row["name"])
        for row in self._run("queued"):
            if end.left > seconds * _RESERVE:
                self._send_queued(row["model"], done)
        self._wake(end, done)
        return {what: count for what, count in done.items() if count}

    def next_look(self) -> float | None:
        """Return the seconds until something is worth a look; None when nothing waits."""
        seconds: float | None = self._run("next_look", margin=MARGIN)[0]["seconds"]
        return seconds

    def _send_queued(self, model: str, done: Counter[str]) -> None:
        try:
            provider = self._provider(model)
        except SettingsError as err:
            log("no batches", model=model, reason=str(err))
            done["refused"] += self._run("refuse", model=model, reason=str(err))[0]["requests"]
            return
        size = {"least": provider.least, "most": min(provider.most, _MOST), "bytes": _MOST_BYTES}
        self._begin(
            model,
            lambda name: self._run(
                "name_batch", batch=name, model=model, lease=self._lease, **size
            ),
            done,
        )

    def _begin(self, model: str, fill: Callable[[str], list[Row]], done: Counter[str]) -> None:
        """Submit a new batch of what `fill` puts into it."""
        since = time.time()
        name = time.strftime("af-%Y%m%d-%H%M%S-", time.gmtime(since)) + uuid.uuid4().hex[:12]
        [row] = fill(name)
        if row["requests"]:
            batch = LeasedBatch(name, model, None, since, row["requests"], ())
            self._guarded(lambda batch: self._submit(batch, done), batch)
            self._run("free", batch=name)

    def _guarded(self, work: Callable[[LeasedBatch], None], batch: LeasedBatch) -> None:
        """Do it, and let a failure of this batch not stop the others."""
        try:
            work(batch)
        except (ModelUnavailable, ModelRejected, SettingsError) as err:
            log("batch stuck", batch=batch.name, model=batch.model, reason=str(err))

    def _carry_on(self, batch: LeasedBatch, done: Counter[str]) -> None:
        provider = self._provider(batch.model)
        handle = batch.handle
        if handle is None:
            handle = provider.find(batch.name, since=batch.since, other=batch.other)
            if handle is None:
                return self._submit(batch, done)
            self._record(batch, handle)
            done["found again"] += 1
        progress = provider.poll(handle)
        if progress.state == "running":
            if not batch.waiting:
                provider.cancel(handle)
            return None
        if progress.refused:
            ids = [row["id"] for row in self._run("items", batch=batch.name)]
            refused = {ids[line - 1] for line in progress.lines if line <= len(ids)}
            rest = [id for id in ids if id not in refused]
            parts = [rest] if refused else _halves(ids, provider.least)
            return self._part(batch, parts, progress.reason, done)
        if progress.state == "ended":
            self._store(batch, provider.results(handle))
        self._settle(batch, progress.reason or "the batch ended without a result", retry=True)
        done["settled"] += 1
        return None

    def _submit(self, batch: LeasedBatch, done: Counter[str]) -> None:
        rows = self._run("items", batch=batch.name)
        if not rows:
            return self._settle(batch, "nothing of it is wanted any more", retry=False)
        provider = self._provider(batch.model)
        if len(rows) < provider.least:
            return self._settle(batch, "too few of its requests are left", retry=True)
        try:
            handle = provider.submit(batch.name, _items(rows))
        except ItemsRefused as err:
            results = [BatchResult(id, ModelRejected(why)) for id, why in err.reasons.items()]
            self._store(batch, results)
            return self._submit(batch, done)
        except BodyRefused as err:
            halves = _halves([row["id"] for row in rows], provider.least)
            return self._part(batch, halves, str(err), done)
        except ModelRejected as err:
            self._settle(batch, str(err), retry=False)
            raise
        self._record(batch, handle)
        done["submitted"] += 1
        return None

    def _part(
        self, batch: LeasedBatch, parts: Sequence[list[str]], reason: str, done: Counter[str]
    ) -> None:
        """Send parts of a batch that was refused as batches of their own; the others have failed.
        So after a few halvings a request that no provider takes is alone."""
        for ids in filter(None, parts):
            self._begin(batch.model, partial(self._split, batch, ids), done)
        log("batch parted", batch=batch.name, model=batch.model, parts=len(parts), reason=reason)
        self._settle(batch, reason, retry=False)

    def _split(self, batch: LeasedBatch, ids: list[str], into: str) -> list[Row]:
        return self._run("split", batch=batch.name, into=into, ids=ids, lease=self._lease)

    def _record(self, batch: LeasedBatch, handle: str) -> None:
        if not self._run("record", batch=batch.name, handle=handle)[0]["kept"]:
            log("batch lost", batch=batch.name, model=batch.model, handle=handle)

    def _store(self, batch: LeasedBatch, results: Iterable[BatchResult]) -> None:
        for chunk in _chunks(results):
            replies = [
                without_secrets(r.outcome) if isinstance(r.outcome, ModelReply) else None
                for r in chunk
            ]
            errors = [r.outcome if isinstance(r.outcome, ModelError) else None for r in chunk]
            self._run(
                "settle_requests",
                batch=batch.name,
                ids=[result.id for result in chunk],
                replies=[reply and canonical(reply) for reply in replies],
                costs=[reply and reply.cost for reply in replies],
                reasons=[str(error or "") for error in errors],
                retries=[bool(error and error.retryable) for error in errors],
                **_AGAIN,
            )

    def _settle(self, batch: LeasedBatch, reason: str, *, retry: bool) -> None:
        self._run("settle", batch=batch.name, reason=reason, retry=retry, **_AGAIN)

    def _wake(self, end: Deadline, done: Counter[str]) -> None:
        while rows := self._run("to_wake", most=_WAKES):
            for row in rows:
                # Stays the same until the run is claimed again, so the bus drops a second event.
                again = f"{row['run_id']}:{row['attempts']}"
                try:
                    self._publish(Event.from_json(row["event"]), again)
                    done["woken"] += 1
                except EventError as err:  # it keeps no other run waiting
                    log("run not woken", run=row["run_id"], reason=str(err))
                self._run("woke", tenant=row["tenant"], run=row["run_id"])
            if end.left <= 0:
                return

    def _provider(self, model: str) -> BatchProvider:
        """Return the model's provider, which learns what the server refuses and is kept."""
        if model not in self._providers:
            self._providers[model] = self._connect(model)
        return self._providers[model]

    def _run(self, name: str, **parameters: object) -> list[Row]:
        statement = Statement(SQL[name], {"owner": self._owner} | parameters)
        return self._database.run("", [statement])[0]


def _items(rows: Iterable[Row]) -> list[BatchItem]:
    """Return the items; raises ItemsRefused for requests that an older version stored in a form
    that this one cannot read."""
    items: list[BatchItem] = []
    unreadable: dict[str, str] = {}
    for row in rows:
        try:
            items.append(BatchItem(row["id"], request_of(row["request"])))
        except (KeyError, TypeError, AttributeError, ValueError) as err:
            unreadable[row["id"]] = f"the request cannot be read ({type(err).__name__})"
    if unreadable:
        raise ItemsRefused(unreadable)
    return items


def _halves(ids: list[str], least: int) -> list[list[str]]:
    """Return the halves, or nothing when they are too small to be batches."""
    middle = (len(ids) + 1) // 2
    return [ids[:middle], ids[middle:]] if len(ids) - middle >= max(least, 1) else []


_AGAIN = {"attempts": _ATTEMPTS, "margin": MARGIN, "pause": _PAUSE}


def _chunks(results: Iterable[BatchResult]) -> Iterator[list[BatchResult]]:
    rest = iter(results)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
