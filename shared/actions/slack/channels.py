"""Posts into channels, finds each post by its metadata, and reads threads."""

import time
from html import unescape
from itertools import islice

from shared.actions import Mark, Receipt
from shared.actions.asking import AskChannel
from shared.actions.slack.actions import FindEffect, FindThread, Post, ReadThread
from shared.actions.slack.cards import buttons_below
from shared.actions.slack.errors import SlackEndless
from shared.actions.slack.people import is_shared
from shared.actions.slack.session import SlackSession, link, metadata, read
from shared.actions.slack.text import pieces
from shared.errors import ActionRejected, ActionUnavailable, EffectUnknown
from shared.events import Json, SlackMessage, Thread
from shared.patterns import lazily

#: The age to search, in seconds: events, and so the retries of effects, live no longer.
_LIFE = 30 * 86_400
#: The number of pages to search in a channel, and in a thread. Slack takes less than 1000 of
#: anything a page. https://docs.slack.dev/reference/methods/conversations.history
_PAGES, _PAGE = 5, 999
#: Characters of one message.
_SAID = 3_000
#: Whom a message addresses.
_ADDRESSED = lazily(r"\s*<@(\w+)(?:\|[^>]*)?>[\s,:]*")


def send_post(session: SlackSession, post: Post, mark: Mark, *_: object) -> Receipt:
    """Post it, or its missing pieces: the first into the channel, the others into its thread."""
    channel, texts = channel_id(session, post.channel.name), pieces(post.text, hosts=mark.hosts)
    team = session.identity.team  # asked before anything is posted: a failure posts it again
    # A short post is sent at once: `find` runs before a second try.
    root = _root(session, channel, mark) if len(texts) > 1 else ""
    below = buttons_below(post.buttons)
    root = root or session.announce(channel, texts[0], metadata(mark, 0, len(texts)), below)
    thread = Thread(team, channel, root)
    try:
        posted = dict(session.marked(thread, mark)) if len(texts) > 1 else {0: root}
        for part, text in enumerate(texts):
            if part not in posted:
                about = metadata(mark, part, len(texts))
                posted[part] = session.post(thread, text, about)
    except ActionUnavailable as err:
        err.sent = True  # the first piece is there
        raise
    return _receipt(thread)


def find_post(session: SlackSession, post: Post, mark: Mark) -> Receipt | None:
    """Look for all pieces; raises EffectUnknown when the channel has too many newer messages."""
    channel, texts = channel_id(session, post.channel.name), pieces(post.text)
    root = _root(session, channel, mark)
    if not root:
        return None
    thread = Thread(session.identity.team, channel, root)
    if len(texts) > 1 and len(dict(session.marked(thread, mark))) < len(texts):
        return None
    return _receipt(thread)


def read_thread(session: SlackSession, query: ReadThread) -> Json:
    """Return the messages of a thread with Slack's escapes undone."""
    said: list[Json] = []
    complete = False
    try:
        for page in islice(session.pages(query.thread), _PAGES):
            said += page["messages"]
            complete = not page.get("has_more")
    except SlackEndless:
        complete = False
    if not said:
        raise ActionRejected(f"slack: could not read thread {query.thread.ref}: it is not there")
    limit = max(query.limit, 1)
    kept = said if len(said) <= limit else [said[0], *said[len(said) - limit + 1 :]]
    return {
        "items": [_said(session, message) for message in kept],
        "complete": complete and len(said) <= limit,
    }


def find_thread(session: SlackSession, query: FindThread) -> Json:
    """Return the thread of a message; raises ActionRejected when the message is not there."""
    message = query.message
    found = next(iter(_messages_at(session, message, "find the thread of")), {})
    return {"ts": str(found.get("thread_ts") or message.ts)}


def find_effect(session: SlackSession, query: FindEffect) -> Json:
    """Return the key in the mark of a message; anybody could write one, so only ours count."""
    message = query.message
    told = _messages_at(session, message, "look at", include_all_metadata=True)
    found = next((one for one in told if one["ts"] == message.ts), {})
    payload = (found.get("metadata") or {}).get("event_payload") or {}
    is_ours = found.get("bot_id") == session.identity.bot
    return {"effect": str(payload.get("effect") or "") if is_ours else ""}


def _messages_at(
    session: SlackSession, message: SlackMessage, why: str, **more: bool
) -> list[Json]:
    """Return what Slack tells of a message: of the thread that it begins, or of itself."""
    told: list[Json] = read(
        f"{why} {message.ref}",
        session.client.conversations_replies,
        channel=message.channel,
        ts=message.ts,
        limit=1,
        **more,
    )["messages"]
    return told


def ask_channel(session: SlackSession, query: AskChannel) -> Json:
    """Tell of a channel what decides who reads what is said there."""
    channel = channel_id(session, query.name)
    about = {"team": session.identity.team, "channel": channel}
    found = read(
        f"look up channel {query.name}", session.client.conversations_info, channel=channel
    )
    told = found.get("channel") or {}
    return {**about, "private": told.get("is_private") is not False, "shared": is_shared(told)}


def channel_id(session: SlackSession, name: str) -> str:
    """Return the id of the channel; raises ActionRejected when the bot sees none of that name."""
    if not name.startswith("#"):
        return name
    listed = session.listed(
        f"find channel {name}, so name it by its id",
        session.client.conversations_list,
        types="public_channel,private_channel",
        limit=_PAGE,
    )
    for page in listed:
        for channel in page["channels"]:
            if channel.get("name") == name[1:]:
                return str(channel["id"])
    raise ActionRejected(
        f"slack: could not find channel {name}: the app sees none of that name;"
        " invite the app to the channel (/invite @app), or name it by its id"
    )


def _root(session: SlackSession, channel: str, mark: Mark) -> str:
    """Return the time stamp of the effect's first message in the channel; empty without one."""
    listed = session.listed(
        f"look into channel {channel}",
        session.client.conversations_history,
        _PAGES,
        channel=channel,
        oldest=f"{time.time() - _LIFE:.6f}",
        include_all_metadata=True,
        limit=_PAGE,
    )
    try:
        found = (m for page in listed for m in page["messages"] if session.is_of(m, mark))
        return str(next(found, {"ts": ""})["ts"])
    except SlackEndless as err:
        raise EffectUnknown(
            f"slack: channel {channel} has more than {_PAGES * _PAGE} new messages, and the newest"
            f" of them do not hold effect {mark.key[:12]}; look for it there"
        ) from err


def _said(session: SlackSession, message: Json) -> Json:
    bot, text = message.get("bot_id", ""), message.get("text", "")
    if (found := _ADDRESSED.match(text)) and found[1] == session.identity.user:
        text = text[found.end() :]
    text = unescape(text)
    return {
        "author": message.get("user") or bot,
        "text": text if len(text) <= _SAID else f"{text[: _SAID - 1]}…",
        "at": message["ts"],
        **({"own": True} if bot and bot == session.identity.bot else {}),
    }


def _receipt(thread: Thread) -> Receipt:
    return Receipt(thread.ts, link(thread), {"channel": thread.channel, "ts": thread.ts})
