"""The batches under way, kept beside the results, so that no crash pays for a row twice."""

import json
import sqlite3
import time
import uuid
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from infra.bench.expectations import Expectation
from infra.bench.rows import InputRow
from infra.bench.tasks import Job
from shared.database import queries
from shared.errors import SettingsError
from shared.models import ModelRequest

_SQL = queries(__file__, "intake.sql")


class Open(NamedTuple):
    """A batch that may still bring results; without a handle it is unknown if it was made."""

    name: str
    arm: str
    since: float
    handle: str | None


class Travelled(NamedTuple):
    """How often a row was sent, if it still is under way, and why it had no answer."""

    attempts: int
    under_way: int
    reason: str


class Intake:
    """An SQLite file. Each method returns after its change is on the disk."""

    def __init__(self, path: Path) -> None:
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
            try:
                for name in ("make_batches", "make_items", "index_items"):
                    self._database.execute(_SQL[name])
            except BaseException:
                self._database.close()
                raise
        except sqlite3.Error as err:
            raise SettingsError(f"{path} cannot be used for batches: {err}") from err
        self._database.row_factory = sqlite3.Row

    def close(self) -> None:
        self._database.close()

    def name(self, arm: str, jobs: Sequence[Job]) -> Open:
        """Note the jobs that are about to be submitted as one batch."""
        batch = Open(f"bench-{uuid.uuid4().hex[:24]}", arm, time.time(), None)
        with self._database:
            self._database.execute("begin")
            self._run("name_batch", name=batch.name, arm=arm, since=batch.since)
            for job in jobs:
                row = job.row
                self._run(
                    "add_item",
                    batch=batch.name,
                    item=item_of(job),
                    arm=arm,
                    id=row.id,
                    line=row.line,
                    hash=job.hash,
                    expect=json.dumps(row.expect.raw) if row.expect else None,
                )
        return batch

    def record(self, batch: Open, handle: str) -> None:
        self._run("record", name=batch.name, handle=handle)

    def settle(self, batch: Open, reason: str) -> None:
        """Note that nothing more will come of a batch, and why the rest has no answer."""
        with self._database:
            self._database.execute("begin")
            self._run("give_reason", batch=batch.name, reason=reason)
            self._run("settle", name=batch.name)

    def give_reason(self, batch: Open, item: str, reason: str) -> None:
        self._run("give_reason_of", batch=batch.name, item=item, reason=reason)

    def open(self) -> list[Open]:
        return [Open(**row) for row in self._run("open")]

    def handles(self) -> list[str]:
        return [row["handle"] for row in self._run("handles")]

    def job(self, batch: Open, item: str) -> Job | None:
        """Return the job of an item of a batch, without its request."""
        found = self._run("item", batch=batch.name, item=item)
        if not found:
            return None
        own = found[0]
        expect = Expectation.of(json.loads(own["expect"])) if own["expect"] else None
        row = InputRow(own["line"], own["id"], {}, expect)
        return Job(row, own["arm"], ModelRequest(()), own["hash"])

    def travelled(self, job: Job, since: float) -> Travelled:
        """Say how often a job was sent in batches that were named `since`."""
        key = {"arm": job.arm, "id": job.row.id, "hash": job.hash, "since": since}
        [found] = self._run("travelled", **key)
        return Travelled(**found)

    def _run(self, query: str, **values: object) -> list[dict[str, Any]]:
        return [dict(row) for row in self._database.execute(_SQL[query], values)]


def item_of(job: Job) -> str:
    """Name a job within its batch."""
    return sha256(job.row.id.encode()).hexdigest()[:32]
