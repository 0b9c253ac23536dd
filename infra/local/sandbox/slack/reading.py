"""The Web API's methods that read: who the bot is, conversations, messages, people, reactions."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.local.sandbox.slack.workspace import (
    BOT,
    BOT_USER,
    DOMAIN,
    STREAMED,
    Refusal,
    Workspace,
)
from shared.events import Json

Method = Callable[[Workspace, Json], Json]
#: What Slack says of a channel of one company; of a direct message it does not.
_UNSHARED = {"is_shared": False, "is_ext_shared": False, "is_pending_ext_shared": False}
_TYPES = {"im": "is_im", "public_channel": "is_channel", "private_channel": "is_group"}


def auth_test(workspace: Workspace, arguments: Json) -> Json:
    return {
        "url": f"https://{DOMAIN}.slack.com/",
        "team": DOMAIN,
        "user": workspace.users[BOT_USER]["name"],
        "team_id": workspace.team,
        "user_id": BOT_USER,
        "bot_id": BOT,
        "is_enterprise_install": False,
    }


def history(workspace: Workspace, arguments: Json) -> Json:
    """Return the newest first, without the replies in threads."""
    channel = _readable(workspace, arguments)
    messages = workspace.messages(channel)
    roots = [m for m in messages if m.get("thread_ts", m["ts"]) == m["ts"]]
    answered = {m["thread_ts"] for m in messages if m.get("thread_ts", m["ts"]) != m["ts"]}
    page = _page("messages", _between(roots, arguments)[::-1], arguments, default=100)
    rooted = [
        workspace.thread(channel, message["ts"])[0] if message["ts"] in answered else message
        for message in page["messages"]
    ]
    return page | {"messages": _shown(rooted, arguments)}


def replies(workspace: Workspace, arguments: Json) -> Json:
    """Return a message and its replies, the oldest first; of a reply only itself."""
    try:
        thread = workspace.thread(_readable(workspace, arguments), str(arguments.get("ts")))
    except Refusal as err:
        raise Refusal("thread_not_found") if err.error == "message_not_found" else err from None
    kept = [thread[0], *_between(thread[1:], arguments)]
    return _page("messages", _shown(kept, arguments), arguments, default=1000)


def conversation(workspace: Workspace, arguments: Json) -> Json:
    """Return a conversation; nobody learns of a private channel from outside."""
    channel = workspace.channel(str(arguments.get("channel")))
    if channel.get("is_private") and not channel.get("is_member"):
        raise Refusal("channel_not_found")
    told = {} if channel["is_im"] else _UNSHARED
    return {"channel": {**told, "is_org_shared": False, **channel}}


def conversations(workspace: Workspace, arguments: Json) -> Json:
    wanted = str(arguments.get("types") or "public_channel").split(",")
    flags = [_TYPES[name] for name in wanted if name in _TYPES]
    found = [c for c in workspace.channels.values() if any(c.get(flag) for flag in flags)]
    # Nobody learns of a private channel from outside.
    found = [c for c in found if c.get("is_member", True) or not c.get("is_private")]
    if _true(arguments.get("exclude_archived")):
        found = [channel for channel in found if not channel["is_archived"]]
    return _page("channels", found, arguments, default=100)


def open_conversation(workspace: Workspace, arguments: Json) -> Json:
    if arguments.get("channel"):
        return {"channel": {"id": workspace.channel(arguments["channel"])["id"]}}
    users = str(arguments.get("users") or "").split(",")
    if len(users) != 1:
        raise Refusal("method_not_supported_for_channel_type")
    return {"channel": {"id": workspace.open_dm(users[0])["id"]}}


def user(workspace: Workspace, arguments: Json) -> Json:
    try:
        return {"user": workspace.users[str(arguments.get("user"))]}
    except KeyError:
        raise Refusal("user_not_found") from None


def reactions(workspace: Workspace, arguments: Json) -> Json:
    channel = _readable(workspace, arguments)
    message = workspace.message(channel, str(arguments.get("timestamp")))
    return {"type": "message", "channel": channel, "message": _shown([message], {})[0]}


def members(workspace: Workspace, arguments: Json) -> Json:
    """Return the ids of who is in a conversation: of a private channel those who were added."""
    channel = workspace.channel(_readable(workspace, arguments))
    everybody = [id_ for id_, one in workspace.users.items() if not one["is_stranger"]]
    of_dm = [channel["user"], BOT_USER] if channel["is_im"] else everybody
    page = _page("members", [{"id": one} for one in channel.get("members", of_dm)], arguments, 100)
    return page | {"members": [one["id"] for one in page["members"]]}


METHODS: Mapping[str, Method] = {
    "auth.test": auth_test,
    "conversations.history": history,
    "conversations.info": conversation,
    "conversations.list": conversations,
    "conversations.members": members,
    "conversations.open": open_conversation,
    "conversations.replies": replies,
    "reactions.get": reactions,
    "users.info": user,
}


def _readable(workspace: Workspace, arguments: Json) -> str:
    channel = workspace.channel(str(arguments.get("channel")))
    if not channel.get("is_member", True):
        raise Refusal("not_in_channel")
    return str(channel["id"])


def _between(messages: list[Json], arguments: Json) -> list[Json]:
    """Keep the messages after `oldest` and before `latest`."""
    oldest = str(arguments.get("oldest") or "0")
    latest = str(arguments.get("latest") or "9")
    bounds = {oldest, latest} if _true(arguments.get("inclusive")) else set()
    return [m for m in messages if oldest < m["ts"] < latest or m["ts"] in bounds]


def _shown(messages: list[Json], arguments: Json) -> list[Json]:
    """Drop the metadata of messages, unless it was asked for."""
    hidden = {*STREAMED, *(() if _true(arguments.get("include_all_metadata")) else ("metadata",))}
    return [{k: v for k, v in message.items() if k not in hidden} for message in messages]


def _page(name: str, rows: Sequence[Json], arguments: Json, default: int) -> Json:
    """Return one page of `rows` and the cursor of the next."""
    try:
        start = int(urlsafe_b64decode(str(arguments.get("cursor") or "MA==")))
    except (ValueError, Base64Error):
        raise Refusal("invalid_cursor") from None
    limit = int(given) if (given := str(arguments.get("limit") or default)).isdigit() else 0
    if not 0 < limit <= 1000:
        raise Refusal("invalid_limit")
    more = start + limit < len(rows)
    following = urlsafe_b64encode(str(start + limit).encode()).decode() if more else ""
    page = {name: rows[start : start + limit], "response_metadata": {"next_cursor": following}}
    return page | ({"has_more": more} if name == "messages" else {})


def _true(value: Any) -> bool:
    """Read a flag, which comes as JSON or as a word in a form."""
    return str(value).lower() in {"1", "true"}
