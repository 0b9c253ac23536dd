"""Thinking: the model calls of one run, each a journaled step with its cost."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from shared.actions.drafts import Drafts
from shared.agent.conversation import Conversation
from shared.agent.tools import Tool
from shared.errors import BudgetExceeded, ModelError
from shared.journal import Outcome, Run
from shared.memory.conversations.summaries import summarised
from shared.memory.conversations.turns import summary_block, unsummarised
from shared.models import AskModel, ChatMessage, ModelReply, ModelRequest, ToolCall
from shared.models.answers import typed
from shared.models.answers.next_turn import next_turn
from shared.models.answers.tool_calls import judged
from shared.models.batch.intake import first_in_a_batch, park_until
from shared.models.guards.guarded_model import TextSink
from shared.models.payers import payer_of
from shared.models.prompts import data
from shared.models.routing import Models

T = TypeVar("T")

#: Seconds of the function's time that a model call leaves for recording and telling its failure.
RESERVE = 5.0


class Thinking:
    """The model calls of one run. Several threads may make them at once."""

    def __init__(
        self,
        run: Run,
        models: Models,
        drafts: Drafts,
        conversation: Conversation,
        remaining: Callable[[], float],
    ) -> None:
        self._run = run
        self._models = models
        self._drafts = drafts
        self._conversation = conversation
        self._remaining = remaining
        self._payer = payer_of(run.event, run.flow)

    def ask(
        self,
        request: ModelRequest,
        returns: type[T],
        model: str,
        substitute: str,
        *,
        cache: bool | None,
        deadline: timedelta | None,
    ) -> T:
        def work() -> Outcome:
            ask = self._batched(self._reply_with(model, cache=cache), model, deadline)
            other = self._reply_with(substitute, cache=cache) if substitute else None
            with self._resting(deadline):
                _, reply = typed.ask(ask, request, returns, other)
            return _outcome(reply, model, reply.text)

        text = self._model_step("ask", request, model, work)
        return typed.parse(returns, text)

    def choose(self, request: ModelRequest, chosen: str, options: Sequence[str]) -> str:
        """Record which model answers, and with what probability; a replay chooses the same."""
        choice = {"chosen": chosen, "options": list(options), "probability": 1.0}
        about = {"request": request, "options": list(options)}
        recorded = self._run.step("choose", about, lambda: Outcome(choice), defer=True)
        return str(recorded["chosen"])

    def earlier(self) -> list[ChatMessage]:
        """Return the earlier conversation as data, a message for each turn: a summary of the older
        turns, which the small model extends when they are too many, and the newest turns.

        What is said before stays as it is in the next request, so that providers can cache it.
        """
        window = self._conversation.window()
        keep = partial(self._conversation.summarise, window)
        summary = summarised(self._run, window, self._reply_with("small", share=4), keep)
        turns = unsummarised(window) if summary is None else window.newest
        said = [ChatMessage("user", turn.block) for turn in turns]
        told, trust = (window.summary, window.trust) if summary is None else (summary, window.told)
        return [ChatMessage("user", summary_block(told, trust)), *said] if told else said

    def turn(
        self,
        instruction: str,
        messages: Sequence[ChatMessage],
        tools: Iterable[Tool],
        model: str,
        max_tokens: int,
        *,
        stream: bool,
        deadline: timedelta | None = None,
        first: bool = True,
    ) -> dict[str, Any]:
        """Take the next turn. With a `deadline` the `first` may come from a batch; a second wait
        would miss it."""
        specs = tuple(tool.spec for tool in tools)
        request = ModelRequest(tuple(messages), instruction, specs, max_tokens=max_tokens)

        def work() -> Outcome:
            sink = self._drafts.sink() if stream else None
            other = self._models.substitute(model)
            fallback = self._reply_with(other, sink=sink) if other else None
            ask = self._reply_with(model, sink=sink)
            ask = self._batched(ask, model, deadline) if first else ask
            with self._resting(deadline):
                reply = next_turn(ask, request, fallback)
            output = {
                "text": reply.text,
                "calls": [asdict(call) for call in reply.calls],
                "errors": [call.error for call in judged(request, reply)],
            }
            statements = () if reply.calls else self._conversation.exchange(reply.text)
            return _outcome(reply, model, output, statements)

        return dict(self._model_step("converse", request, model, work))

    def use(self, tool: Tool, call: ToolCall) -> str:
        """Call a tool as a step."""
        arguments = {"tool": call.name, "arguments": call.arguments}
        text = self._run.step("tool", arguments, lambda: Outcome(tool.call(call.arguments)))
        return data(f"result of {call.name}", text)

    def _batched(self, ask: AskModel, model: str, deadline: timedelta | None) -> AskModel:
        """Return `ask`, whose first request may come from a batch if there is a deadline."""
        if deadline is None:
            return ask
        name = self._models.provider(model).name
        purse = self._models.purse(name, self._payer)
        return first_in_a_batch(self._run, name, deadline, ask, purse)

    @contextmanager
    def _resting(self, deadline: timedelta | None) -> Iterator[None]:
        """Park the run when its budget is spent, and free again before the deadline."""
        try:
            yield
        except BudgetExceeded as err:
            if deadline is not None and err.free_at is not None:
                park_until(self._run, err.free_at, deadline)
            raise

    def _reply_with(
        self, model: str, *, cache: bool | None = None, sink: TextSink | None = None, share: int = 1
    ) -> Callable[[ModelRequest], ModelReply]:
        """Return a function that asks `model`, within one `share`th of the time that is left."""

        def reply(request: ModelRequest) -> ModelReply:
            timeout = max(self._remaining() - RESERVE, 0.0) / share
            return self._models.reply(
                model, request, timeout=timeout, payer=self._payer, sink=sink, cache=cache
            )

        return reply

    def _model_step(
        self, name: str, request: ModelRequest, model: str, work: Callable[[], Outcome]
    ) -> Any:
        def settled() -> Outcome:
            outcome = work()
            statements = self._models.settlements(self._payer.tenant)
            return outcome._replace(statements=[*outcome.statements, *statements])

        try:
            return self._run.step(name, {"model": model, "request": request}, settled)
        except ModelError as err:
            if err.input_tokens:
                paid = _paid(err)
                self._run.step("failed", {"model": model, "request": request}, lambda: paid)
            raise


def _outcome(reply: ModelReply, role: str, output: Any, statements: Sequence[Any] = ()) -> Outcome:
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
    """The cost of calls that gave nothing."""
    return Outcome(
        str(err), err.model, err.input_tokens, err.output_tokens, err.cached_tokens, err.cost
    )
