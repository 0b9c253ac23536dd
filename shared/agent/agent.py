"""Agent: an author's handle on models, memory and actions. Each call is one journaled step, so a
retry repeats nothing that was finished."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar

from shared.actions import Action, Adapter, Query, Receipt
from shared.actions.authority import Authority
from shared.actions.drafts import PACE, Pace
from shared.agent.acting import Acting
from shared.agent.context import Evidence, Shown, as_data, images_in
from shared.agent.conversation import Conversation
from shared.agent.mapping import Results, mapped, results_of
from shared.agent.people import People
from shared.agent.remembering import Remembering
from shared.agent.thinking import RESERVE, Thinking
from shared.agent.tools import Tool
from shared.desk import Desk, Loan, Services
from shared.errors import AnswerInvalid
from shared.events import Json
from shared.journal import Run
from shared.memory import Memory
from shared.memory.audience import Audiences
from shared.memory.conversations.turns import Conversations
from shared.memory.store import MemoryStore
from shared.models import ChatMessage, ModelRequest, ToolCall
from shared.models.answers import typed
from shared.models.prompts import data, system
from shared.models.routing import Models
from shared.settings import Settings

T = TypeVar("T")
Item = TypeVar("Item")
AnyDesk = TypeVar("AnyDesk", bound=Desk)


class Capabilities(NamedTuple):
    """Services that each process builds once and shares with its agents; `services` are those of
    the desks."""

    settings: Settings
    models: Models
    memory: MemoryStore
    conversations: Conversations
    audiences: Audiences
    adapter: Callable[[Action | Query], Adapter]
    services: Services
    pace: Pace = PACE


class Agent:
    """One run's agent. Several threads may call it at once."""

    def __init__(
        self,
        run: Run,
        can: Capabilities,
        acting: Acting,
        remaining: Callable[[], float],
        *,
        authority: Authority,
        shares: Collection[str] = (),
    ) -> None:
        """`remaining` gives the seconds that the function still has."""
        self.event = run.event
        self.conversation = Conversation(run, can.conversations, shared="fact" in shares)
        self._can = can
        self._run = run
        self._acting = acting
        self._remembering = Remembering(run, can.memory, can.audiences, authority.may_write, shares)
        self._thinking = Thinking(run, can.models, acting.drafts, self.conversation, remaining)
        self._named = People(run, authority.name_of).named
        self._loan = Loan(
            run,
            can.services,
            lambda: remaining() - RESERVE,
            acting.peek,
            authority.may_write,
            self._named,
            self.act,
            acting.preview,
            authority.may_as_proved,
            authority.may_govern,
        )

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

        The prompt gives the orders; `context` (text, an Event, memories, dataclasses) is shown as
        data that cannot, an Image to models that see. If the answer is invalid or fails `check`,
        the model `otherwise` is asked.
        An equal request may be answered from the prompt cache unless `cache` is False.

        With a `deadline` the answer may come from a batch, at half the price: the run is parked
        until the answer is there, or until it is time to ask directly. A run over its budget is
        parked too, if the budget is free again before the deadline.

        Raises AnswerInvalid when the answer is still invalid after one repair and the other model.
        """
        request = ModelRequest(
            messages=(
                ChatMessage("user", self._named(as_data(context)), images=images_in(context)),
            ),
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
        best = model if passed else otherwise
        if self._thinking.choose(request, best, (model, otherwise)) == model:
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
        deadline: timedelta | None = None,
        evidence: Evidence | None = None,
    ) -> str:
        """Answer the event's text as the next turn of its conversation, and remember both.

        The model may call `tools`, at most `rounds` times in a row; each call is a step of its own.
        With `stream`, and on a platform that can show it, people watch the answer grow in the
        message that the flow's next reply finishes. With a `deadline` nobody watches: the first
        turn may come from a batch, and the run waits for that and for its budget as in `ask`.
        With `evidence`, an EvidenceDesk, the memories of the context and what its tools find have
        numbers, and the answer is what stands of it, with its sources.
        """
        known = {tool.name: tool for tool in tools}
        prompt = f"{prompt.strip()}\n\n{evidence.rules}" if evidence else prompt
        messages = self._said(context, evidence)
        kept = list(messages)
        for left in range(rounds, -1, -1):
            reply = self._thinking.turn(
                system(prompt),
                messages,
                known.values() if left else (),
                model,
                max_tokens,
                stream=stream and deadline is None,
                deadline=deadline,
                first=left == rounds,
                evidence=evidence,
                kept=kept,
            )
            if not reply["calls"]:
                text = str(reply["text"])
                return self._thinking.settled(evidence, text) if evidence else text
            shown, recorded = self._used(known, reply, evidence)
            messages += shown
            kept += recorded
        raise AnswerInvalid(f"the model still called tools after {rounds} rounds")

    def _said(self, context: Iterable[object], evidence: Evidence | None) -> list[ChatMessage]:
        """Return the conversation, with the context and the event's text as its last turn."""
        earlier, turns = self._thinking.earlier()
        context = evidence.numbered(context, turns, self.conversation.said) if evidence else context
        question = as_data([*context, *self.conversation.said])
        said = [*earlier, self.conversation.question(question)]
        return [replace(one, text=self._named(one.text)) for one in said]

    def _used(
        self, tools: Mapping[str, Tool], reply: Json, evidence: Evidence | None
    ) -> tuple[list[ChatMessage], list[ChatMessage]]:
        """Use the tools that a reply calls; return what the model is shown, and what is kept."""
        calls = tuple(ToolCall(**call) for call in reply["calls"])
        shown = [ChatMessage("assistant", reply["text"], calls)]
        kept = list(shown)
        recall = partial(self.recall, limit=5)
        for call, error in zip(calls, reply["errors"], strict=True):
            text = error or self._thinking.use(tools[call.name], call)
            result = Shown(error or data(f"result of {call.name}", text))
            if evidence and not error:
                proposes = tools[call.name].proposes
                result = evidence.shown(call, text, recall, proposes=proposes)
            shown.append(ChatMessage("tool", result.text, call_id=call.id))
            kept.append(ChatMessage("tool", result.kept or result.text, call_id=call.id))
        return shown, kept

    def map(
        self, function: Callable[[Item], T], items: Iterable[Item], *, workers: int = 32
    ) -> Results[T]:
        """Call `function` for all `items` in threads, and return the results in order.

        The model layer finds by itself how many calls run at a time; `workers` bounds the threads.
        When one item fails the others still end, and are recorded, before its error is raised.
        `items` may be a generator: a few hundred are taken ahead, and each is recorded, so a retry
        that is given others raises ReplayError. Results beyond MAP_MEMORY_MB wait on disk or in S3,
        as MAP_SPILL says.
        """
        results: Results[T] = results_of(self._can.settings, self._run.id)
        return mapped(self._run, function, items, workers, results)

    def recall(self, query: str, *, kinds: Iterable[str] = (), limit: int = 5) -> list[Memory]:
        """Return the memories about `query` that the readers of this event may see, best first.

        Memories of the event's own issue are left out: the event says it better. So is what
        outsiders say where something trusted answers as much. To tell people one, take `quoted` of
        `shared.memory.attribution`, which says whose words they are.
        """
        return self._remembering.recall(query, kinds=kinds, limit=limit)

    def remember(self, text: str, *, kind: str, ref: str = "") -> None:
        """Keep `text` for later, visible to those who can see this event.

        Words of the event stay their author's. Others are kept as the agent's own, and trusted no
        more than what this run was shown.

        It replaces an earlier memory of the same `ref`: by default the conversation, and for an
        `episode` the run; an outsider's words never replace a member's. Raises PolicyError for a
        `rule` when the person who caused the event may not write there, or when outsiders' words
        are in it.
        """
        if not self._acting.preview.is_on:  # which changes nothing
            self._remembering.remember(text, kind=kind, ref=ref)

    def act(self, action: Action) -> Receipt:
        """Perform `action` exactly once; raises PolicyError when the flow's policy forbids it."""
        return self._acting.act(action, footer=self._can.settings.footer == "on")

    def read(self, query: Query) -> Any:
        """Ask a platform about the place that the event came from, and return plain JSON."""
        return self._acting.read(query)

    def desk(self, kind: type[AnyDesk]) -> AnyDesk:
        """Lend a capability that few flows use, such as `PlanDesk` or `MemoryDesk`."""
        self._acting.lend(kind)
        return kind.lend(self._loan)
