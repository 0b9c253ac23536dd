"""Agent: what a flow is handed. Every call is one journaled step, so a retry repeats nothing that
was finished."""

from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from shared.actions import Action, Adapter, Query, Receipt
from shared.actions.drafts import PACE, Drafts, Pace
from shared.actions.effects import Effects, branch
from shared.actions.policy import Policy
from shared.agent.context import as_data
from shared.errors import AnswerInvalid
from shared.journal import Outcome, Run, digest
from shared.log import log
from shared.memory import Memory
from shared.memory.audience import Audiences
from shared.memory.conversations.turns import Conversations
from shared.memory.store import MemoryStore
from shared.models import (ChatMessage, ModelRequest, ToolCall)
from shared.models.answers import typed
from shared.models.prompts import system
from shared.models.routing import Models
from shared.agent.remembering import Recollection
from shared.settings import Settings
from shared.agent.thinking import RESERVE, Thinking
from shared.agent.tools import Tool

# Only few flows use these, and a cold start pays for all that it imports.
if TYPE_CHECKING:
    from shared.memory.control.commands import Custody
    from shared.memory.control.results import Explained, Exported, Forgotten, Listed, Refused, Remembered
    from shared.aws.executions import Executions
    from shared.memory.control.store import MemoryControl
    from shared.models.batch.dispatcher import Dispatcher
    from shared.planning.desk import PlanDesk
    from shared.planning.store import PlanStore
    from shared.memory.documents.sources import Source
    from shared.memory.upkeep.spread import Upkeep

T = TypeVar("T")
Item = TypeVar("Item")


