"""The Bedrock Converse wire format: requests to parameters, answers to replies.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from shared.models import Finish, Json, Message, Request, ToolCall, Usage
from shared.models.structured import as_object
from shared.models.toolcalls import read_calls

#: The tool through which an answer of a schema comes back.
ANSWER = "give_answer"

_FINISHES: dict[str, Finish] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tools",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "refused",
    "content_filtered": "refused",
    "refusal": "refused",
}


def messages_of(messages: Iterable[Message]) -> list[Json]:
    """Write the conversation: it starts with the user, the roles alternate, no block is blank."""
    turns: list[Json] = []
    blocks = [(_role(message), _blocks(message)) for message in messages]
    for role, same in groupby((pair for pair in blocks if pair[1]), key=lambda pair: pair[0]):
        turns.append({"role": role, "content": [block for _, part in same for block in part]})
    if not turns or turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": [{"text": "(what came before is left out)"}]})
    return turns


def _role(message: Message) -> str:
    return "assistant" if message.role == "assistant" else "user"


def _blocks(message: Message) -> list[Json]:
    if message.role == "tool":
        result = {"toolUseId": message.call_id, "content": [{"text": message.text or "(nothing)"}]}
        return [{"toolResult": result}]
    blocks: list[Json] = [{"text": message.text}] if message.text.strip() else []
    for call in message.calls:
        use = {"toolUseId": call.id, "name": call.name, "input": call.arguments}
        blocks.append({"toolUse": use})
    return blocks


def tools_of(request: Request, *, force: bool, answer: bool) -> Json | None:
    """Write the tools and, where a schema is asked for and the model can, the one that takes the
    answer; `force` makes the model use it."""
    specs = [_spec(tool.name, tool.description, tool.parameters) for tool in request.tools]
    answer = answer and request.schema is not None
    if answer and request.schema is not None:
        specs.append(_spec(ANSWER, "Give the answer.", as_object(request.schema)))
    # A conversation that holds calls is refused when their tools are not described.
    offered = {spec["toolSpec"]["name"] for spec in specs}
    used = {call.name for message in request.messages for call in message.calls}
    nothing = {"type": "object", "properties": {}}
    specs += [_spec(name, "No longer offered.", nothing) for name in sorted(used - offered)]
    if not specs:
        return None
    config: Json = {"tools": specs}
    if answer and force:
        config["toolChoice"] = {"any": {}} if request.tools else {"tool": {"name": ANSWER}}
    return config


def _spec(name: str, description: str, schema: Json) -> Json:
    return {"toolSpec": {"name": name, "description": description, "inputSchema": {"json": schema}}}


@dataclass
class Answer:
    """What has come of a reply so far: the events of a stream, or all of it at once."""

    finish: str = ""
    usage: Usage = field(default_factory=Usage)
    text: str = ""
    _calls: dict[int, Json] = field(default_factory=dict)

    def add_whole(self, answer: Mapping[str, Any]) -> None:
        """Take in what Converse returned; raises KeyError or TypeError when it is another thing."""
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
        """Take in one event of ConverseStream; return the text that it adds for a reader."""
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

    def answered(self) -> str:
        """Return the text: what came through the answer tool if the model used it."""
        inputs = [call["input"] for call in self._calls.values() if call["name"] == ANSWER]
        return str(inputs[0]) if inputs else self.text

    def outcome(self) -> Finish:
        finish = _FINISHES.get(self.finish, "stop")
        others = any(call["name"] != ANSWER for call in self._calls.values())
        return finish if finish in {"length", "refused"} else "tools" if others else "stop"

    def calls(self) -> tuple[ToolCall, ...]:
        """Return the calls other than the answer."""
        calls = [call for _, call in sorted(self._calls.items()) if call["name"] != ANSWER]
        return read_calls(
            [(call["id"], call["name"], call["input"]) for call in calls],
            cut_off=self.outcome() == "length",
        )


def _usage(usage: Mapping[str, Any]) -> Usage:
    """Count: Bedrock's inputTokens leave out what was read from and written to the cache."""
    cached = usage.get("cacheReadInputTokens", 0)
    whole = usage["inputTokens"] + cached + usage.get("cacheWriteInputTokens", 0)
    return Usage(whole, usage["outputTokens"], cached)
