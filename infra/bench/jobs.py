"""Chooses the rows to ask: all, a sample, or the first few, without those that are done."""

import heapq
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from infra.bench.ledger import Ledger
from infra.bench.rows import BadRow, InputRow
from infra.bench.tasks import Job, Task

_SHOWN = 20


@dataclass(frozen=True)
class Wanted:
    """The rows to ask. `rerun` is empty, `failed`, `all`, or a row's id."""

    limit: int | None = None
    sample: int | None = None
    seed: int = 0
    rerun: str = ""


class Skipped:
    """The rows that were not asked, and why."""

    def __init__(self) -> None:
        self.bad: list[BadRow] = []
        self.bad_rows = 0
        self.done = 0
        self.stale = 0

    def count(self, bad: BadRow) -> None:
        self.bad_rows += 1
        if len(self.bad) < _SHOWN:
            self.bad.append(bad)


def chosen(
    rows: Callable[[], Iterable[InputRow | BadRow]], wanted: Wanted
) -> Iterator[InputRow | BadRow]:
    """Yield the rows that are wanted; with a sample, `rows` is called twice.

    A row is in the sample when its id's hash is among the lowest. So the same seed chooses the same
    rows in any order of the input, and a larger sample holds the smaller.
    """
    bar = _bar(rows(), wanted.sample, wanted.seed) if wanted.sample is not None else None
    left = wanted.limit
    for row in rows():
        if isinstance(row, BadRow):
            yield row
            continue
        if (bar is not None and _drawn(row, wanted.seed) > bar) or (
            wanted.rerun not in {"", "failed", "all", row.id}
        ):
            continue
        if left is not None:
            if left == 0:
                return
            left -= 1
        yield row


def _bar(rows: Iterable[InputRow | BadRow], size: int, seed: int) -> int:
    """Return the highest hash that is in the sample."""
    lowest = heapq.nsmallest(size, (_drawn(row, seed) for row in rows if isinstance(row, InputRow)))
    return lowest[-1] if lowest else -1


def _drawn(row: InputRow, seed: int) -> int:
    return int.from_bytes(blake2b(f"{seed}:{row.id}".encode(), digest_size=8).digest(), "big")


class Jobs:
    """The jobs of an input, one at a time for any number of threads, so that memory holds none."""

    def __init__(
        self,
        rows: Iterable[InputRow | BadRow],
        task: Task,
        models: Mapping[str, str],
        ledger: Ledger,
        rerun: str = "",
    ) -> None:
        """`models` maps the name of each model to the one that it stands for today."""
        self.skipped = Skipped()
        self._lock = threading.Lock()
        self._ledger = ledger
        self._rerun = rerun
        self._jobs = self._all(rows, task, models)
        ledger.begin_reading()

    def __iter__(self) -> Iterator[Job]:
        return self

    def __next__(self) -> Job:
        with self._lock:
            return next(self._jobs)

    def _all(
        self, rows: Iterable[InputRow | BadRow], task: Task, models: Mapping[str, str]
    ) -> Iterator[Job]:
        for row in rows:
            if isinstance(row, BadRow):
                self.skipped.count(row)
            elif not self._ledger.is_new(row.id):
                self.skipped.count(BadRow(row.line, "has an id that an earlier row has"))
            else:
                request = task.request(row)
                for arm, model in models.items():
                    job = task.job(row, request, arm, model)
                    if not self._is_done(job):
                        yield job

    def _is_done(self, job: Job) -> bool:
        """Tell if a result of the same request exists and may stay."""
        found = self._ledger.find(job)
        if found is None:
            return False
        if not found.same:
            self.skipped.stale += 1
            return False
        if self._rerun and (found.failed or self._rerun != "failed"):
            return False
        self._ledger.cover(job)
        self.skipped.done += 1
        return True