class Capabilities(NamedTuple):
    """What the composition root builds once per process and lends to each run's agent."""

    settings: Settings
    models: Models
    memory: MemoryStore
    conversations: Conversations
    audiences: Audiences
    control: "Callable[[], MemoryControl]"
    adapter: Callable[[Action | Query], Adapter]
    dispatcher: "Callable[[], Dispatcher]"
    upkeep: "Callable[[], Upkeep]"
    plans: "Callable[[], PlanStore]"
    executions: "Callable[[], Executions]"
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
        self._recollection = Recollection(run, can.memory, can.conversations, can.audiences, shares)
        self._policy = policy
        self._can = can
        self._remaining = remaining
        self._drafts = Drafts(run, policy, can.adapter, remaining, can.pace)
        self._thinking = Thinking(run, can.models, self._drafts, self._recollection, remaining)
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
        request = ModelRequest(
            messages=(ChatMessage("user", as_data(context)),),
            system=system(prompt),
            schema=typed.schema_of(returns),
            max_tokens=max_tokens,
        )
        ask = partial(self._thinking.ask, request, returns, cache=cache, deadline=deadline)
        if check is None:
            return ask(model, self._can.models.substitute(model))
        try:
            answer = ask(model, "")
            passed = check(answer)
        except AnswerInvalid:
            passed = False
        if (
            self._thinking.choose(request, model if passed else otherwise, (model, otherwise))
            == model
        ):
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
        question = as_data([*context, self.event])
        messages = [*self._thinking.earlier(), ChatMessage("user", question)]
        for left in range(rounds, -1, -1):
            reply = self._thinking.turn(
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
            messages.append(ChatMessage("assistant", reply["text"], calls))
            results = [
                error or self._thinking.use(known[call.name], call)
                for call, error in zip(calls, reply["errors"], strict=True)
            ]
            messages += [
                ChatMessage("tool", result, call_id=call.id)
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
        replaced.

        Raises PolicyError for a `rule` when who caused the event may not write at its source.
        """
        self._recollection.remember(text, kind=kind, ref=ref)

    def episode(self, what: str, outcome: str) -> None:
        """Keep what this run did and what came of it, as one episode."""
        self._recollection.episode(what, outcome)

    def ingest(self, source: "Callable[[Callable[[Query], Any]], Source]") -> dict[str, int]:
        """Bring what is remembered of a place full of documents to what is there now; return what
        was done.

        `source` makes the place of what asks its platform. What one run's time is too short for is
        done in the next slice.
        """

        from shared.memory.documents.in_slices import take_in

        def peek(query: Query) -> Any:
            self._policy.read(query)
            return self._can.adapter(query).read(query)

        def seconds_left() -> float:
            return self._remaining() - RESERVE

        return take_in(self._run, self._can.memory, lambda: source(peek), seconds_left)

    def engaged(self) -> bool:
        """Has the agent already spoken in this conversation?"""
        window = self._recollection.window()
        shown = (*window.older, *window.newest)
        return bool(window.summary) or any(turn.role == "assistant" for turn in shown)

    def expire(self) -> int:
        """Delete what the journal holds of events older than RETENTION_DAYS, and what memories are
        older than MEMORY_RETENTION says; return how many events."""
        days = int(self._can.settings.retention_days)
        self._custody.expire(self._can.settings.memory_retention)
        return int(
            self._run.step("expire", {"days": days}, lambda: Outcome(self._run.expire(days)))
        )

    def advance_batches(self) -> dict[str, int]:
        """Carry the batches of all runs one step further; return what was done."""
        seconds = self._remaining() - RESERVE
        work = self._can.dispatcher
        return dict(self._run.step("batches", {}, lambda: Outcome(work().advance(seconds))))

    def spread_upkeep(self) -> dict[str, int]:
        """Bring up what the memories of all tenants need: an event for each; return how many."""
        seconds = self._remaining() - RESERVE
        work = self._can.upkeep

        def spread() -> Outcome:
            return Outcome(work().spread(self.event, seconds))

        return self._kept_up("spread", spread)

    def upkeep(self, name: str) -> dict[str, int]:
        """Do the work `name` on the memory of the event's tenant, as far as the time goes."""
        seconds = self._remaining() - RESERVE
        work = self._can.upkeep

        def run() -> Outcome:
            return Outcome(work().run(name, self.event.tenant, seconds))

        return self._kept_up(name, run)

    def _kept_up(self, name: str, work: Callable[[], Outcome]) -> dict[str, int]:
        done = dict(self._run.step("upkeep", {"work": name}, work))
        log("upkeep done", work=name, run=self._run.id, event=self.event.id, counts=done)
        return done

    # Planning

    @property
    def plans(self) -> "PlanDesk":
        """Where a larger request becomes a plan, and where people's answers to one arrive."""
        from shared.planning.desk import PlanDesk

        return PlanDesk(self._run, self._can.plans(), self._can.executions)

    # Control over the memory, by the person who caused the event

    @cached_property
    def _custody(self) -> "Custody":
        from shared.memory.control.commands import Custody

        can = self._can
        return Custody(self._run, can.control(), can.memory, can.audiences)

    def help(self) -> str:
        """List the commands that this person may give here."""
        return self._custody.help(self._can.settings.event_types)

    def commit(self, text: str) -> "Remembered | Refused":
        """Keep `text` because a person asks for it: as a fact, or after `rule:` as a rule."""
        return self._custody.remember(text)

    def forget(self, text: str) -> "Forgotten | Refused":
        """Delete what `text` names, wherever it is held, as far as this person may."""
        return self._custody.forget(text)

    def know(self, text: str) -> "Listed | Refused":
        """List what is known about `text`, as far as the readers of this event may see it."""
        return self._custody.know(text)

    def why(self, text: str = "") -> "Explained | Refused":
        """Say where a memory, or what the last answer here was given, came from."""
        return self._custody.why(text)

    def export(self) -> "Exported | Refused":
        """Say how many memories may be exported, and how."""
        return self._custody.export()

    def withdraw(self) -> dict[str, int]:
        """Forget the places that the event takes away; return the counts per table."""
        return self._custody.withdraw()

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

    def _footer(self) -> str:
        parts = [self._run.flow, *sorted(self._run.models)]
        if self._run.cost:
            parts.append(f"${self._run.cost:.4f}")
        return " · ".join([*parts, f"run {self._run.id}"])
