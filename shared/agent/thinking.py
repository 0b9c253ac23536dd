"""Thinking: the model calls of one run, each a journaled step with its cost."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from shared.actions.drafts import Drafts, Sink
from shared.actions.secrets_kept_out import without_unfinished
from shared.agent.context import Evidence, TextGate
from shared.agent.conversation import Conversation
from shared.agent.tools import Tool
from shared.canonical import digest
from shared.choosing import recorded
from shared.errors import (
    AllowanceExceeded,
    BudgetExceeded,
    ModelError,
    ModelTooSlow,
    ModelUnavailable,
)
from shared.journal import Outcome, Run
from shared.memory.conversations.summaries import summarised
from shared.memory.conversations.turns import Turn, summary_block, unsummarised
from shared.models import AskModel, ChatMessage, ModelReply, ModelRequest, ToolCall, Usage
from shared.models.answers import typed
from shared.models.answers.next_turn import next_turn
from shared.models.answers.tool_calls import judged
from shared.models.batch.intake import first_in_a_batch, park_until
from shared.models.deadline import Deadline
from shared.models.guards.guarded_model import Progress, TextSink
from shared.models.payers import payer_of
from shared.models.routing import Models

T = TypeVar("T")

#: Seconds of the function's time that a model call leaves for recording and telling its failure.
RESERVE = 5.0

#: A call that had less than this share of a whole attempt's time may be made again: it gets more.
_WHOLE = 0.75
#: Seconds until people are told what is waited for.
PATIENCE = 6.0
_ASKED = "The language model is being asked."
#: End an answer for which there was no more time, or no more room.
CUT = "✂️ *Cut off: the language model was too slow. Say “go on”, and I continue from here.*"
CUT_LONG = "✂️ *Cut off: the answer is longer than allowed. Say “go on”, and I continue from here.*"


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
        #: The seconds of a call at the beginning of an attempt.
        self._whole = remaining() - RESERVE
        self._time = Deadline(run.allowance.seconds)
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
        about = {"request": request, "options": list(options)}
        place, chances = options.index(chosen), [float(one == chosen) for one in options]
        choice = recorded("model", options, place, chances)
        outcome = Outcome({"chosen": chosen}, choice=choice)
        return str(self._run.step("choose", about, lambda: outcome, defer=True)["chosen"])

    def earlier(self) -> tuple[list[ChatMessage], Sequence[Turn]]:
        """Return the earlier conversation as data, a message for each turn: a summary of the older
        turns, which the small model extends when they are too many, and the newest turns; and these
        turns.

        What is said before stays as it is in the next request, so that providers can cache it.
        """
        window = self._conversation.window()
        keep = partial(self._conversation.summarise, window)
        summary = summarised(self._run, window, self._reply_with("small", share=4), keep)
        turns = unsummarised(window) if summary is None else window.newest
        said = [ChatMessage("user", turn.block) for turn in turns]
        told, trust = (window.summary, window.trust) if summary is None else (summary, window.told)
        if told:
            said = [ChatMessage("user", summary_block(told, trust)), *said]
        return said, turns

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
        evidence: Evidence | None = None,
        kept: Sequence[ChatMessage] = (),
    ) -> dict[str, Any]:
        """Take the next turn. With a `deadline` the `first` may come from a batch; a second wait
        would miss it. With `evidence` an answer is still to be `settled`. It records `kept`."""
        specs, other = tuple(tool.spec for tool in tools), self._models.substitute(model)
        request = ModelRequest(tuple(messages), instruction, specs, max_tokens=max_tokens)

        def work() -> Outcome:
            shows, progress = self._drafts.sink() if stream else None, Progress()
            sink = evidence.gate(shows) if evidence and shows else shows
            asking = partial(self._reply_with, sink=sink, progress=progress)
            ask = self._batched(asking(model), model, deadline) if first else asking(model)
            try:
                with self._resting(deadline), _told_to_wait(sink, progress):
                    reply = next_turn(ask, request, asking(other) if other else None)
            except ModelTooSlow as err:
                reply = _cut_off(err)
            if reply.finish == "length" and not reply.calls and not reply.text.endswith(CUT):
                reply = replace(reply, text=f"{reply.text.rstrip()}\n\n{CUT_LONG}")
            output = {
                "text": reply.text,
                "calls": [asdict(call) for call in reply.calls],
                "errors": [call.error for call in judged(request, reply)],
            }
            later = evidence or reply.calls
            told = () if later else self._conversation.exchange(reply.text)
            return _outcome(reply, model, output, told)

        recorded = replace(request, messages=tuple(kept) or request.messages)
        turn = dict(self._model_step("converse", recorded, model, work))
        if not turn["calls"]:
            self._run.wakes.add("upkeep")  # it looks for facts in what was said
        return turn

    def settled(self, evidence: Evidence, text: str) -> str:
        """Check an answer at its sources, and return what may be said of it. The record waits for
        the reply that says it: after a crash before that, the sources are asked again."""

        def work() -> Outcome:
            made = evidence.settled(text)
            told = self._conversation.exchange(made.said)
            return Outcome(made.text, statements=[*told, *made.statements])

        return str(self._run.step("evidence", {"answer": digest(text)}, work, defer=True))

    def use(self, tool: Tool, call: ToolCall) -> str:
        """Call a tool as a step, and return what it gave."""
        arguments = {"tool": call.name, "arguments": call.arguments}
        return str(self._run.step("tool", arguments, lambda: Outcome(tool.call(call.arguments))))

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
        self,
        model: str,
        *,
        cache: bool | None = None,
        sink: TextSink | None = None,
        progress: Progress | None = None,
        share: int = 1,
    ) -> Callable[[ModelRequest], ModelReply]:
        """Return a function that asks `model`, within one `share`th of the time that is left."""

        def reply(request: ModelRequest) -> ModelReply:
            self._check_allowance(model, request)
            left = min(self._remaining() - RESERVE, self._time.left)
            timeout = max(left, 0.0) / share
            return self._models.reply(
                model,
                request,
                timeout=timeout,
                payer=self._payer,
                sink=sink,
                cache=cache,
                progress=progress,
            )

        return reply

    def _check_allowance(self, model: str, request: ModelRequest) -> None:
        """Raise AllowanceExceeded when what the run is a part of leaves nothing for this call."""
        if self._time.left <= 0:
            raise AllowanceExceeded("the time that the model calls of this plan may take is over")
        left = self._run.allowance.dollars - self._run.cost
        most = self._models.ceiling(model, request) or 0.0
        if most > left:
            raise AllowanceExceeded(
                f"the plan leaves ${max(left, 0):.4f}, and one call of {model} may cost up to"
                f" ${most:.4f}; raise the cost of its Limits"
            )

    def _model_step(
        self, name: str, request: ModelRequest, model: str, work: Callable[[], Outcome]
    ) -> Any:
        def settled() -> Outcome:
            outcome = work()
            # They are recorded whatever becomes of the outcome.
            self._run.write(self._models.settlements(self._payer.tenant), defer=True)
            return outcome

        about, given = {"model": model, "request": request}, self._remaining() - RESERVE
        try:
            return self._run.step(name, about, settled)
        except ModelError as err:
            if err.input_tokens:
                failed = about | {"attempt": self._run.attempt}
                self._run.step("failed", failed, partial(_paid, err))
            if isinstance(err, ModelTooSlow) and given < _WHOLE * self._whole:
                raise ModelUnavailable(str(err)) from err
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


@contextmanager
def _told_to_wait(sink: Sink | TextGate | None, progress: Progress) -> Iterator[None]:
    """Tell people what is waited for, and why, when there is no text after some seconds."""
    if sink is None:
        yield
        return

    def tell() -> None:
        sink.waits(f"{progress.why or _ASKED} I am waiting for it.")

    timer = threading.Timer(PATIENCE, tell)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # a draft that came after the answer would stay


def _cut_off(err: ModelTooSlow) -> ModelReply:
    """Return what was streamed until the time was over as an answer that says so; raise the error
    again when there is nothing."""
    text = without_unfinished(err.text).rstrip()
    if not text:
        raise err
    used = Usage(err.input_tokens, err.output_tokens, err.cached_tokens)
    return ModelReply(f"{text}\n\n{CUT}", "length", used, err.model, cost=err.cost)


def _paid(err: ModelError) -> Outcome:
    """The cost of calls that gave nothing."""
    return Outcome(
        str(err), err.model, err.input_tokens, err.output_tokens, err.cached_tokens, err.cost
    )
