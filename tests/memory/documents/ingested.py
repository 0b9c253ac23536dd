"""The flow `ingest` on its queue, with the real worker, journal, memory and GitHub adapter."""

import json
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import psycopg

from flows.ingest import ingest
from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Adapter, Query
from shared.actions.github.adapter import GitHubAdapter
from shared.aws.queue import Queue
from shared.database import OPERATOR, Database, Row, Statement
from shared.events import Event
from shared.journal import Journal
from shared.memory.embedding.embedder import Purpose
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.store import MemoryStore
from shared.models.batch.connect import connect
from shared.models.batch.dispatcher import Dispatcher
from shared.perception.github import to_event
from shared.runtime.composition import capabilities, handler_of
from shared.settings import Settings
from shared.testing import QueueInMemory

SHOP = "acme/shop"
TENANT = "github:acme"


class Counting(HashingEmbedder):
    """Remembers what it was asked to embed."""

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        self.embedded += texts
        return super().embed(texts, purpose)


class Clock:
    """What Lambda tells a function of its time: `seconds`, whatever it does."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


class Ingested:
    """A repository, and what is remembered of it."""

    def __init__(self, url: str, database: Database, sandbox: GitHubSandbox) -> None:
        self._url = url
        self.database = database
        self.sandbox = sandbox
        self.embedder = Counting()
        self.store = MemoryStore(database, self.embedder)
        self.published: list[Event] = []
        settings = Settings(github_token=sandbox.token, github_api_url=sandbox.api_url)
        self.adapter: Adapter = GitHubAdapter(settings, timeout=5)
        self._settings = settings._replace(max_attempts="2", max_pause_hours="0")

    def deliver(self, event: Event, *, seconds: float = 60, receives: int = 1) -> bool:
        """Hand an event to the flow; False when it goes back to the queue."""
        can = capabilities(
            self._settings,
            self.database,
            lambda wanted: self.adapter,
            {MemoryStore: lambda: self.store, Queue: QueueInMemory},
        )
        attributes = {
            "MessageGroupId": event.conversation,
            "ApproximateReceiveCount": str(receives),
        }
        record = {"messageId": event.id, "body": event.to_json(), "attributes": attributes}
        handler = handler_of(ingest, Journal(self.database), can)
        answer = handler(json.loads(json.dumps({"Records": [record]})), Clock(seconds))
        return not answer["batchItemFailures"]

    def push(self, files: dict[str, Any], **how: Any) -> Event:
        """Push to the repository and return the event that its webhook is."""
        self.sandbox.push(SHOP, files, **how)
        return self.announced()

    def announced(self) -> Event:
        """The event of the newest webhook."""
        newest = self.sandbox.deliveries()[0]
        headers = {
            "x-github-event": newest["event"],
            "x-github-delivery": newest["guid"],
            "content-type": "application/json",
        }
        return to_event(json.dumps(newest["payload"]).encode(), headers, {}, time.time())

    def take(self, files: dict[str, Any], **how: Any) -> None:
        """Push and ingest."""
        assert self.deliver(self.push(files, **how))

    def end_rests(self) -> None:
        """Let the time pass until every rest is over."""
        with psycopg.connect(self._url) as connection:
            connection.execute("update batch_requests set deadline = now() where state = 'queued'")

    def wake(self) -> None:
        """Do what the flow `batches` does: publish again what rests."""
        self.published.clear()
        with Database(self._url, patience=5, role=OPERATOR) as operator:
            models = partial(connect, settings=self._settings)
            Dispatcher(operator, models, self._publish).advance(30)

    @property
    def memories(self) -> dict[str, Row]:
        """All that is remembered, by ref."""
        return {row["ref"]: row for row in self.rows("select * from memories order by ref")}

    @property
    def files(self) -> dict[str, str]:
        """Which file was taken with which hash."""
        return {
            row["path"]: row["hash"] for row in self.rows("select path, hash from memory_files")
        }

    @property
    def runs(self) -> list[str]:
        return [row["state"] for row in self.rows("select state from runs order by started_at")]

    @property
    def requests(self) -> list[str]:
        """What was asked of GitHub, without what leads to the repository."""
        asked = (one.path.removeprefix(f"/repos/{SHOP}") for one in self.sandbox.exchanges())
        return [path.partition("/")[2].partition("/")[0] or "repository" for path in asked]

    def rows(self, sql: str, **parameters: object) -> list[Row]:
        return self.database.run(TENANT, [Statement(sql, parameters)])[0]

    def ask(self, query: Query) -> Any:
        return self.adapter.read(query)

    def _publish(self, event: Event, again: str) -> None:
        self.published.append(event)
