"""Agent: what a flow is handed. Every call is one journaled step, so a retry repeats nothing that
was finished."""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from shared.actions import Action, Adapter, Query, Receipt
from shared.actions.drafts import PACE, Drafts, Pace
from shared.actions.effects import Effects, branch
from shared.actions.policy import Policy
from shared.errors import AnswerInvalid, BudgetExceeded, ModelError
from shared.events import Event
from shared.executions import Executions
from shared.journal import Outcome, Run, digest
from shared.memory import Memory
from shared.memory.conversations import Conversations
from shared.memory.store import MemoryStore
from shared.models import Caller, Message, Reply, Request, ToolCall, typed
from shared.models.batch.dispatcher import Dispatcher
from shared.models.batch.intake import first_in_a_batch, rest_until
from shared.models.guarded import Sink
from shared.models.prompts import clean, data, system
from shared.models.routing import Models
from shared.models.toolcalls import judged
from shared.models.turns import turn
from shared.planning.desk import PlanDesk
from shared.planning.store import PlanStore
from shared.recollection import Recollection
from shared.settings import Settings
from shared.slices import take_in
from shared.sources import Source
from shared.tools import Tool

T = TypeVar("T")
Item = TypeVar("Item")

#: Seconds of the function's time that a model call leaves for recording and telling its failure.
_RESERVE = 5.0


@dataclass(frozen=True)
class Capabilities:
    """What the composition root builds once per process and lends to each run's agent."""

    settings: Settings
    models: Models
    memory: MemoryStore
    conversations: Conversations
    adapter: Callable[[Action | Query], Adapter]
    dispatcher: Callable[[], Dispatcher]
    plans: PlanStore
    executions: Callable[[], Executions]
    pace: Pace = PACE


