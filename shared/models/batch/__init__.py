"""Batches: many requests handed to a provider at once, answered within a day for half the price."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from shared.errors import ModelError
from shared.models import Reply, Request


@dataclass(frozen=True)
class Item:
    """One request of a batch. `id` is chosen by whoever asks, at most 64 of [A-Za-z0-9_-]."""

    id: str
    request: Request


@dataclass(frozen=True)
class Result:
    """What came of an item: its reply, or why there is none. Only a retryable error may pass."""

    id: str
    outcome: Reply | ModelError


@dataclass(frozen=True)
class Progress:
    """How a batch stands. `ended` says that its results can be read, be they good or bad."""

    state: Literal["running", "ended", "failed"]
    done: int = 0
    total: int = 0
    reason: str = ""


class BatchProvider(Protocol):
    """One model behind one provider's batch interface.

    All methods raise ModelUnavailable (retry) or ModelRejected (do not). `batch` is a name of ours,
    at most 64 of [A-Za-z0-9_-], by which a batch is found again after a crash between its
    submission and the record of its handle. Results come in any order.
    """

    name: str

    def submit(self, batch: str, items: Sequence[Item]) -> str:
        """Hand over the items and return the provider's handle."""
        ...

    def find(self, batch: str) -> str | None:
        """Return the handle of the batch that was submitted as `batch`, if there is one."""
        ...

    def poll(self, handle: str) -> Progress: ...

    def results(self, handle: str) -> Iterator[Result]: ...

    def cancel(self, handle: str) -> None: ...
