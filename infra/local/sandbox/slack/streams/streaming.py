"""Messages that grow: a stream is started, appended to and stopped. Slack ends it by itself five
minutes after its start, whatever comes meanwhile; the message then stands as it is and can be
changed by chat.update only.

https://docs.slack.dev/reference/methods/chat.startStream
https://github.com/slackapi/python-slack-sdk/issues/1859
"""

from collections.abc import Callable, Mapping

from infra.local.sandbox.slack.blocks import MARKDOWN, checked_blocks, checked_metadata, parsed
from infra.local.sandbox.slack.chat import own_message, writable
from infra.local.sandbox.slack.streams.sessions import move_session
from infra.local.sandbox.slack.workspace import BOT_USER, Refusal, Workspace
from shared.events import Json

_RUNNING, _OVER = "in_progress", "completed"
#: What a chunk may be: https://docs.slack.dev/reference/methods/chat.appendStream
_CHUNKS = {"blocks", "markdown_text", "plan_update", "task_update"}


def start_stream(workspace: Workspace, arguments: Json) -> Json:
    channel = writable(workspace, arguments)
    if not channel.startswith("D"):
        for name in ("recipient_team_id", "recipient_user_id"):
            if not arguments.get(name):
                raise Refusal(f"missing_{name}")
    thread = str(arguments.get("thread_ts"))
    try:
        workspace.message(channel, thread)
    except Refusal:
        raise Refusal("invalid_thread_ts") from None
    text = _streamed(arguments)
    stream = {"text": text, "streaming_state": _RUNNING, "began": workspace.now(), "first": text}
    stream["recipient"] = arguments.get("recipient_user_id", "")
    message = workspace.post(channel, BOT_USER, thread, **stream)
    return {"channel": channel, "ts": message["ts"]}


def append_stream(workspace: Workspace, arguments: Json) -> Json:
    channel, ts = own_message(workspace, arguments, "message_not_owned_by_app")
    text = _streamed(arguments)
    if not text:
        raise Refusal("no_text")
    _grow(workspace, channel, ts, text)
    return {"channel": channel, "ts": ts}


def stop_stream(workspace: Workspace, arguments: Json) -> Json:
    """End a stream, and set the status of the session, if there is one."""
    channel, ts = own_message(workspace, arguments, "message_not_owned_by_app")
    fields: Json = {"streaming_state": _OVER}
    below = checked_blocks(arguments["blocks"]) if arguments.get("blocks") else []
    if arguments.get("metadata"):
        fields["metadata"] = checked_metadata(arguments["metadata"])
    last = _grow(workspace, channel, ts, _streamed(arguments))
    if below:  # they stand below what was streamed
        fields["blocks"] = [{"type": "markdown", "text": last["text"]}, *below]
    message = workspace.edit(channel, ts, BOT_USER, text=last["text"], **fields)
    if "thread_ts" in message:
        status = str(arguments.get("session_status") or "active")
        move_session(workspace, channel, message["thread_ts"], status)
    return {"channel": channel, "ts": ts, "message": message}


METHODS: Mapping[str, Callable[[Workspace, Json], Json]] = {
    "chat.appendStream": append_stream,
    "chat.startStream": start_stream,
    "chat.stopStream": stop_stream,
}


def seen_by(workspace: Workspace, message: Json, user: str) -> str:
    """Return the text of a message as `user` sees it. In a channel only the recipient of a stream
    sees it grow; the others see how it began, until it is over."""
    others = message.get("recipient") and message["recipient"] != user
    is_partial = others and workspace.is_growing(message)
    return str(message["first"] if is_partial else message.get("text", ""))


def stop_by_person(workspace: Workspace, channel: str, thread: str) -> list[str]:
    """End the streams of a thread, as Slack does when a person presses Stop; returns which."""
    stopped = [
        message["ts"]
        for message in workspace.thread(channel, thread)
        if workspace.is_growing(message)
    ]
    for ts in stopped:
        workspace.put(channel, ts, streaming_state="stopped_by_user")
    return stopped


def _grow(workspace: Workspace, channel: str, ts: str, text: str) -> Json:
    """Append to a stream; that makes no event. Raises Refusal when it is over."""
    message = workspace.message(channel, ts)
    if message.get("streaming_state") == "stopped_by_user":
        raise Refusal("stopped_by_user")
    if not workspace.is_growing(message):
        raise Refusal("message_not_in_streaming_state")
    whole = message["text"] + text
    if len(whole) > MARKDOWN:
        raise Refusal("msg_too_long")
    return workspace.put(channel, ts, text=whole)


def _streamed(arguments: Json) -> str:
    """Return the text of a call to a streaming method, given as a whole or in chunks."""
    chunks = parsed(arguments.get("chunks") or [], "invalid_chunks")
    if any(not isinstance(one, dict) or one.get("type") not in _CHUNKS for one in chunks):
        raise Refusal("invalid_chunks")
    text = str(arguments.get("markdown_text") or "")
    text += "".join(c.get("text", "") for c in chunks if c["type"] == "markdown_text")
    if len(text) > MARKDOWN:
        raise Refusal("msg_too_long")
    return text