class Agent:
    """An author's handle on models, memory and actions, for one run. Its calls may come from
    several threads."""

    def __init__(
        self,
        run: Run,
        policy: Policy,
        can: Capabilities,
        remaining: Callable[[], float],
        shares: Collection[str] = (),
    ) -> None:
        self.event = run.event
        self._run = run
        self._recollection = Recollection(run, can.memory, can.conversations, shares)
        self._caller = Caller(run.event.tenant, run.flow, run.event.actor.id)
        self._policy = policy
        self._can = can
        self._remaining = remaining
        self._drafts = Drafts(run, policy, can.adapter, remaining, can.pace)
        self._effects = Effects(run, self._drafts.adapter, remaining)

    # Thinking

    def ask(
        self,
        prompt: str,
        *context: object,
        returns: type[T],
        model: str = "small",
        check: Callable[[T], bool] | None = None,
        otherwise: str = "large",
        max_tokens: int = 1024,
        cache: bool | None = None,
        deadline: timedelta | None = None,
    ) -> T:
        """Ask the model one question and return its answer as a valid `returns`.

        `prompt` is the author's word; `context` (text, an Event, memories, dataclasses) is shown as
        data that cannot give orders. With a `check` that the answer does not pass, or when it is
        invalid, the model `otherwise` is asked. An equal request may be answered from the prompt
        cache unless `cache` is False. With a `deadline` the answer may come from a batch, at half
        the price: the run rests and starts again when it is there, or in time to ask at once. A run
        for which the budget has no room rests too, when that is free again before the deadline.
        Raises AnswerInvalid when the answer does not fit, also after one repair and from another
        model.
        """
        request = Request(
            messages=(Message("user", _as_data(context)),),
            system=system(prompt),
            schema=typed.schema_of(returns),
            max_tokens=max_tokens,
        )
        ask = partial(self._ask, request, returns, cache=cache, deadline=deadline)
        if check is None:
            return ask(model, self._can.models.substitute(model))
        try:
            answer = ask(model, "")
            passed = check(answer)
        except AnswerInvalid:
            passed = False
        if self._choose(request, model if passed else otherwise, (model, otherwise)) == model:
            return answer
        return ask(otherwise, "")

    def converse(
        self,
        prompt: str,
        *context: object,
        tools: Sequence[Tool] = (),
        model: str = "large",
        max_tokens: int = 2048,
        rounds: int = 8,
        stream: bool = True,
    ) -> str:
        """Answer the event's text as the next turn of its conversation, which is then remembered.

        The model may call `tools`, at most `rounds` times in a row; each call is a step of its own.
        Where the platform can show it, people watch the answer grow in the message that the flow's
        next reply finishes; without `stream`, or elsewhere, it comes whole.
        """
        known = {tool.name: tool for tool in tools}
        question = _as_data([*context, self.event])
        messages = [Message(turn.role, clean(turn.text)) for turn in self._recollection.turns()]
        messages.append(Message("user", question))
        for left in range(rounds, -1, -1):
            reply = self._turn(
                system(prompt),
                messages,
                known.values() if left else (),
                model,
                max_tokens,
                stream=stream,
            )
            calls = tuple(ToolCall(**call) for call in reply["calls"])
            if not calls:
                return str(reply["text"])
            messages.append(Message("assistant", reply["text"], calls))
            results = [
                error or self._use(known[call.name], call)
                for call, error in zip(calls, reply["errors"], strict=True)
            ]
            messages += [
                Message("tool", result, call_id=call.id)
                for call, result in zip(calls, results, strict=True)
            ]
        raise AnswerInvalid(f"the model still called tools after {rounds} rounds")

    def map(
        self, function: Callable[[Item], T], items: Iterable[Item], *, workers: int = 32
    ) -> list[T]:
        """Call `function` for all `items` at once, in threads, and return the results in order.

        How many models are asked at a time is found out by itself; `workers` only bounds it. When
        one fails the others still end, and are recorded, before its error is raised.
        """

        def work(numbered: tuple[int, Item]) -> T:
            branch.set(f"{branch.get()}/{numbered[0]}")
            return function(numbered[1])

        with ThreadPoolExecutor(workers) as threads:
            futures = [threads.submit(copy_context().run, work, pair) for pair in enumerate(items)]
        return [future.result() for future in futures]

    # Memory

    def recall(self, query: str, *, kinds: Iterable[str] = (), limit: int = 5) -> list[Memory]:
        """Return what is remembered about `query`, best first, as far as the readers of this event
        may see it.

        What the event's own issue left in memory is not returned: the event says it better.
        """
        return self._recollection.recall(query, kinds=kinds, limit=limit)

    def remember(self, text: str, *, kind: str, ref: str = "") -> None:
        """Keep `text` for later, visible to those who could see this event. The same `ref` is
        replaced."""
        self._recollection.remember(text, kind=kind, ref=ref)

    def ingest(self, source: Callable[[Callable[[Query], Any]], Source]) -> dict[str, int]:
        """Bring what is remembered of a place full of documents to what is there now; return what
        was done.

        `source` makes the place of what asks its platform. What one run's time is too short for is
        done in the next slice.
        """

        def peek(query: Query) -> Any:
            self._policy.read(query)
            return self._can.adapter(query).read(query)

        def seconds_left() -> float:
            return self._remaining() - _RESERVE

        return take_in(self._run, self._can.memory, lambda: source(peek), seconds_left)

    def engaged(self) -> bool:
        """Has the agent already spoken in this conversation?"""
        return any(turn.role == "assistant" for turn in self._recollection.turns())

    def expire(self) -> int:
        """Delete what the journal holds of events older than RETENTION_DAYS; return how many
        events."""
        days = int(self._can.settings.retention_days)
        return int(
            self._run.step("expire", {"days": days}, lambda: Outcome(self._run.expire(days)))
        )

    def advance_batches(self) -> dict[str, int]:
        """Carry the batches of all runs one step further; return what was done."""
        seconds = self._remaining() - _RESERVE
        work = self._can.dispatcher
        return dict(self._run.step("batches", {}, lambda: Outcome(work().advance(seconds))))

    # Planning

    @property
    def plans(self) -> PlanDesk:
        """Where a larger request becomes a plan, and where people's answers to one arrive."""
        return PlanDesk(self._run, self._can.plans, self._can.executions)

    # Acting

    def act(self, action: Action) -> Receipt:
        """Do it, exactly once, if the flow's policy allows it; raises PolicyError otherwise."""
        self._policy.spend(action)
        if self._can.settings.footer == "on":
            action = action.signed(self._footer())
        return self._effects.perform(action)

    def read(self, query: Query) -> Any:
        """Ask a platform for something, within the place that the event came from, and return plain
        JSON."""
        self._policy.read(query)

        def work() -> Outcome:
            return Outcome(self._can.adapter(query).read(query))

        name = type(query).__name__
        return self._run.step("read", {"query": name} | query.arguments, work, defer=True)

    def notify(self, action: Action) -> None:
        """Tell a person of a failure; this is outside of the flow's policy, and the worker's alone
        to call."""
        # In a branch of its own: what a later attempt does in this place is not what this was.
        context = copy_context()
        context.run(branch.set, f"notice {digest(action.arguments)}")
        context.run(self._effects.perform, action)

    def take_back(self) -> None:
        """Take away what was shown of an answer that nothing gave; the worker's alone to call."""
        self._drafts.take_back()

    # How

    def _ask(
        self,
        request: Request,
        returns: type[T],
        model: str,
        substitute: str,
        *,
        cache: bool | None,
        deadline: timedelta | None,
    ) -> T:
        def work() -> Outcome:
            ask = self._reply_with(model, cache=cache)
            other = self._reply_with(substitute, cache=cache) if substitute else None
            if deadline is not None:
                name = self._can.models.provider(model).name
                purse = self._can.models.purse(name, self._caller)
                ask = first_in_a_batch(self._run, name, deadline, ask, purse)
            try:
                _, reply = typed.ask(ask, request, returns, other)
            except BudgetExceeded as err:
                if deadline is not None and err.free_at is not None:
                    rest_until(self._run, err.free_at, deadline)
                raise
            return _outcome(reply, model, reply.text)

        text = self._model_step("ask", request, model, work)
        return typed.parse(returns, text)

    def _choose(self, request: Request, chosen: str, options: Sequence[str]) -> str:
        """Record which model answers, and how probable that choice was, so that a replay makes the
        same one."""
        choice = {"chosen": chosen, "options": list(options), "probability": 1.0}
        about = {"request": request, "options": list(options)}
        recorded = self._run.step("choose", about, lambda: Outcome(choice), defer=True)
        return str(recorded["chosen"])

    def _turn(
        self,
        instruction: str,
        messages: Sequence[Message],
        tools: Iterable[Tool],
        model: str,
        max_tokens: int,
        *,
        stream: bool,
    ) -> dict[str, Any]:
        specs = tuple(tool.spec for tool in tools)
        request = Request(tuple(messages), instruction, specs, max_tokens=max_tokens)

        def work() -> Outcome:
            sink = self._drafts.sink() if stream else None
            other = self._can.models.substitute(model)
            fallback = self._reply_with(other, sink=sink) if other else None
            reply = turn(self._reply_with(model, sink=sink), request, fallback)
            output = {
                "text": reply.text,
                "calls": [asdict(call) for call in reply.calls],
                "errors": [call.error for call in judged(request, reply)],
            }
            statements = () if reply.calls else self._recollection.exchange(reply.text)
            return _outcome(reply, model, output, statements)

        return dict(self._model_step("converse", request, model, work))

    def _use(self, tool: Tool, call: ToolCall) -> str:
        """Call a tool as a step."""
        arguments = {"tool": call.name, "arguments": call.arguments}
        text = self._run.step("tool", arguments, lambda: Outcome(tool.call(call.arguments)))
        return data(f"result of {call.name}", text)

    def _reply_with(
        self, model: str, *, cache: bool | None = None, sink: Sink | None = None
    ) -> Callable[[Request], Reply]:
        def reply(request: Request) -> Reply:
            timeout = max(self._remaining() - _RESERVE, 0.0)
            return self._can.models.reply(
                model, request, timeout=timeout, caller=self._caller, sink=sink, cache=cache
            )

        return reply

    def _model_step(
        self, name: str, request: Request, model: str, work: Callable[[], Outcome]
    ) -> Any:
        try:
            return self._run.step(name, {"model": model, "request": request}, work)
        except ModelError as err:
            if err.input_tokens:
                paid = _paid(err)
                self._run.step("failed", {"model": model, "request": request}, lambda: paid)
            raise

    def _footer(self) -> str:
        parts = [self._run.flow, *sorted(self._run.models)]
        if self._run.cost:
            parts.append(f"${self._run.cost:.4f}")
        return " · ".join([*parts, f"run {self._run.id}"])


