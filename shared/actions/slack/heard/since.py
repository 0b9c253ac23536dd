"""Reads what was said in a conversation since a message."""

from shared.actions.slack.errors import SlackRefused
from shared.actions.slack.heard.queries import ReadSince
from shared.actions.slack.session import SlackSession, read
from shared.events import Json

#: The fields of a message that say what it says. Its blocks repeat its text, where it has one.
_TOLD = (
    *(
        "type",
        "subtype",
        "user",
        "bot_id",
        "app_id",
        "bot_profile",
        "username",
        "team",
        "user_team",
    ),
    *("text", "ts", "thread_ts", "files", "attachments", "metadata", "edited"),
)


def read_since(session: SlackSession, query: ReadSince) -> Json:
    """Return the message as it is now, and those after it; one call.

    https://docs.slack.dev/reference/methods/conversations.replies (which returns the first message
    of a thread, too) and https://docs.slack.dev/reference/methods/conversations.history
    """
    about = {"channel": query.thread.channel, "oldest": query.ts, "inclusive": True}
    doing = f"read what was said in {query.thread.ref}"
    client = session.client
    try:
        if query.alone:
            page = read(doing, client.conversations_history, limit=999, **about)
        else:
            about |= {"ts": query.thread.ts, "include_all_metadata": True}
            page = read(doing, client.conversations_replies, limit=query.limit + 1, **about)
    except SlackRefused as err:
        if err.code not in {"thread_not_found", "message_not_found"}:
            raise
        page = {"messages": []}
    said = sorted((_told(one) for one in page["messages"]), key=lambda one: moment(one["ts"]))
    # Of too many in a direct message the first page has the newest.
    is_cut = query.alone and bool(page.get("has_more"))
    since = [one for one in said if moment(one["ts"]) >= moment(query.ts)][: query.limit]
    found = any(one["ts"] == query.ts and one.get("subtype") != "tombstone" for one in since)
    return {"items": since, "found": found or is_cut}


def _told(message: Json) -> Json:
    """Return a message of a list without what says nothing."""
    names = (*_TOLD, *(() if message.get("text") else ("blocks",)))
    return {name: message[name] for name in names if name in message}


def moment(ts: str) -> tuple[int, int]:
    """Return a time stamp as two numbers, which compare."""
    seconds, _, fraction = ts.partition(".")
    return int(seconds), int(fraction or 0)
