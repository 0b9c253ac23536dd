"""The Web API's methods that write: messages and reactions."""

import re
from collections.abc import Callable, Mapping

from infra.local.sandbox.slack.blocks import (
    MARKDOWN,
    TEXT,
    UPDATED_TEXT,
    checked_blocks,
    checked_metadata,
)
from infra.local.sandbox.slack.workspace import (
    BOT_USER,
    Refusal,
    Workspace,
)
from shared.events import Json

Method = Callable[[Workspace, Json], Json]


def post_message(workspace: Workspace, arguments: Json) -> Json:
    channel = writable(workspace, arguments)
    thread_ts = arguments.get("thread_ts")
    message = workspace.post(channel, BOT_USER, thread_ts, **_content(arguments))
    return {"channel": channel, "ts": message["ts"], "message": message}


def update(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = own_message(workspace, arguments, "cant_update_message")
    if len(arguments.get("text") or "") > UPDATED_TEXT:
        raise Refusal("msg_too_long")
    if workspace.is_growing(workspace.message(channel, ts)):
        raise Refusal("streaming_state_conflict")
    message = workspace.edit(channel, ts, BOT_USER, **_content(arguments))
    return {"channel": channel, "ts": ts, "text": message["text"], "message": message}


def delete(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = own_message(workspace, arguments, "cant_delete_message")
    workspace.delete(channel, ts)
    return {"channel": channel, "ts": ts}


def post_ephemeral(workspace: Workspace, arguments: Json) -> Json:
    channel = writable(workspace, arguments)
    if arguments.get("user") not in workspace.users:
        raise Refusal("user_not_in_channel")
    return {"message_ts": workspace.whisper(channel, arguments["user"], **_content(arguments))}


def add_reaction(workspace: Workspace, arguments: Json) -> Json:
    workspace.react(*_reaction(workspace, arguments), add=True)
    return {}


def remove_reaction(workspace: Workspace, arguments: Json) -> Json:
    workspace.react(*_reaction(workspace, arguments), add=False)
    return {}


METHODS: Mapping[str, Method] = {
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post_message,
    "chat.update": update,
    "reactions.add": add_reaction,
    "reactions.remove": remove_reaction,
}


def writable(workspace: Workspace, arguments: Json) -> str:
    """Return the id of the conversation to write to; raises Refusal when the bot may not."""
    channel = workspace.channel(str(arguments.get("channel")))
    if channel["is_archived"]:
        raise Refusal("is_archived")
    if not channel.get("is_member", True):
        raise Refusal("not_in_channel")
    return str(channel["id"])


def own_message(workspace: Workspace, arguments: Json, otherwise: str) -> tuple[str, str]:
    """Return the channel and the time stamp of a message of the bot."""
    channel, ts = writable(workspace, arguments), str(arguments.get("ts"))
    if workspace.message(channel, ts)["user"] != BOT_USER:
        raise Refusal(otherwise)
    return channel, ts


def _content(arguments: Json) -> Json:
    """Return the visible and the hidden parts of a message; raises Refusal where Slack would."""
    text, markdown = arguments.get("text") or "", arguments.get("markdown_text")
    if markdown and (text or arguments.get("blocks")):
        raise Refusal("markdown_text_conflict")
    if len(markdown or "") > MARKDOWN:
        raise Refusal("msg_too_long")
    content: Json = {"text": (markdown or text)[:TEXT]}
    if arguments.get("blocks"):
        content["blocks"] = checked_blocks(arguments["blocks"])
    if arguments.get("metadata"):
        content["metadata"] = checked_metadata(arguments["metadata"])
    if not content["text"].strip() and "blocks" not in content:
        raise Refusal("no_text")
    return content


def _reaction(workspace: Workspace, arguments: Json) -> tuple[str, str, str, str]:
    channel = workspace.channel(str(arguments.get("channel")))
    if channel["is_archived"]:
        raise Refusal("is_archived")
    emoji = str(arguments.get("name") or "").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", emoji):
        raise Refusal("invalid_name")
    return channel["id"], str(arguments.get("timestamp")), BOT_USER, emoji
