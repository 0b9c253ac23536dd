"""Reads a message that somebody links to, if all who read the answer may see it."""

from html import unescape

from shared.actions.slack.errors import SlackRefused
from shared.actions.slack.heard.queries import ReadLinked
from shared.actions.slack.people import is_shared
from shared.actions.slack.session import SlackSession, read
from shared.events import Json

#: Characters of the message.
_SAID = 6_000


def read_linked(session: SlackSession, query: ReadLinked) -> Json:
    """Return the message as it is now, or a note of why it is not told here."""
    try:
        if query.channel != query.thread.channel and not _is_told(session, query):
            return {"note": "not everybody who reads this may see it"}
        page = read(
            f"read message {query.ts} in {query.channel}",
            session.client.conversations_replies,
            channel=query.channel,
            ts=query.root,
            oldest=query.ts,
            latest=query.ts,
            inclusive=True,
            limit=2,
        )
    except SlackRefused as err:
        return {"note": f"I cannot read it there ({err.code})"}
    for message in page["messages"]:
        if message.get("ts") == query.ts and message.get("subtype") != "tombstone":
            author = str(message.get("user") or message.get("bot_id") or "")
            text = unescape(str(message.get("text") or ""))
            return {"author": author, "text": text[:_SAID], "at": query.ts}
    return {"note": "it is not there any more"}


def _is_told(session: SlackSession, query: ReadLinked) -> bool:
    """Were the readers of the thread told what is said in that channel?"""
    doing, info = f"look up channel {query.channel}", session.client.conversations_info
    channel = read(doing, info, channel=query.channel).get("channel") or {}
    return audience_of(session, query.channel, channel) in query.audiences


def audience_of(session: SlackSession, id_: str, channel: Json) -> str:
    """Return the audience of what is said in a channel, of which Slack tells this."""
    if is_shared(channel):
        return f"shared:{id_}"
    if channel.get("is_im"):
        return f"dm:{id_}"
    if channel.get("is_channel") is True and channel.get("is_private") is False:
        return f"team:{session.identity.team}"
    return f"channel:{id_}"
