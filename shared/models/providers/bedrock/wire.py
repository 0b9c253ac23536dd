"""The Bedrock Converse wire format: requests to parameters, answers to replies.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import ModelRejected
from shared.events import Json
from shared.models import ChatMessage, Image, ModelRequest, Usage
from shared.models.answers.repair import LEFT_OUT
from shared.models.providers import blocks
from shared.models.providers.prefix_cache import ends_to_mark, worth_caching
from shared.models.providers.reply_reader import count, entries, fields, reason, said
from shared.patterns import lazily

#: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html: models that cache
#: prefixes, and those that also cache tools on their own. ARNs that do not name their model are
#: taken for such models until Bedrock refuses a cache point.
_KEEPING = lazily(
    r"anthropic\.claude|amazon\.nova|^arn:.*:(?:application-inference-profile|provisioned-model)/"
)
_KEEPING_TOOLS = lazily(r"anthropic\.claude")
_CACHE_POINT: Json = {"cachePoint": {"type": "default"}}


def messages_of(messages: Iterable[ChatMessage]) -> list[Json]:
    return blocks.alternating(messages, _blocks, {"text": LEFT_OUT})


def _blocks(message: ChatMessage) -> list[Json]:
    if message.role == "tool":
        content = [{"text": message.text or blocks.NOTHING}]
        return [{"toolResult": {"toolUseId": message.call_id, "content": content}}]
    written = [_image(image) for image in message.images]
    written += [{"text": part} for part in message.parts if part.strip()]
    for call in message.calls:
        use = {"toolUseId": call.id, "name": call.name, "input": blocks.in_order(call.arguments)}
        written.append({"toolUse": use})
    return written


def _image(image: Image) -> Json:
    try:
        data = b64decode(image.data, validate=True)
    except ValueError as err:
        raise ModelRejected(f"an image ({image.media_type}) is no base64") from err
    kind = image.media_type.removeprefix("image/")
    return {"image": {"format": kind, "source": {"bytes": data}}}


def tools_of(request: ModelRequest, *, force: bool, answer: bool) -> Json | None:
    """Write the tools and, with `answer`, the one that takes the typed answer; `force` makes the
    model call it, or the author's choice."""
    specs = [
        {
            "toolSpec": {
                "name": tool.name,
                "description": tool.description,
                "inputSchema": {"json": tool.parameters},
            }
        }
        for tool in blocks.offered(request, answer=answer)
    ]
    if not specs:
        return None
    config: Json = {"tools": specs}
    if force and (name := blocks.forced(request, answer=answer)):
        config["toolChoice"] = {"any": {}} if name == "any" else {"tool": {"name": name}}
    return config


def mark(parameters: Json, request: ModelRequest, *, turns: bool) -> None:
    """Put cache points behind the parts worth keeping; behind turns only with `turns`."""
    if not _KEEPING.search(parameters["modelId"]):
        return
    worth = worth_caching(parameters["modelId"], request)
    if worth.head and "system" in parameters:
        parameters["system"].append(_CACHE_POINT)
    elif worth.head and _KEEPING_TOOLS.search(parameters["modelId"]):
        parameters["toolConfig"]["tools"].append(_CACHE_POINT)
    if worth.turns and turns:
        for turn, at in reversed(ends_to_mark(parameters["messages"])):
            turn["content"].insert(at + 1, _CACHE_POINT)


class ConverseReader(blocks.BlocksReader):
    """Reads a reply: the events of a stream, or the whole answer."""

    def add_whole(self, answer: Mapping[str, Any]) -> None:
        """Read what Converse returned."""
        message = fields(answer, "output", "message")
        for index, block in enumerate(entries(message.get("content"))):
            self.rest()
            self._say(said(block.get("text")))
            if use := fields(block, "toolUse"):
                self._call(index, use.get("toolUseId"), use.get("name"), use.get("input"))
        self.begun = bool(message)
        self.finish = reason(answer.get("stopReason"))
        self.usage = _usage(fields(answer, "usage"))

    def add(self, event: Mapping[str, Any]) -> str:
        """Read one event of ConverseStream."""
        if "contentBlockStart" in event:
            start = fields(event, "contentBlockStart")
            if use := fields(start, "start", "toolUse"):
                self._call(_index(start), use.get("toolUseId"), use.get("name"))
        elif "contentBlockDelta" in event:
            delta = fields(event, "contentBlockDelta", "delta")
            if piece := said(fields(delta, "toolUse").get("input")):
                return self._write(_index(event["contentBlockDelta"]), piece)
            return self._say(said(delta.get("text")))
        elif "contentBlockStop" in event:
            return self.rest()
        elif "messageStop" in event:
            self.finish = reason(fields(event, "messageStop").get("stopReason")) or "end_turn"
        elif "metadata" in event:
            self.usage = _usage(fields(event, "metadata", "usage"))
        return ""


def _index(event: object) -> int:
    return count(fields(event), "contentBlockIndex")


def _usage(usage: Mapping[str, Any]) -> Usage:
    """Count tokens: `inputTokens` leaves out those read from and written to the cache."""
    cached = count(usage, "cacheReadInputTokens")
    written = count(usage, "cacheWriteInputTokens")
    whole = count(usage, "inputTokens") + cached + written
    return Usage(whole, count(usage, "outputTokens"), cached, written)
