"""Turns requests and replies into the JSON that the database stores, and back."""

from dataclasses import asdict

from shared.models import (
    ChatMessage,
    Image,
    Json,
    ModelReply,
    ModelRequest,
    ToolCall,
    ToolSpec,
    Usage,
)


def request_of(plain: Json) -> ModelRequest:
    """Return the request from the JSON of `dataclasses.asdict`."""
    messages = tuple(
        ChatMessage(
            **message
            | {
                "calls": tuple(ToolCall(**call) for call in message["calls"]),
                "images": tuple(Image(**image) for image in message["images"]),
            }
        )
        for message in plain["messages"]
    )
    tools = tuple(ToolSpec(**tool) for tool in plain["tools"])
    return ModelRequest(**plain | {"messages": messages, "tools": tools})


def plain_reply(reply: ModelReply) -> Json:
    return asdict(reply)


def reply_of(plain: Json) -> ModelReply:
    """Return the reply from the JSON of `plain_reply`."""
    calls = tuple(ToolCall(**call) for call in plain["calls"])
    return ModelReply(**plain | {"calls": calls, "usage": Usage(**plain["usage"])})
