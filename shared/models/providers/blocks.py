"""Content blocks: the common part of the wire formats Converse and Messages."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from shared.events import Json
from shared.models import ChatMessage, ModelRequest, ToolSpec
from shared.models.providers.json_output import ANSWER, as_object
from shared.models.providers.reply_reader import ReplyReader, joined, said

#: Stands for the empty result of a tool: no text may be blank.
NOTHING = "(nothing)"


def alternating(
    messages: Iterable[ChatMessage], write: Callable[[ChatMessage], list[Json]], left_out: Json
) -> list[Json]:
    """Write the conversation: it starts with the user, the roles alternate, no block is blank."""
    turns: list[Json] = []
    blocks = [(_role(message), write(message)) for message in messages]
    for role, same in groupby((pair for pair in blocks if pair[1]), key=lambda pair: pair[0]):
        turns.append({"role": role, "content": [block for _, part in same for block in part]})
    if not turns or turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": [left_out]})
    return turns


def _role(message: ChatMessage) -> str:
    return "assistant" if message.role == "assistant" else "user"


def in_order(value: Any) -> Any:
    """Return JSON with sorted keys: providers cache a prefix by its bytes, and a database may have
    changed the order."""
    if isinstance(value, dict):
        return {key: in_order(value[key]) for key in sorted(value)}
    return [in_order(part) for part in value] if isinstance(value, list) else value


def offered(request: ModelRequest, *, answer: bool) -> list[ToolSpec]:
    """Return the tools to describe, and with `answer` the one whose arguments are the typed answer.

    Providers refuse a conversation with calls of tools that are not described.
    """
    tools = list(request.tools)
    if answer and request.schema is not None:
        tools.append(ToolSpec(ANSWER, "Give the answer.", as_object(request.schema)))
    described = {tool.name for tool in tools}
    used = {call.name for message in request.messages for call in message.calls}
    nothing = {"type": "object", "properties": {}}
    return tools + [
        ToolSpec(name, "No longer offered.", nothing) for name in sorted(used - described)
    ]


def chosen(request: ModelRequest) -> str:
    """Return the tool that the author wants called, `any` for one of them, or nothing.

    With such a choice the model cannot give its answer by calling another tool."""
    return request.tool_choice if request.tools else ""


def forced(request: ModelRequest, *, answer: bool) -> str:
    """Return the tool that the model must call, `any` for one of them, or nothing."""
    if chosen(request) or not answer or request.schema is None:
        return chosen(request)
    return "any" if request.tools else ANSWER


@dataclass
class BlocksReader(ReplyReader):
    """Reads a reply of content blocks."""

    answer_tool = ANSWER

    #: The calls by the number of their block. Some servers give one number to all.
    _blocks: dict[int, int] = field(default_factory=dict)

    def _call(self, index: int, id: object = "", name: object = "", written: object = "") -> str:
        """Begin the call of a block; return what a reader sees of its input, which may follow. Some
        servers send the input as text."""
        self._blocks[index] = len(self._calls)
        self._calls[len(self._calls)] = {"id": said(id), "name": said(name), "input": ""}
        if written and not isinstance(written, str):
            written = json.dumps(written, ensure_ascii=False)
        return self._write(index, said(written))

    def _write(self, index: int, piece: str) -> str:
        """Add to the input of a call; return what a reader sees: the answer."""
        key = self._blocks.setdefault(index, max(len(self._calls) - 1, 0))
        call = self._calls.setdefault(key, {"id": "", "name": "", "input": ""})
        before, call["input"] = call["input"], joined(call["input"], piece)
        goes_on = len(call["input"]) == len(before) + len(piece)
        return piece if goes_on and self._is_answer(call) else ""
