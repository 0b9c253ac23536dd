"""The Web API's methods that write: messages, streams, reactions, the app's home and its status."""

import re
from collections.abc import Callable, Mapping

from infra.local.sandbox.slack.blocks import (
    MARKDOWN,
    TEXT,
    UPDATED_TEXT,
    checked_blocks,
    checked_metadata,
    parsed,
)
from infra.local.sandbox.slack.workspace import (
    BOT_USER,
    Refusal,
    Workspace,
)
from shared.events import Json

Method = Callable[[Workspace, Json], Json]


def post_message(workspace: Workspace, arguments: Json) -> Json:
    channel = _writable(workspace, arguments)
    thread_ts = arguments.get("thread_ts")
    message = workspace.post(channel, BOT_USER, thread_ts, **_content(arguments))
    _clear_status(workspace, channel, message)
    return {"channel": channel, "ts": message["ts"], "message": message}


def update(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = _own(workspace, arguments, "cant_update_message")
    if len(arguments.get("text") or "") > UPDATED_TEXT:
        raise Refusal("msg_too_long")
    message = workspace.edit(channel, ts, BOT_USER, **_content(arguments))
    return {"channel": channel, "ts": ts, "text": message["text"], "message": message}


def delete(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = _own(workspace, arguments, "cant_delete_message")
    workspace.delete(channel, ts)
    return {"channel": channel, "ts": ts}


def post_ephemeral(workspace: Workspace, arguments: Json) -> Json:
    channel = _writable(workspace, arguments)
    if arguments.get("user") not in workspace.users:
        raise Refusal("user_not_in_channel")
    return {"message_ts": workspace.whisper(channel, arguments["user"], **_content(arguments))}


def start_stream(workspace: Workspace, arguments: Json) -> Json:
    channel = _writable(workspace, arguments)
    if channel.startswith("C"):
        for name in ("recipient_team_id", "recipient_user_id"):
            if not arguments.get(name):
                raise Refusal(f"missing_{name}")
    try:
        workspace.message(channel, str(arguments.get("thread_ts")))
    except Refusal:
        raise Refusal("invalid_thread_ts") from None
    fields = {"text": _streamed(arguments), "streaming": True}
    message = workspace.post(channel, BOT_USER, arguments["thread_ts"], **fields)
    return {"channel": channel, "ts": message["ts"]}


def append_stream(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = _own(workspace, arguments, "message_not_owned_by_app")
    text = _streamed(arguments)
    if not text:
        raise Refusal("no_text")
    workspace.stream(channel, ts, text)
    return {"channel": channel, "ts": ts}


def stop_stream(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = _own(workspace, arguments, "message_not_owned_by_app")
    last = workspace.stream(channel, ts, _streamed(arguments))
    fields: Json = {"text": last["text"], "streaming": False}
    if arguments.get("blocks"):
        fields["blocks"] = checked_blocks(arguments["blocks"])
    if arguments.get("metadata"):
        fields["metadata"] = checked_metadata(arguments["metadata"])
    message = workspace.edit(channel, ts, BOT_USER, **fields)
    _clear_status(workspace, channel, message)
    return {"channel": channel, "ts": ts, "message": message}


def add_reaction(workspace: Workspace, arguments: Json) -> Json:
    workspace.react(*_reaction(workspace, arguments), add=True)
    return {}


def remove_reaction(workspace: Workspace, arguments: Json) -> Json:
    workspace.react(*_reaction(workspace, arguments), add=False)
    return {}


def publish_view(workspace: Workspace, arguments: Json) -> Json:
    view = parsed(arguments.get("view"), "invalid_arguments")
    if not isinstance(view, dict) or view.get("type") != "home":
        raise Refusal("invalid_arguments")
    user = arguments.get("user_id")
    if user not in workspace.users:
        raise Refusal("user_not_found")
    blocks = checked_blocks(view.get("blocks"))
    shown = {"id": f"V0{user}", "team_id": workspace.team, **view, "blocks": blocks}
    workspace.show("views", user, shown)
    return {"view": shown}


def set_status(workspace: Workspace, arguments: Json) -> Json:
    channel = workspace.channel(str(arguments.get("channel_id")))["id"]
    key = f"{channel}/{arguments.get('thread_ts')}"
    status = arguments.get("status")
    messages = parsed(arguments.get("loading_messages") or [], "invalid_arguments")
    row = {"status": status, "loading_messages": messages} if status else None
    workspace.show("statuses", key, row)
    return {}


METHODS: Mapping[str, Method] = {
    "assistant.threads.setStatus": set_status,
    "chat.appendStream": append_stream,
    "chat.delete": delete,
    "chat.postEphemeral": post_ephemeral,
    "chat.postMessage": post_message,
    "chat.startStream": start_stream,
    "chat.stopStream": stop_stream,
    "chat.update": update,
    "reactions.add": add_reaction,
    "reactions.remove": remove_reaction,
    "views.publish": publish_view,
}


def _writable(workspace: Workspace, arguments: Json) -> str:
    """Return the id of the conversation to write to; raises Refusal when the bot may not."""
    channel = workspace.channel(str(arguments.get("channel")))
    if channel["is_archived"]:
        raise Refusal("is_archived")
    if not channel.get("is_member", True):
        raise Refusal("not_in_channel")
    return str(channel["id"])


def _own(workspace: Workspace, arguments: Json, otherwise: str) -> tuple[str, str]:
    """Return the channel and the time stamp of a message of the bot."""
    channel, ts = _writable(workspace, arguments), str(arguments.get("ts"))
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


def _streamed(arguments: Json) -> str:
    """Return the text of a call to a streaming method, given as a whole or in chunks."""
    chunks = parsed(arguments.get("chunks") or [], "invalid_chunks")
    text = arguments.get("markdown_text") or ""
    text += "".join(c.get("text", "") for c in chunks if c.get("type") == "markdown_text")
    if len(text) > MARKDOWN:
        raise Refusal("msg_too_long")
    return text


def _reaction(workspace: Workspace, arguments: Json) -> tuple[str, str, str, str]:
    channel = workspace.channel(str(arguments.get("channel")))
    if channel["is_archived"]:
        raise Refusal("is_archived")
    emoji = str(arguments.get("name") or "").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", emoji):
        raise Refusal("invalid_name")
    return channel["id"], str(arguments.get("timestamp")), BOT_USER, emoji


def _clear_status(workspace: Workspace, channel: str, message: Json) -> None:
    """Clear the status of a thread, as Slack does when the app replies in it."""
    workspace.show("statuses", f"{channel}/{message.get('thread_ts')}", None)
