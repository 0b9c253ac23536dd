"""An index of the results file by row and model, on disk, so that it costs no memory."""

import sqlite3
import threading
from typing import Any, NamedTuple

from infra.bench.tasks import Job, TaskResult
from shared.database import queries

_SQL = queries(__file__, "ledger.sql")


class LastResult(NamedTuple):
    """The newest result of a job: if its request was the same, and if it failed."""

    same: bool
    failed: bool


class Ledger:
    """An SQLite database of this process alone, which SQLite deletes itself. Thread-safe.

    It keeps two megabytes in memory and the rest in a temporary file.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.row_factory = sqlite3.Row
        for pragma in ("journal_mode = off", "synchronous = off"):
            self._database.execute(f"pragma {pragma}")
        for name in ("open", "open_rows", "open_pairs"):
            self._database.execute(_SQL[name])

    def close(self) -> None:
        self._database.close()

    def begin_reading(self) -> None:
        """Forget the rows that were read, before reading the input again."""
        self.all("forget_rows")

    def is_new(self, id: str) -> bool:
        """Note that a row of this id was read; False when it was read before."""
        with self._lock:
            return self._database.execute(_SQL["read_row"], (id,)).rowcount == 1

    def keep(self, result: TaskResult, start: int = 0, length: int = 0, *, covered: bool) -> None:
        """Keep the newest result; it stands in the file at byte `start`."""
        usage = result.usage
        numbers = {"input": usage.input, "output": usage.output, "cached": usage.cached}
        place = {"start": start, "length": length, "covered": int(covered)}
        values = {name: getattr(result, name) for name in _PLAIN} | numbers | place
        with self._lock:
            self._database.execute(_SQL["keep"], values)
            self._database.execute(_SQL["forget_pairs"], values)
            for pair in result.pairs:
                own = {"model": result.model, "id": result.id} | pair._asdict()
                self._database.execute(_SQL["keep_pair"], own)

    def find(self, job: Job) -> LastResult | None:
        key = {"model": job.arm, "id": job.row.id}
        rows = self.all("find", **key)
        return LastResult(rows[0]["hash"] == job.hash, rows[0]["error"] != "") if rows else None

    def cover(self, job: Job) -> None:
        """Count an earlier result for a row that this start asks for."""
        self.all("cover", model=job.arm, id=job.row.id)

    def all(self, query: str, **values: object) -> list[dict[str, Any]]:
        """Run one of the named queries and return its rows."""
        with self._lock:
            return [dict(row) for row in self._database.execute(_SQL[query], values)]

    def places(self) -> "list[tuple[int, int]]":
        """Return the positions of the newest results in the file, in the order of the input."""
        return [(row["start"], row["length"]) for row in self.all("in_order")]


_PLAIN = (
    *("model", "id", "hash", "line", "error", "message", "score"),
    *("ms", "calls", "cost", "source"),
)
