"""The OpenAI chat completions wire format: requests to bodies, bodies to replies."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.events import Json
from shared.models import ChatMessage, ModelRequest, ToolCall, Usage
from shared.models.providers.reply_reader import (
    ReplyReader,
    count,
    entries,
    fields,
    is_list,
    is_object,
    joined,
    number,
    reason,
    said,
)


def messages_of(request: ModelRequest, instruction: str = "") -> list[Json]:
    """Write the conversation; `instruction` is added to the system prompt."""
    system = "\n\n".join(part for part in (request.system, instruction) if part)
    first: list[Json] = [{"role": "system", "content": system}] if system else []
    return first + [_message(message) for message in request.messages]


def _message(message: ChatMessage) -> Json:
    if message.role == "tool":
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.text}
    written: Json = {"role": message.role, "content": _content(message)}
    if message.calls:
        written["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": _arguments(call)},
            }
            for call in message.calls
        ]
    return written


def _content(message: ChatMessage) -> str | list[Json]:
    """Write the text, or images and text as parts."""
    if not message.images:
        return message.text
    parts: list[Json] = [
        {"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{image.data}"}}
        for image in message.images
    ]
    return parts + ([{"type": "text", "text": message.text}] if message.text else [])


def _arguments(call: ToolCall) -> str:
    """Write the arguments with sorted keys: providers cache a prefix by its bytes, and a database
    may have changed the order."""
    return json.dumps(call.arguments, sort_keys=True)


def tool_choice_of(request: ModelRequest) -> str | Json:
    """Write the author's choice."""
    if request.tool_choice == "any":
        return "required"
    return {"type": "function", "function": {"name": request.tool_choice}}


def tools_of(request: ModelRequest) -> list[Json]:
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in request.tools
    ]


@dataclass
class CompletionReader(ReplyReader):
    """Reads a completion, or its chunks."""

    #: The calls that were begun last, by the index that the server gave them.
    _latest: dict[int, int] = field(default_factory=dict)
    _pieces: int = 0

    def problem(self, piece: Mapping[str, Any]) -> object:
        return super().problem(piece) or _choice(piece).get("error")

    def add(self, piece: Mapping[str, Any]) -> str:
        if usage := fields(piece, "usage"):
            self.usage = _usage(usage)
        choice = _choice(piece)
        ends = reason(choice.get("finish_reason"))
        self.finish = ends or self.finish
        delta, message = fields(choice, "delta"), fields(choice, "message")
        # Completions, the format before chats, have their text in the choice.
        part = delta or message or ({"content": choice["text"]} if choice.get("text") else {})
        if not part and not ends:
            return ""
        self.begun = True
        self.refused = self.refused or bool(part.get("refusal"))
        again = bool(self._raw or self._calls) and bool(message) and not delta
        self._add_calls(part, whole=not delta, again=again)
        text = _text(part.get("content") or part.get("refusal"))
        self._pieces += bool(text)
        # What ends an answer of several pieces and is equal to all of them adds nothing.
        if ends and self._pieces > 2 and self._is_said(text, again=True):
            return ""
        return self._say(text, again=again)

    def _add_calls(self, part: Mapping[str, Any], *, whole: bool, again: bool) -> None:
        calls = part.get("tool_calls") or [part.get("function_call")]
        if again and self._calls:
            return
        for delta in entries(calls):
            function = fields(delta, "function") or delta
            id, name = said(delta.get("id")), said(function.get("name"))
            arguments = function.get("arguments") or ""
            # Some servers send the arguments as an object in place of JSON in a string.
            written = arguments if isinstance(arguments, str) else json.dumps(arguments)
            index = number(delta.get("index"))
            known = index is None or index in self._latest
            if not whole and known and self._has_call(id, name, written):
                continue
            key = len(self._calls) if whole else self._key(id, name, index)
            call = self._calls.setdefault(key, {"id": "", "name": "", "input": ""})
            call["id"], call["name"] = id or call["id"], name or call["name"]
            call["input"] = joined(call["input"], written)

    def _has_call(self, id: str, name: str, written: str) -> bool:
        """Is it a call that is there already? Some servers say all once more in the last piece."""
        return any(
            (call["name"], call["input"]) == (name, written) and (call["id"] or id) == id
            for call in self._calls.values()
            if is_object(written)
        )

    def _key(self, id: str, name: str, index: int | None) -> int:
        """Return the key of the call that a piece belongs to.

        Servers leave out ids and indexes, give one index to all calls, or repeat the id in each
        piece. So a known id is that call, a new one is a new call, and without an id a name begins
        a new call when the one before is whole.
        """
        key = next((key for key, call in self._calls.items() if id and call["id"] == id), None)
        if key is None and (not id or not name):
            last = len(self._calls) - 1 if self._calls else None
            key = last if index is None else self._latest.get(index)
            if key is not None and (
                (id and self._calls[key]["id"]) or (name and self._is_over(key, name))
            ):
                key = None
        key = len(self._calls) if key is None else key
        if index is not None:
            self._latest[index] = key
        return key

    def _is_over(self, key: int, name: str) -> bool:
        """Does `name` begin another call, because this one is whole or of another tool?"""
        call = self._calls[key]
        if not name or call["name"] not in {"", name}:
            return bool(name)
        return is_object(call["input"])


def _choice(piece: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(entries(piece.get("choices"))), {})


def _text(content: object) -> str:
    """Return the text of a message's content, which may have parts; some are thoughts."""
    if isinstance(content, str):
        return content
    if is_list(content) and all(isinstance(part, str) for part in content):
        return "".join(content)
    kinds = ("text", "output_text", None)
    return "".join(said(part.get("text")) for part in entries(content) if part.get("type") in kinds)


def _usage(usage: Mapping[str, Any]) -> Usage:
    # DeepSeek counts its cache beside the details.
    cached = count(fields(usage, "prompt_tokens_details"), "cached_tokens")
    cached = cached or count(usage, "prompt_cache_hit_tokens")
    prompt = count(usage, "prompt_tokens", "input_tokens")
    return Usage(prompt, count(usage, "completion_tokens", "output_tokens"), cached)
