"""Who pays for calls that do not say so themselves, such as those of embeddings: the run in whose
work they are made."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from shared.events import Event
from shared.models import Payer

_NOBODY = Payer("", "")
_paying: ContextVar[Payer] = ContextVar("paying", default=_NOBODY)


def payer_of(event: Event, flow: str) -> Payer:
    """Return the payer of a flow's run for `event`."""
    outside = event.place if event.by_outsider else ""
    return Payer(event.tenant, flow, event.actor.id, outside)


def payer_now() -> Payer:
    """Return the payer of the work that this thread does; nobody outside of it."""
    return _paying.get()


@contextmanager
def paid_by(payer: Payer) -> Iterator[None]:
    """Let `payer` pay for what the block does. Without a flow it stands for a tenant, and a run of
    that tenant that pays already goes on paying."""
    if not payer.flow and _paying.get().tenant == payer.tenant:
        yield
        return
    token = _paying.set(payer)
    try:
        yield
    finally:
        _paying.reset(token)
