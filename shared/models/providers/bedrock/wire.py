"""The Bedrock Converse wire format: requests to parameters, answers to replies.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

import json
import re
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any

from shared.errors import ModelRejected
from shared.events import Json
from shared.models import ChatMessage, Image, ModelRequest, Usage
from shared.models.answers.repair import LEFT_OUT
from shared.models.providers import blocks
from shared.models.providers.json_output import ANSWER
from shared.models.providers.prefix_cache import turns_to_mark, worth_caching

#: https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html: models that cache
#: prefixes, and those that also cache tools on their own.
_KEEPING = re.compile(r"anthropic\.claude|amazon\.nova")
_KEEPING_TOOLS = re.compile(r"anthropic\.claude")
_CACHE_POINT: Json = {"cachePoint": {"type": "default"}}


def messages_of(messages: Iterable[ChatMessage]) -> list[Json]:
    return blocks.alternating(messages, _blocks, {"text": LEFT_OUT})


def _blocks(message: ChatMessage) -> list[Json]:
    if message.role == "tool":
        content = [{"text": message.text or blocks.NOTHING}]
        return [{"toolResult": {"toolUseId": message.call_id, "content": content}}]
    written = [_image(image) for image in message.images]
    if message.text.strip():
        written.append({"text": message.text})
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
        for turn in turns_to_mark(parameters["messages"]):
            turn["content"].append(_CACHE_POINT)


class ConverseReader(blocks.BlocksReader):
    """Reads a reply: the events of a stream, or the whole answer."""

    def add_whole(self, answer: Mapping[str, Any]) -> None:
        """Read what Converse returned; raises KeyError or TypeError when it has another shape."""
        for index, block in enumerate(answer["output"]["message"]["content"]):
            self.text += block.get("text", "")
            if "toolUse" in block:
                use = block["toolUse"]
                self._calls[index] = {
                    "id": use["toolUseId"],
                    "name": use["name"],
                    "input": json.dumps(use["input"], ensure_ascii=False),
                }
        self.finish = answer["stopReason"]
        self.usage = _usage(answer["usage"])

    def add(self, event: Mapping[str, Any]) -> str:
        """Read one event of ConverseStream."""
        if "contentBlockStart" in event:
            start = event["contentBlockStart"]
            if use := start["start"].get("toolUse"):
                call = {"id": use["toolUseId"], "name": use["name"], "input": ""}
                self._calls[start["contentBlockIndex"]] = call
        elif "contentBlockDelta" in event:
            block = event["contentBlockDelta"]
            text: str = block["delta"].get("text", "")
            self.text += text
            if "toolUse" in block["delta"]:
                call = self._calls[block["contentBlockIndex"]]
                call["input"] += block["delta"]["toolUse"]["input"]
                if call["name"] == ANSWER:
                    return str(block["delta"]["toolUse"]["input"])
            return text
        elif "messageStop" in event:
            self.finish = event["messageStop"]["stopReason"]
        elif "metadata" in event:
            self.usage = _usage(event["metadata"]["usage"])
        return ""


def _usage(usage: Mapping[str, Any]) -> Usage:
    """Count tokens: `inputTokens` leaves out those read from and written to the cache."""
    cached = usage.get("cacheReadInputTokens", 0)
    written = usage.get("cacheWriteInputTokens", 0)
    whole = usage["inputTokens"] + cached + written
    return Usage(whole, usage["outputTokens"], cached, written)
