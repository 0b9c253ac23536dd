"""Batches: many requests handed to a provider at once, answered within a day for half the price."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, Protocol

from shared.errors import ModelError
from shared.models import ModelReply, ModelRequest
from shared.models.prices import BATCH_SHARE


class BatchItem(NamedTuple):
    """One request of a batch. `id` is chosen by whoever asks, at most 48 of [A-Za-z0-9_-]."""

    id: str
    request: ModelRequest


class BatchResult(NamedTuple):
    """What came of an item: its reply, or why there is none. Only a retryable error may pass."""

    id: str
    outcome: ModelReply | ModelError


class BatchProgress(NamedTuple):
    """How a batch stands. `ended` says that its results can be read, be they good or bad."""

    state: Literal["running", "ended", "failed"]
    done: int = 0
    total: int = 0
    reason: str = ""


class BatchProvider(Protocol):
    """One model behind one provider's batch interface.

    All methods raise ModelUnavailable (retry) or ModelRejected (do not). `batch` is a name of ours,
    at most 60 of [a-z0-9-] from a letter on, by which a batch is found again after a crash between
    its submission and the record of its handle. Results come in any order. A batch has at least
    `least` and at most `most` items.
    """

    name: str
    least: int
    most: int

    def submit(self, batch: str, items: Sequence[BatchItem]) -> str:
        """Hand over the items and return the provider's handle."""
        ...

    def find(self, batch: str, *, since: float = 0.0, other: Collection[str] = ()) -> str | None:
        """Return the handle of the batch that was submitted as `batch`, if there is one.

        `since` is when it was named, in seconds since the epoch; `other` are handles that are
        known to be other batches. Raises ModelUnavailable when it cannot be told yet.
        """
        ...

    def poll(self, handle: str) -> BatchProgress: ...

    def results(self, handle: str) -> Iterator[BatchResult]: ...

    def cancel(self, handle: str) -> None: ...


def has_batches(name: str) -> bool:
    """Does the model called `name` stand behind an interface that may take batches?"""
    kind, colon, _ = name.partition(":")
    return bool(colon) and kind in {"openai", "anthropic", "bedrock"}


def discounted(reply: ModelReply) -> ModelReply:
    """Return a reply that counts what it cost at the price of a batch."""
    return replace(reply, cost=None if reply.cost is None else reply.cost * BATCH_SHARE)
