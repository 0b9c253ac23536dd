"""Measures model calls: how many, how long, their tokens and their cost; see docs/metrics.md."""

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from shared.errors import (
    AgentFlowsError,
    BudgetExceeded,
    ModelRejected,
    ModelTooSlow,
    ModelUnavailable,
)
from shared.metrics import measure
from shared.models import ModelReply, Payer, Usage

T = TypeVar("T")
#: Returns the tokens, the cost and the end of what a call gave.
Judge = Callable[[T], tuple[Usage, float | None, str]]

#: How a call ends that gives no answer; the first that fits.
_ENDS = {
    BudgetExceeded: "budget",
    ModelTooSlow: "slow",
    ModelUnavailable: "unavailable",
    ModelRejected: "rejected",
}


def measured(role: str, model: str, payer: Payer, call: Callable[[], T], judge: Judge[T]) -> T:
    """Make the call of `model` in its `role`, and measure it however it ends."""
    begun = time.perf_counter()
    try:
        given = call()
    except AgentFlowsError as err:
        end = next((end for kind, end in _ENDS.items() if isinstance(err, kind)), "failed")
        called(role, model, payer, end, seconds=time.perf_counter() - begun)
        raise
    usage, cost, end = judge(given)
    seconds = time.perf_counter() - begun
    called(role, model, payer, end, seconds=seconds, usage=usage, cost=cost)
    return given


def called(
    role: str,
    model: str,
    payer: Payer,
    end: str,
    *,
    seconds: float | None = None,
    usage: Usage | None = None,
    cost: float | None = None,
) -> None:
    """Measure one call that has ended; what it cost is unknown where it gave nothing."""
    values = {
        "ModelCalls": 1,
        "ModelSeconds": seconds,
        "InputTokens": usage.input if usage else None,
        "OutputTokens": usage.output if usage else None,
        "ModelCost": cost,
    }
    measure("model called", values, model=model, role=role, end=end, flow=payer.flow)


def judged(reply: ModelReply, lost: Sequence[ModelReply] = ()) -> tuple[Usage, float | None, str]:
    """Judge a reply, with what was `lost` on the way. One of a cache cost nothing."""
    if reply.source != "provider":
        return Usage(), 0.0, "cached"
    all_of = [*lost, reply]
    costs = [one.cost for one in all_of if one.cost is not None]
    usage = Usage(sum(one.usage.input for one in all_of), sum(one.usage.output for one in all_of))
    cost = sum(costs) if len(costs) == len(all_of) else None
    return usage, cost, "refused" if reply.finish == "refused" else "answered"
