"""Anthropic's Messages wire format: requests to bodies, answers to replies.

https://platform.claude.com/docs/en/api/messages/create
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.events import Json
from shared.models import ChatMessage, ModelRequest, ToolSpec, Usage
from shared.models.answers.repair import LEFT_OUT
from shared.models.providers import blocks
from shared.models.providers.json_output import as_object, is_strict, json_instruction
from shared.models.providers.prefix_cache import ends_to_mark, worth_caching
from shared.models.providers.reply_reader import entries, fields, is_list, number, reason, said

#: Parts of a body that some models refuse.
TEMPERATURE, FORMAT, FORCE, CACHE = "temperature", "output_config", "tool_choice", "cache_control"

_KEEP = {"type": "ephemeral"}

#: Words that a schema may not hold, https://platform.claude.com/docs/en/build-with-claude/
#: structured-outputs#json-schema-limitations. Descriptions say them, and the answer is checked.
_BOUNDS = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    | {"minLength", "maxLength", "minItems", "maxItems", "uniqueItems"}
)


def body_of(
    model: str, request: ModelRequest, lacks: Collection[str] = (), *, stream: bool = False
) -> Json:
    """Write `request` for a model that refuses the parts in `lacks`.

    The conversation comes last, so that a longer one starts with the same bytes.
    """
    body: Json = {"model": model, "max_tokens": request.max_tokens}
    if TEMPERATURE not in lacks:
        body["temperature"] = min(request.temperature, 1.0)
    if stream:
        body["stream"] = True
    by_tool = FORCE not in lacks and not blocks.chosen(request)
    system = [request.system] if request.system.strip() else []
    if request.schema is not None:
        if FORMAT not in lacks and is_strict(as_object(request.schema)):
            by_tool = False
            schema = without_bounds(as_object(request.schema))
            body[FORMAT] = {"format": {"type": "json_schema", "schema": schema}}
        elif not by_tool:
            system.append(json_instruction(as_object(request.schema)))
    if tools := [_tool(tool) for tool in blocks.offered(request, answer=by_tool)]:
        body["tools"] = tools
    if FORCE not in lacks and (name := blocks.forced(request, answer=by_tool)):
        body[FORCE] = {"type": "any"} if name == "any" else {"type": "tool", "name": name}
    if system:
        body["system"] = [{"type": "text", "text": text} for text in system]
    body["messages"] = messages_of(request.messages)
    if CACHE not in lacks:
        _mark(body, request)
    return body


def _mark(body: Json, request: ModelRequest) -> None:
    """Mark the parts worth keeping, with at most three of the four marks that are allowed."""
    worth = worth_caching(body["model"], request)
    ends = []
    if worth.head:
        # Tools come before the system prompt: its mark covers them.
        ends.append((body.get("system") or body["tools"])[-1])
    if worth.turns:
        ends += [turn["content"][at] for turn, at in ends_to_mark(body["messages"])]
    for block in ends:
        block[CACHE] = _KEEP


def parts_of(body: Json) -> set[str]:
    """Return the parts of `body` that some models refuse."""
    written = [*body.get("system", ()), *body.get("tools", ())]
    written += [block for turn in body["messages"] for block in turn["content"]]
    marked = {CACHE} if any(CACHE in block for block in written) else set()
    return body.keys() & {TEMPERATURE, FORMAT, FORCE} | marked


def messages_of(messages: Collection[ChatMessage]) -> list[Json]:
    return blocks.alternating(messages, _blocks, {"type": "text", "text": LEFT_OUT})


def _blocks(message: ChatMessage) -> list[Json]:
    if message.role == "tool":
        result = {"type": "tool_result", "tool_use_id": _id(message.call_id)}
        return [result | {"content": message.text or blocks.NOTHING}]
    written: list[Json] = [
        {
            "type": "image",
            "source": {"type": "base64", "media_type": image.media_type, "data": image.data},
        }
        for image in message.images
    ]
    written += [{"type": "text", "text": part} for part in message.parts if part.strip()]
    for call in message.calls:
        use = {"type": "tool_use", "id": _id(call.id), "name": call.name}
        written.append(use | {"input": blocks.in_order(call.arguments)})
    return written


def _id(given: str) -> str:
    """Replace characters in ids that other servers write and Anthropic refuses."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", given)


