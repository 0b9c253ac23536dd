"""Batches: many requests at once, which a provider answers within a day for half the price.

This file holds the types that all modules share.

connect       finds the batch interface of a model
openai        OpenAI's batches
anthropic     Anthropic's message batches
http_batches  the common part of these two
bedrock       Amazon Bedrock's batch inference
intake        stores the requests of runs, and parks the runs
desk          lends the batches to the flow that carries them
dispatcher    submits stored requests, fetches results, wakes the runs
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, Protocol, TypeVar

from shared.errors import ModelError, ModelRejected
from shared.models import ModelReply, ModelRequest
from shared.models.prices import BATCH_SHARE

T = TypeVar("T")


class BatchItem(NamedTuple):
    """One request of a batch. The caller chooses `id`, at most 48 of [A-Za-z0-9_-]."""

    id: str
    request: ModelRequest


class BatchResult(NamedTuple):
    """The outcome of an item: its reply, or an error. Only a retryable error may pass."""

    id: str
    outcome: ModelReply | ModelError


class BatchProgress(NamedTuple):
    """The state of a batch. When it has `ended`, its results can be read, good or bad. When it has
    failed because of some of its requests, `refused` says so, and `lines` which, counted from 1, if
    the provider tells."""

    state: Literal["running", "ended", "failed"]
    done: int = 0
    total: int = 0
    reason: str = ""
    refused: bool = False
    lines: tuple[int, ...] = ()


class ItemsRefused(ModelRejected):
    """Some items keep a batch from being submitted; `reasons` says why, by their ids."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__(
            f"{len(reasons)} requests cannot go by batch: {next(iter(reasons.values()))}"
        )
        self.reasons = reasons


class BatchProvider(Protocol):
    """One model behind one provider's batch interface.

    All methods raise ModelUnavailable (retry) or ModelRejected (do not); `submit` raises
    ItemsRefused or BodyRefused when some of the items may be the reason. `batch` is our name for a
    batch, a letter and then at most 59 of [a-z0-9-]. It finds the batch again after a crash between
    its submission and the record of its handle. Results come in any order. A batch has `least` to
    `most` items.
    """

    name: str
    least: int
    most: int

    def submit(self, batch: str, items: Sequence[BatchItem]) -> str:
        """Submit the items and return the provider's handle."""
        ...

    def find(self, batch: str, *, since: float = 0.0, other: Collection[str] = ()) -> str | None:
        """Return the handle of the batch that was submitted as `batch`, if there is one.

        It was named at `since`, in seconds since the epoch; `other` are handles of other batches.
        Raises ModelUnavailable when the answer is not known yet.
        """
        ...

    def poll(self, handle: str) -> BatchProgress: ...

    def results(self, handle: str) -> Iterator[BatchResult]: ...

    def cancel(self, handle: str) -> None: ...


def written(items: Sequence[BatchItem], write: Callable[[BatchItem], T]) -> list[T]:
    """Return what `write` makes of each item; raises ItemsRefused for those that it rejects."""
    out: list[T] = []
    refused: dict[str, str] = {}
    for item in items:
        try:
            out.append(write(item))
        except ModelRejected as err:
            refused[item.id] = str(err)
    if refused:
        raise ItemsRefused(refused)
    return out


def has_batches(name: str) -> bool:
    """Tell whether the server of the model `name` may take batches."""
    kind, colon, _ = name.partition(":")
    return bool(colon) and kind in {"openai", "anthropic", "bedrock"}


def discounted(reply: ModelReply) -> ModelReply:
    """Return the reply with its cost at the price of a batch."""
    return replace(reply, cost=None if reply.cost is None else reply.cost * BATCH_SHARE)


def ended_early(state: str) -> str:
    """Say why some requests of a batch have no reply."""
    return f"the batch ended before all was answered ({state})"
