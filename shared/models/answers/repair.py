"""Repairs a conversation, so that one broken turn does not make providers refuse it for ever.

The rules are the union of all providers': OpenAI's chat completions, Anthropic's Messages,
Bedrock's Converse, and the stricter templates of local servers.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html
https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import count

from shared.models import ChatMessage, ToolCall
from shared.patterns import lazily

#: Texts for the model in the place of missing ones.
LEFT_OUT = "(what came before is left out)"
NO_RESULT = "error: no result was recorded"
NO_TEXT = "(no text)"
INTERRUPTED = "(I was interrupted here.)"
GO_ON = "Go on."

#: OpenAI takes ids of at most 40 characters, Anthropic and Bedrock letters, digits, `_` and `-`.
_ID = lazily(r"[a-zA-Z0-9_-]{1,40}")
_NOT_IN_NAMES = lazily(r"[^a-zA-Z0-9_-]")
_NAME_LENGTH = 64


def repair(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """Return `messages` in the form that every provider takes; sound turns stay as they are.

    Each assistant turn's calls are answered right after it, in order and once; their ids are
    unique; user and assistant alternate, beginning with the user; the model speaks next. New ids
    depend on earlier turns only, so that a provider's prefix cache still holds when history grows.
    """
    turns = [turn for message in messages if not _is_empty(turn := _plain(message))]
    return tuple(map(_with_text, _alternating(_with_unique_ids(_with_results(turns)))))


def _plain(turn: ChatMessage) -> ChatMessage:
    """Keep the parts of a turn that its role may hold; blank text counts as none."""
    text = turn.text if turn.text.strip() else ""
    if turn.role == "tool":
        return ChatMessage("tool", text, call_id=turn.call_id)
    if turn.role == "user":
        return ChatMessage("user", text, images=turn.images, seams=turn.seams if text else ())
    calls = tuple(replace(call, name=_name(call.name)) for call in turn.calls)
    return ChatMessage("assistant", text, calls)


def _name(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name)[:_NAME_LENGTH] or "unnamed"


def _is_empty(turn: ChatMessage) -> bool:
    return turn.role == "assistant" and not turn.text and not turn.calls


def _with_results(turns: Sequence[ChatMessage]) -> Iterator[ChatMessage]:
    """Yield the turns, each assistant turn followed by one result per call, in their order.

    A result belongs to the last turn before it that made a call of its id: servers without ids of
    their own begin anew in each reply. A result without a call is dropped.
    """
    results: dict[tuple[int, int], ChatMessage] = {}
    latest: dict[str, int] = {}
    for position, turn in enumerate(turns):
        if turn.role == "tool" and turn.call_id in latest:
            caller = latest[turn.call_id]
            for number, call in enumerate(turns[caller].calls):
                if call.id == turn.call_id and (caller, number) not in results:
                    results[caller, number] = turn
                    break
        latest |= {call.id: position for call in turn.calls}
    for position, turn in enumerate(turns):
        if turn.role != "tool":
            yield turn
        for number, call in enumerate(turn.calls):
            missing = ChatMessage("tool", NO_RESULT, call_id=call.id)
            yield results.get((position, number), missing)


def _with_unique_ids(turns: Iterable[ChatMessage]) -> Iterator[ChatMessage]:
    """Yield the turns with new, unique ids in the place of ids that some provider refuses."""
    used: set[str] = set()
    pending: list[str] = []
    for turn in turns:
        if turn.role == "tool":
            yield replace(turn, call_id=pending.pop(0))
            continue
        calls = tuple(_identified(call, used) for call in turn.calls)
        pending = [call.id for call in calls]
        yield replace(turn, calls=calls)


def _identified(call: ToolCall, used: set[str]) -> ToolCall:
    identity = call.id
    if identity in used or not _ID.fullmatch(identity):
        identity = next(new for n in count(len(used)) if (new := f"call_{n}") not in used)
    used.add(identity)
    return replace(call, id=identity)


def _alternating(turns: Iterable[ChatMessage]) -> list[ChatMessage]:
    """Return the turns with neighbours of one role merged and missing turns filled in."""
    out: list[ChatMessage] = []
    for turn in turns:
        if not out and turn.role != "user":
            out.append(ChatMessage("user", LEFT_OUT))
        if turn.role == "user" and out and out[-1].role == "tool":
            # Several providers refuse a user's turn behind a tool's.
            out.append(ChatMessage("assistant", INTERRUPTED))
        if turn.role != "tool" and out and out[-1].role == turn.role:
            out[-1] = _merged(out[-1], turn)
        else:
            out.append(turn)
    if not out:
        return [ChatMessage("user", LEFT_OUT)]
    return [*out, ChatMessage("user", GO_ON)] if out[-1].role == "assistant" else out


def _merged(first: ChatMessage, second: ChatMessage) -> ChatMessage:
    text = "\n\n".join(text for text in (first.text, second.text) if text)
    calls, images = first.calls + second.calls, first.images + second.images
    seams = (*first.seams, *(len(text) - len(second.text) + at for at in (0, *second.seams)))
    if first.role != "user" or not (first.text and second.text):
        seams = first.seams or second.seams
    return replace(first, text=text, calls=calls, images=images, seams=seams)


def _with_text(turn: ChatMessage) -> ChatMessage:
    """Give an empty turn a text, because some providers refuse it otherwise."""
    silent = not (turn.text or turn.images or turn.calls)
    return replace(turn, text=NO_TEXT) if silent else turn
