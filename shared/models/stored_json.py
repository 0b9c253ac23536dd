"""Reads requests and replies back from the JSON of `dataclasses.asdict` that was stored."""

from shared.events import Json
from shared.models import ChatMessage, Image, ModelReply, ModelRequest, ToolCall, ToolSpec, Usage


def request_of(plain: Json) -> ModelRequest:
    """Return the request of `plain`."""
    messages = tuple(
        ChatMessage(
            **message
            | {
                "calls": tuple(ToolCall(**call) for call in message["calls"]),
                "images": tuple(Image(**image) for image in message["images"]),
                "seams": tuple(message.get("seams", ())),
            }
        )
        for message in plain["messages"]
    )
    tools = tuple(ToolSpec(**tool) for tool in plain["tools"])
    return ModelRequest(**plain | {"messages": messages, "tools": tools})


def reply_of(plain: Json) -> ModelReply:
    """Return the reply of `plain`; raises KeyError or TypeError when it is not one."""
    calls = tuple(ToolCall(**call) for call in plain["calls"])
    return ModelReply(**plain | {"calls": calls, "usage": Usage(**plain["usage"])})
