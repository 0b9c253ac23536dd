"""Answers assistant.search.context.

https://docs.slack.dev/reference/methods/assistant.search.context
"""

import re
from collections.abc import Callable

from infra.local.sandbox.slack.search.tokens import ActionTokens
from infra.local.sandbox.slack.workspace import BOT_USER, DOMAIN, TEAM, Refusal, Workspace
from shared.events import Json

_TYPES = {"public_channel": "is_channel", "private_channel": "is_group", "im": "is_im"}
_MOST = 20
_WORD = re.compile(r"[^\W_]{3,}|[\u3400-\u9fff]{2}")


def searching(tokens: ActionTokens) -> dict[str, Callable[[Workspace, Json], Json]]:
    """Return the methods of the Web API that take one of these tokens."""
    return {"assistant.search.context": lambda workspace, said: search(workspace, tokens, said)}


def search(workspace: Workspace, tokens: ActionTokens, arguments: Json) -> Json:
    """Find the messages with words of the query, those with most of them first."""
    words = _words(str(arguments.get("query") or ""))
    if not tokens.owner(str(arguments.get("action_token") or "")):
        raise Refusal("invalid_action_token")
    if not words:
        raise Refusal("invalid_arguments")
    limit = int(str(arguments.get("limit") or _MOST))
    if not 0 < limit <= _MOST:
        raise Refusal("invalid_limit")
    flags = [_TYPES[name] for name in _listed(arguments, "channel_types") if name in _TYPES]
    rows = [
        (len(words & _words(message["text"])), message["ts"], channel, message)
        for channel in workspace.channels.values()
        if any(channel.get(flag) for flag in flags) and not channel["is_archived"]
        for message in workspace.messages(channel["id"])
        if message["user"] != BOT_USER and "subtype" not in message
    ]
    found = sorted((row for row in rows if row[0]), key=lambda row: row[:2], reverse=True)
    shown = [_shown(channel, message) for _, _, channel, message in found[:limit]]
    return {"results": {"messages": shown}, "response_metadata": {"next_cursor": ""}}


def _shown(channel: Json, message: Json) -> Json:
    address = f"https://{DOMAIN}.slack.com/archives/{channel['id']}"
    return {
        "author_user_id": message["user"],
        "team_id": TEAM,
        "channel_id": channel["id"],
        "message_ts": message["ts"],
        "content": message["text"],
        "is_author_bot": False,
        "permalink": f"{address}/p{message['ts'].replace('.', '')}",
    }


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.lower()))


def _listed(arguments: Json, name: str) -> list[str]:
    given = arguments.get(name) or ["public_channel"]
    return given.split(",") if isinstance(given, str) else [str(one) for one in given]
