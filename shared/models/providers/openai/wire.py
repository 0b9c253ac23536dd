"""The OpenAI chat completions wire format: requests to bodies, bodies to replies."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.events import Json
from shared.models import ChatMessage, Finish, ModelRequest, ToolCall, Usage
from shared.models.providers.reply_reader import ReplyReader

_FINISHES: dict[str, Finish] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tools",
    "function_call": "tools",
    "content_filter": "refused",
}


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

    refused: bool = False

    def add(self, piece: Mapping[str, Any]) -> str:
        if isinstance(piece.get("usage"), dict):
            self.usage = _usage(piece["usage"])
        choices = piece.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            return ""
        choice = choices[0]
        self.finish = choice.get("finish_reason") or self.finish
        part = choice.get("delta") or choice.get("message")
        if not isinstance(part, dict):
            return ""
        self.begun = True
        if part.get("refusal"):
            self.refused = True
        self._add_calls(part.get("tool_calls"))
        text = _text(part.get("content") or part.get("refusal"))
        self.text += text
        return text

    def _add_calls(self, calls: object) -> None:
        for delta in calls if isinstance(calls, list) else ():
            # Some servers leave the index out: then each new id is a new call.
            index = delta.get("index")
            if not isinstance(index, int):
                index = len(self._calls) - (0 if delta.get("id") or not self._calls else 1)
            call = self._calls.setdefault(index, {"id": "", "name": "", "input": ""})
            function = delta.get("function") or {}
            call["id"] = str(delta.get("id") or call["id"])
            call["name"] = str(function.get("name") or call["name"])
            arguments = function.get("arguments") or ""
            # Some servers send the arguments as an object in place of JSON in a string.
            call["input"] += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def outcome(self) -> Finish:
        if self.refused:
            return "refused"
        finish = _FINISHES.get(self.finish, "stop")
        return "tools" if finish == "stop" and self._calls else finish


def _text(content: object) -> str:
    """Return the text of a message's content, which may have parts."""
    if isinstance(content, Sequence) and not isinstance(content, str):
        return "".join(
            part["text"]
            for part in content
            if isinstance(part, dict) and isinstance(part.get("text"), str)
        )
    return content if isinstance(content, str) else ""


def _usage(usage: Mapping[str, Any]) -> Usage:
    details = usage.get("prompt_tokens_details") or {}
    # DeepSeek counts its cache beside the details.
    cached = details.get("cached_tokens") or usage.get("prompt_cache_hit_tokens") or 0
    return Usage(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0, cached)
