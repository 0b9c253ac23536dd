"""Adds up the tokens and the cost of an answer that took several calls."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from shared.errors import ModelError
from shared.models import ModelReply, Usage


def with_total_usage(replies: Sequence[ModelReply]) -> ModelReply:
    """Return the last reply, with the tokens and the cost of all of them."""
    usages = [reply.usage for reply in replies]
    asked = any(reply.source == "provider" for reply in replies)
    return replace(
        replies[-1],
        usage=Usage(
            sum(usage.input for usage in usages),
            sum(usage.output for usage in usages),
            sum(usage.cached for usage in usages),
            sum(usage.written for usage in usages),
        ),
        cost=_sum(reply.cost for reply in replies),
        saved=_sum(reply.saved for reply in replies),
        source="provider" if asked else replies[-1].source,
    )


@contextmanager
def usage_on_error(replies: Sequence[ModelReply]) -> Iterator[None]:
    """Add the tokens and the cost of `replies` to a ModelError that leaves the block."""
    try:
        yield
    except ModelError as err:
        if replies:
            paid = with_total_usage(replies)
            used = paid.usage
            err.add_cost(paid.model, used.input, used.output, used.cached, paid.cost)
        raise


def _sum(costs: Iterable[float | None]) -> float | None:
    """Add up; one unknown cost makes the sum unknown."""
    known = list(costs)
    return None if None in known else sum(cost or 0.0 for cost in known)