def _tool(tool: ToolSpec) -> Json:
    return {"name": tool.name, "description": tool.description, "input_schema": tool.parameters}


def without_bounds(schema: Json) -> Json:
    """Return `schema` with its bounds as words in its descriptions.

    >>> without_bounds({"type": "number", "minimum": 0})
    {'type': 'number', 'description': '(minimum: 0)'}
    """
    written: Json = {}
    said = []
    for key, value in schema.items():
        if key in _BOUNDS and not (key == "minItems" and value in {0, 1}):
            said.append(f"{key}: {value}")
        elif key in {"properties", "$defs"}:
            written[key] = {name: without_bounds(part) for name, part in value.items()}
        elif key in {"anyOf", "allOf"}:
            written[key] = [without_bounds(part) for part in value]
        elif key == "items" and isinstance(value, dict):
            written[key] = without_bounds(value)
        else:
            written[key] = value
    if said:
        about = [written["description"]] if "description" in written else []
        written["description"] = " ".join([*about, f"({', '.join(said)})"])
    return written


@dataclass
class MessageReader(blocks.BlocksReader):
    """Reads a reply: the events of a stream, or the whole message."""

    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, piece: Mapping[str, Any]) -> str:
        """Read a message or one event of a stream. Unknown events and blocks, such as pings and
        thoughts, add nothing."""
        match piece.get("type") or ("message" if "content" in piece else None):
            case "message":
                return self._whole(piece)
            case "message_start":
                self._start(fields(piece, "message"))
            case "content_block_start":
                return self._open(self._index(piece), fields(piece, "content_block"))
            case "content_block_delta":
                return self._append(self._index(piece), fields(piece, "delta"))
            case "message_delta":
                self.finish = reason(fields(piece, "delta").get("stop_reason")) or self.finish
                self._count(fields(piece, "usage"))
        return ""

    def _index(self, piece: Mapping[str, Any]) -> int:
        """Return the number of the block that an event is about: without one the last."""
        index = number(piece.get("index"))
        return max(self._blocks, default=0) if index is None else index

    def _start(self, message: Mapping[str, Any]) -> None:
        self.begun = True
        self.finish = reason(message.get("stop_reason")) or self.finish
        self._count(fields(message, "usage"))

    def _whole(self, message: Mapping[str, Any]) -> str:
        """Read a whole message, which may come after its pieces."""
        content = message.get("content", [])
        again = bool(self._raw or self._calls)
        self._start(message)
        self.begun = again or is_list(content) or bool(said(content))
        if isinstance(content, str):
            return self._say(content, again=again)
        text = "".join(said(block.get("text")) for block in entries(content))
        if again:
            return self._say(text, again=True)
        return "".join(self._open(*block) for block in enumerate(entries(content)))

    def _open(self, index: int, block: Mapping[str, Any]) -> str:
        kind = said(block.get("type")) or ("tool_use" if block.get("name") else "text")
        if kind == "tool_use":
            # In a stream the input is an empty object here, and comes in pieces.
            return self._call(index, block.get("id"), block.get("name"), block.get("input"))
        return self.rest() + self._say(said(block.get("text"))) if kind == "text" else ""

    def _append(self, index: int, delta: Mapping[str, Any]) -> str:
        if piece := said(delta.get("partial_json")):
            return self._write(index, piece)
        return self._say(said(delta.get("text")))

    def _count(self, usage: Mapping[str, Any]) -> None:
        """Count tokens: `input_tokens` leaves out those read from and written to the cache.

        Each event of a stream brings totals, not differences.
        """
        told = {name: found for name, each in usage.items() if (found := number(each)) is not None}
        self._counts |= told
        read = self._counts.get("cache_read_input_tokens", 0)
        written = self._counts.get("cache_creation_input_tokens", 0)
        fresh, output = self._counts.get("input_tokens", 0), self._counts.get("output_tokens", 0)
        self.usage = Usage(fresh + read + written, output, read, written)
