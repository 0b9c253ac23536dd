"""Reads what people said in a channel or a thread between two moments, with the replies in threads.

https://docs.slack.dev/reference/methods/conversations.history tells no replies, and
https://docs.slack.dev/reference/methods/conversations.replies those of one thread.
"""

from dataclasses import replace
from html import unescape
from itertools import islice

from shared.actions.asking import AskReader
from shared.actions.slack.channels import channel_id
from shared.actions.slack.errors import SlackEndless, SlackRefused
from shared.actions.slack.heard.linked import audience_of
from shared.actions.slack.heard.queries import ReadSpan
from shared.actions.slack.heard.since import moment
from shared.actions.slack.people import ask_reader
from shared.actions.slack.session import SlackSession, read
from shared.events import Json

#: Pages of a channel and of a thread, messages of a page, and threads whose replies are read: of
#: those that began in the time that is asked for, and of those before.
_PAGES, _PAGE, _THREADS, _OLDER = 2, 999, 20, 10
#: Seconds before that time in which threads are looked for that go on.
_BACK = 30 * 86_400
#: Characters of one message.
_SAID = 2_000
#: Kinds of messages in which people talk; all others tell of joins, topics, pins and the like.
#: https://docs.slack.dev/reference/events/message
_TALK = frozenset({None, "", "file_share", "me_message", "thread_broadcast"})
_WHY = {
    "not_in_channel": "I am not in that channel. Invite me there (`/invite`) and ask again.",
    "channel_not_found": "I see no such channel. If it is private, invite me there and ask again.",
    "thread_not_found": "That message is not there any more.",
}


def read_span(session: SlackSession, query: ReadSpan) -> Json:
    """Return what was said; a person is told of another channel only what they may read there."""
    try:
        id_ = channel_id(session, query.channel)
        about = {"channel": id_, "audience": "", "name": ""}
        if id_ != query.here:
            if not ask_reader(session, AskReader(query.team, id_, query.user))["reads"]:
                return {"note": "You do not read that channel."}
            about |= _told_to(session, id_)
        said, complete = _said(session, query, id_)
    except SlackRefused as err:
        return {"note": _WHY.get(err.code, f"Slack does not let me read it ({err.code}).")}
    talk = [one for one in said if _is_talk(one) and _is_between(one, query)]
    newest = sorted(talk, key=lambda one: moment(one["ts"]))[-max(query.limit, 1) :]
    complete = complete and len(newest) == len(talk)
    ordered = sorted(newest, key=lambda one: (moment(_root(one)), moment(one["ts"])))
    return {"items": [_told(one) for one in ordered], "complete": complete, **about}


def _said(session: SlackSession, query: ReadSpan, id_: str) -> tuple[list[Json], bool]:
    """Return the messages of the channel with the replies to them, or of the one thread."""
    said: dict[str, Json] = {}
    complete, threads = True, [query.thread]
    if not query.thread:
        roots, complete = _pages(session, query, id_)
        said = {one["ts"]: one for one in roots}
        threads, whole = _threads(session, query, id_, roots)
        complete = complete and whole
    for root in threads:
        replies, whole = _pages(session, query, id_, root)
        if query.thread and replies and _root(replies[0]) != root:
            # A reply was named; Slack gives it alone, with the thread that it is in.
            replies, whole = _pages(session, query, id_, _root(replies[0]))
        said |= {one["ts"]: one for one in replies}
        complete = complete and whole
    return [*said.values()], complete


def _told_to(session: SlackSession, id_: str) -> Json:
    info = session.client.conversations_info
    channel = read(f"look up channel {id_}", info, channel=id_).get("channel") or {}
    return {"audience": audience_of(session, id_, channel), "name": str(channel.get("name") or "")}


def _threads(
    session: SlackSession, query: ReadSpan, id_: str, roots: list[Json]
) -> tuple[list[str], bool]:
    """Return the threads to read, and if these are all: of `roots` those with most replies, and of
    older ones those that people wrote in last."""
    if query.among is not None:
        return [*query.among], True
    busy = [one for one in roots if one.get("reply_count")]
    busy.sort(key=lambda one: -int(one["reply_count"]))
    older = _going_on(session, query, id_) if query.oldest else []
    older.sort(key=lambda one: moment(one["latest_reply"]), reverse=True)
    chosen = [*busy[:_THREADS], *older[:_OLDER]]
    return [str(one["ts"]) for one in chosen], len(chosen) == len(busy) + len(older)


def _going_on(session: SlackSession, query: ReadSpan, id_: str) -> list[Json]:
    """Return the first messages of threads that began before the time that is asked for, and have
    replies in it. Slack lists a channel by when threads began, so it is read further back."""
    first = max(float(query.oldest) - _BACK, 0.0)
    before = replace(query, oldest=f"{first:.6f}", latest=query.oldest)
    found, _ = _pages(session, before, id_)
    border = moment(query.oldest)
    known = [one for one in found if one.get("latest_reply") and moment(one["ts"]) < border]
    return [one for one in known if moment(str(one["latest_reply"])) >= border]


def _pages(
    session: SlackSession, query: ReadSpan, id_: str, root: str = ""
) -> tuple[list[Json], bool]:
    """Read the channel, or the thread of that root, as far as the bounds go."""
    bounds = {"oldest": query.oldest or None, "latest": query.latest or None, "inclusive": True}
    about: Json = {"channel": id_, "limit": _PAGE, **bounds, **({"ts": root} if root else {})}
    client = session.client
    method = client.conversations_replies if root else client.conversations_history
    found: list[Json] = []
    complete = False
    try:
        listed = session.listed(f"read {id_} {root}".strip(), method, **about)
        for page in islice(listed, _PAGES):
            found += page["messages"]
            complete = not page.get("has_more")
    except SlackEndless:
        complete = False
    return found, complete


def _is_between(message: Json, query: ReadSpan) -> bool:
    """The first message of a thread comes with each page of it, whenever it was said."""
    at = moment(message["ts"])
    return (not query.oldest or moment(query.oldest) <= at) and (
        not query.latest or at < moment(query.latest)
    )


def _is_talk(message: Json) -> bool:
    is_app = "bot_id" in message or not message.get("user") or message["user"] == "USLACKBOT"
    return message.get("subtype") in _TALK and not is_app and bool(message.get("text"))


def _told(message: Json) -> Json:
    text = unescape(str(message["text"]))
    return {
        "author": str(message["user"]),
        "text": text if len(text) <= _SAID else f"{text[: _SAID - 1]}…",
        "at": message["ts"],
        "root": _root(message),
        "replies": int(message.get("reply_count") or 0),
    }


def _root(message: Json) -> str:
    return str(message.get("thread_ts") or message["ts"])
