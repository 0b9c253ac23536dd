"""Asks for the next turn of a conversation with tools: text, calls, or one clear error."""

from dataclasses import replace
from functools import partial

from shared.errors import AnswerInvalid
from shared.models import AskModel, ChatMessage, ModelReply, ModelRequest
from shared.models.answers.judging import judged_by
from shared.models.answers.repair import repair
from shared.models.answers.tool_calls import judged
from shared.models.answers.usage import usage_on_error, with_total_usage


def next_turn(
    reply: AskModel, request: ModelRequest, fallback: AskModel | None = None
) -> ModelReply:
    """Ask for the next turn; the reply has text or calls, and the tokens and cost of all attempts.

    A reply that is not a turn is asked for once more: with twice the tokens when it was cut off
    before any text or inside a call, else with a sentence about the missing part, such as the tool
    of `tool_choice`. After that `fallback` is asked, once. Text that was cut off is a turn, and so
    is a refusal in words; a call that is still cut off is malformed. Raises AnswerInvalid when no
    turn came, and whatever `reply` and `fallback` raise; a ModelError carries the cost.
    """
    request = question = replace(request, messages=repair(request.messages))
    replies: list[ModelReply] = []
    with usage_on_error(replies), judged_by(partial(_is_sound, question)):
        replies.append(reply(request))
        lacking = _lack(request, replies[-1]) or _is_cut_short(replies[-1])
        if lacking and replies[-1].finish != "refused":
            request = _again(request, replies[-1])
            replies.append(reply(request))
        if fallback and _lack(request, replies[-1]):
            replies.append(fallback(replace(question, max_tokens=request.max_tokens)))
        if lack := _lack(request, replies[-1]):
            also = ", also when asked again" if len(replies) > 1 else ""
            raise AnswerInvalid(f"{replies[-1].model}: {lack}{also}")
    return with_total_usage(replies)


def _is_sound(request: ModelRequest, reply: ModelReply) -> bool:
    """Tell whether the reply is a turn whose calls can all be made."""
    return not _lack(request, reply) and not any(call.error for call in judged(request, reply))


def _is_cut_short(reply: ModelReply) -> bool:
    """Tell whether the reply was cut off inside a call, which is then malformed."""
    return reply.finish == "length" and bool(reply.calls)


def _lack(request: ModelRequest, reply: ModelReply) -> str:
    """Say why `reply` is not a turn, or nothing."""
    choice, called = request.tool_choice, {call.name for call in reply.calls}
    if choice and request.tools and not (called if choice == "any" else choice in called):
        declined = reply.finish == "refused"
        return "declined to answer" if declined else f"did not call {_chosen(request)}"
    if called or reply.text.strip():
        return ""
    if reply.finish == "refused":
        return "declined to answer"
    if reply.finish == "length":
        return f"cut off at {request.max_tokens} tokens before it said anything; raise max_tokens"
    return "answered nothing"


def _chosen(request: ModelRequest) -> str:
    if request.tool_choice != "any":
        return f"the tool {request.tool_choice}"
    return f"a tool ({', '.join(sorted(tool.name for tool in request.tools))})"


def _again(request: ModelRequest, answer: ModelReply) -> ModelRequest:
    """Return the request that asks for the missing part."""
    if answer.finish == "length":
        return replace(request, max_tokens=2 * request.max_tokens)
    if request.tool_choice:
        wish = f"Call {_chosen(request)} now, and write nothing else."
    else:
        wish = "Your last answer was empty. Answer now."
    said = (ChatMessage("assistant", answer.text), ChatMessage("user", wish))
    return replace(request, messages=repair((*request.messages, *said)))
