"""Searches the messages of a workspace for the person who asks."""

from html import unescape

from shared.actions.slack.heard.queries import SearchSlack
from shared.actions.slack.people import is_shared
from shared.actions.slack.session import SlackSession, read
from shared.errors import ActionRejected
from shared.events import Json

#: The most that Slack returns at once.
#: https://docs.slack.dev/reference/methods/assistant.search.context
_MOST = 20


def search_slack(session: SlackSession, query: SearchSlack) -> list[Json]:
    """Search with the token that the event brought. A bot may search public channels alone; some of
    these are shared with other companies, or have become private, so each is looked up.

    https://docs.slack.dev/ai/using-data-access-api/
    """
    found = read(
        "search Slack",
        session.client.api_call,
        api_method="assistant.search.context",
        json={
            "query": query.words,
            "action_token": query.token,
            "channel_types": ["public_channel"],
            "content_types": ["messages"],
            "limit": min(2 * query.limit, _MOST),
        },
    )
    rows = (found.get("results") or {}).get("messages") or []
    rows = [row for row in rows if row.get("team_id", query.team) == query.team]
    open_: dict[str, Json | None] = {}
    kept: list[Json] = []
    for row in rows:
        channel = str(row.get("channel_id") or "")
        if len(kept) == query.limit:
            break
        if channel not in open_:
            open_[channel] = _open(session, channel)
        if (about := open_[channel]) is not None:
            kept.append(_said(row, channel, about))
    return kept


def _open(session: SlackSession, channel: str) -> Json | None:
    """Describe a channel that the whole workspace may read, and nobody else; None for others."""
    try:
        found = read("look up a channel", session.client.conversations_info, channel=channel)
    except ActionRejected:
        return None
    about: Json = found.get("channel") or {}
    is_public = about.get("is_private") is False and about.get("id") == channel
    return about if is_public and not is_shared(about) else None


def _said(row: Json, channel: str, about: Json) -> Json:
    return {
        "channel": channel,
        "name": str(about.get("name") or channel),
        "ts": str(row.get("message_ts") or ""),
        "author": str(row.get("author_user_id") or ""),
        "text": unescape(str(row.get("content") or "")),
        "url": str(row.get("permalink") or ""),
    }