def _outcome(reply: Reply, role: str, output: Any, statements: Sequence[Any] = ()) -> Outcome:
    usage = reply.usage
    choice = {
        "role": role,
        "chosen": reply.model,
        "probability": 1.0,
        "source": reply.source,
        "saved": reply.saved,
    }
    return Outcome(
        output, reply.model, usage.input, usage.output, usage.cached, reply.cost, statements, choice
    )


def _paid(err: ModelError) -> Outcome:
    """What calls have cost from which nothing came."""
    return Outcome(
        str(err), err.model, err.input_tokens, err.output_tokens, err.cached_tokens, err.cost
    )


def _as_data(context: Iterable[object]) -> str:
    """Show what a flow passes as context to the model: each thing as a block of data with its
    source."""
    return "\n\n".join(block for thing in context for block in _blocks(thing))


def _blocks(thing: object) -> list[str]:
    if isinstance(thing, Event):
        return [data(f"{thing.type} by {thing.actor.name}", thing.text)]
    if isinstance(thing, Memory):
        return [data(f"memory of {thing.kind} {thing.ref} {thing.url}".rstrip(), thing.text)]
    if isinstance(thing, str):
        return [data("text", thing)]
    if isinstance(thing, list | tuple | set | frozenset):
        return [block for part in thing for block in _blocks(part)]
    return [data(type(thing).__name__, str(thing))]
