"""Splits a run's time: the parts that leave the process, wrapped so that each call is a span."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from shared.actions import Action, Adapter, Mark, Query, Receipt
from shared.actions.platforms import Platforms
from shared.agent.flow import Flow
from shared.database import Database, Row, Statement
from shared.journal import SQL as JOURNAL
from shared.journal import Journal
from shared.memory.conversations.turns import SQL as CONVERSATIONS
from shared.memory.embedding.embedder import Embedder, Purpose
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.store import SQL as MEMORY
from shared.memory.store import MemoryStore
from shared.models import ModelReply, ModelRequest
from shared.models.cache.shared_replies import SQL as REPLIES
from shared.models.guards.output_limits import SQL as OUTPUT_LIMITS
from shared.models.routing import Models
from shared.runtime.composition import capabilities, handler_of
from shared.runtime.worker import LambdaHandler
from shared.settings import Settings

_FILES = (JOURNAL, MEMORY, CONVERSATIONS, OUTPUT_LIMITS, REPLIES)
_NAMES = {sql: name for file in _FILES for name, sql in file.items()}
#: What the spans of transactions start with.
DATABASE = "postgres"
#: Every write starts with it.
_LEASE = "hold_lease"


class Span(NamedTuple):
    """Milliseconds that something outside of this process took."""

    name: str
    took: float


class Recorder:
    """The spans of the run at hand, in order."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self.spans.append(Span(name, (time.perf_counter() - began) * 1e3))


def recorded(flow: Flow, settings: Settings, recorder: Recorder) -> LambdaHandler:
    """Compose the worker of `flow` as shared.runtime.composition does, around recorded parts."""
    database = _Database(settings.database_url, recorder)
    can = capabilities(settings, database, Platforms(flow.may, flow.reads, settings))
    watched = can._replace(
        models=_Models(settings, database, recorder),
        memory=MemoryStore(database, _Embedder(HashingEmbedder(), recorder)),
        adapter=_watched(can.adapter, recorder),
    )
    return handler_of(flow, Journal(database), watched)


class _Database(Database):
    def __init__(self, url: str, recorder: Recorder) -> None:
        super().__init__(url)
        self._recorder = recorder

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        # A statement that is completed before its use, as recall is, has the name of its neighbour.
        names = [_NAMES.get(statement.sql, "") for statement in statements]
        shown = ", ".join(name for name in names if name and name != _LEASE)
        with self._recorder.span(f"{DATABASE}  {shown}"):
            return super().run(tenant, statements)


class _Models(Models):
    def __init__(self, settings: Settings, database: Database, recorder: Recorder) -> None:
        super().__init__(settings, database)
        self._recorder = recorder

    def reply(self, role: str, request: ModelRequest, **more: Any) -> ModelReply:
        with self._recorder.span(f"model     {role}"):
            return super().reply(role, request, **more)


class _Embedder:
    def __init__(self, embedder: Embedder, recorder: Recorder) -> None:
        self.name = embedder.name
        self.dimensions = embedder.dimensions
        self.asymmetric = embedder.asymmetric
        self._embedder = embedder
        self._recorder = recorder

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        with self._recorder.span("embedder  hashing"):
            return self._embedder.embed(texts, purpose)


@dataclass(frozen=True)
class _Adapter:
    adapter: Adapter
    recorder: Recorder

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        with self.recorder.span(f"platform  {type(action).__name__}"):
            return self.adapter.perform(action, mark, previous)

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        with self.recorder.span(f"platform  find {type(action).__name__}"):
            return self.adapter.find(action, mark)

    def read(self, query: Query) -> Any:
        with self.recorder.span(f"platform  {type(query).__name__}"):
            return self.adapter.read(query)


def _watched(
    adapter: Callable[[Action | Query], Adapter], recorder: Recorder
) -> Callable[[Action | Query], Adapter]:
    def watched(wanted: Action | Query) -> Adapter:
        return _Adapter(adapter(wanted), recorder)

    return watched
