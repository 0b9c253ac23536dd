"""A chat model with its guards. A call passes them in this order:

the prompt cache            answers an equal request
the budget                  reserves before, commits after
the learnt output limit     asks again with the full one when it was too small
retries                     each attempt passes:
    the account's limits    of all functions together
    the limiter             of this process
    the circuit breaker     of the provider
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from shared.errors import TOO_SLOW, ModelError, ModelRejected, ModelTooSlow, ModelUnavailable
from shared.models import ModelReply, ModelRequest, Payer, Provider, Usage
from shared.models.answers.judging import judge_now
from shared.models.deadline import Deadline
from shared.models.guards.circuit_breaker import CircuitBreaker
from shared.models.guards.limiter import Limiter
from shared.models.guards.output_limits import OutputLimits
from shared.models.guards.retrying import retrying
from shared.models.prices import BATCH_SHARE, Prices, most_tokens
from shared.models.tokens import tokens
from shared.redaction.redacting import without_secrets

if TYPE_CHECKING:
    from shared.models.cache.prompt_cache import PromptCache
    from shared.models.guards.account_limits import Buckets
    from shared.models.guards.budgets import Budgets

#: Is called with the growing text of an answer, and never raises.
TextSink = Callable[[str], None]

#: A failure with fewer seconds left is one of the time.
_OVER = 0.25


class Progress:
    """Why a call waits, in words for people."""

    why = ""


class ModelCall(NamedTuple):
    """A request with its deadline, its payer, and the sink of its growing text.

    `may_repeat` allows the answer to an earlier, equal request. `lost` collects the answers that
    ended half-way, with what they cost.
    """

    request: ModelRequest
    deadline: Deadline
    payer: Payer
    lost: list[ModelReply]
    progress: Progress
    sink: TextSink | None = None
    may_repeat: bool = False


class Guards(NamedTuple):
    """The guards that all models of a process share; None for those that are not set."""

    prices: Prices
    outputs: OutputLimits
    cache: "PromptCache | None" = None
    budgets: "Budgets | None" = None
    buckets: "Buckets | None" = None


class GuardedModel:
    """A chat model that is called within its limits. Thread-safe."""

    def __init__(self, provider: Provider, guards: Guards, sleep: Callable[[float], None]) -> None:
        self.provider = provider
        self.name = provider.name
        self._guards = guards
        self._sleep = sleep
        self._breaker = CircuitBreaker(self.name)
        self._limiter = Limiter(name=self.name)

    def reply(self, call: ModelCall) -> ModelReply:
        """Ask within the limits; raises ModelUnavailable, ModelRejected, BudgetExceeded and, when
        it needs the database, DatabaseUnavailable."""
        if self.name == "offline":  # It is free, and as fast as a cache.
            return answer(self.provider, call)
        cache = self._guards.cache
        if cache is None or not call.may_repeat:
            return self._paid(call)
        tenant, request = call.payer.tenant, call.request
        reply = cache.get(
            tenant,
            self.name,
            request,
            call.deadline,
            lambda: self._paid(call),
            is_valid=judge_now(),
        )
        if call.sink and reply.source != "provider":
            call.sink(reply.text)
        return reply

    def _paid(self, call: ModelCall) -> ModelReply:
        budgets, request = self._guards.budgets, call.request
        if budgets is None or not budgets.counts(call.payer):
            return self._sized(call)
        dollars = self._guards.prices.ceiling(self.name, request)
        tokens = most_tokens(request) + request.max_tokens
        lease = call.deadline.seconds
        held = budgets.reserve(call.payer, self.name, dollars, lease, tokens=tokens)
        try:
            reply = self._sized(call)
        except ModelRejected:
            budgets.release(held)
            raise
        except BaseException as err:
            # An overloaded server has not begun; any other failure may have cost something.
            unpaid = isinstance(err, ModelUnavailable) and err.overloaded
            budgets.release(held) if unpaid else budgets.commit(held, None)
            raise
        used = reply.usage.input + reply.usage.output
        # Only runs cause calls from outside, and a run writes soon.
        later = call.payer if call.payer.outside else None
        budgets.commit(held, reply.cost, used or None, later=later)
        return reply

    def _sized(self, call: ModelCall) -> ModelReply:
        def ask(request: ModelRequest) -> ModelReply:
            sized = call._replace(request=request)
            return retrying(lambda: self._once(sized), call.deadline, self._sleep, paced=True)

        return self._guards.outputs.ask(call.payer.tenant, call.request, self.name, ask)

    def _once(self, call: ModelCall) -> ModelReply:
        buckets = self._guards.buckets
        if buckets is None:
            return self._in_turn(call)
        request, dollars = call.request, self._guards.prices.ceiling(self.name, call.request)
        tokens = most_tokens(request) + request.max_tokens
        held = buckets.reserve(self.name, tokens, dollars, call.deadline)
        reply = None
        try:
            self._sleep(held.wait)
            reply = self._in_turn(call)
        finally:
            used = reply.usage.input + reply.usage.output if reply else 0
            # What the server did not count may be as much as was reserved.
            buckets.settle(held, used or (None if reply else 0), reply.cost if reply else 0.0)
        return reply

    def _in_turn(self, call: ModelCall) -> ModelReply:
        progress = call.progress
        # A call that was refused says so while it waits to be made again.
        progress.why = progress.why or "Too many others ask the language model at the same time."
        try:
            with self._limiter.turn(call.deadline), self._breaker.guard():
                progress.why = "The language model has not begun to answer."
                return answer(self.provider, call)
        except ModelUnavailable as err:
            busy = "has too much to do" if err.overloaded else "failed"
            progress.why = f"The language model {busy}, so I ask again."
            if err.text or isinstance(err, ModelTooSlow):
                call.lost.append(self._paid_for(call, err))
            raise

    def _paid_for(self, call: ModelCall, err: ModelUnavailable) -> ModelReply:
        """Return what came of a call that failed half-way. Its tokens are an estimate: servers tell
        them at the end."""
        request = call.request
        asked = tokens("\n".join([request.system, *(turn.text for turn in request.messages)]))
        used = Usage(asked, tokens(err.text))
        cost = self._guards.prices.cost(self.name, used)
        return ModelReply(err.text, "length", used, self.name, cost=cost)


class BatchPurse(NamedTuple):
    """The budget of `payer`, and the account's limits, for batches of the model `name`."""

    guards: Guards
    name: str
    payer: Payer

    def reserve(self, id: str, request: ModelRequest, seconds: float) -> None:
        dollars = self.guards.prices.ceiling(self.name, request)
        half = None if dollars is None else dollars * BATCH_SHARE
        tokens = most_tokens(request) + request.max_tokens
        if buckets := self.guards.buckets:
            buckets.reserve_batched(id, self.name, half, seconds)
        try:
            if budgets := self.guards.budgets:
                budgets.reserve(self.payer, self.name, half, seconds, id, tokens=tokens)
        except ModelError:
            if buckets:
                buckets.settle_batched(id, 0.0)
            raise

    def settle(self, id: str, dollars: float | None, tokens: int | None) -> None:
        if budgets := self.guards.budgets:
            budgets.settle(self.payer.tenant, id, dollars, tokens)
        if buckets := self.guards.buckets:
            buckets.settle_batched(id, dollars)


def answer(provider: Provider, call: ModelCall) -> ModelReply:
    """Return the provider's reply without secrets, streamed to the sink if there is one."""
    return without_secrets(_answer(provider, call))


def _answer(provider: Provider, call: ModelCall) -> ModelReply:
    text = ""
    try:
        if call.sink is None:
            return provider.reply(call.request, call.deadline.left)
        for chunk in provider.stream(call.request, call.deadline.left):
            if chunk.reply is not None:
                return chunk.reply
            text += chunk.text
            call.sink(text)
    except ModelUnavailable as err:
        err.text = without_secrets(text)
        if call.deadline.left > _OVER or err.overloaded:
            raise
        slow = ModelTooSlow(f"{provider.name}: {TOO_SLOW} {call.deadline.seconds:.0f} s")
        slow.text = err.text
        raise slow from err
    raise ModelUnavailable(f"{provider.name}: the stream ended without its reply")
