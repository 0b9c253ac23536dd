"""Shows a reply while it grows, in a message that the finished reply takes over: a stream in direct
messages, elsewhere a message that is changed."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from shared.actions import Mark, Receipt
from shared.actions.slack.actions import Draft
from shared.actions.slack.errors import SlackRefused
from shared.actions.slack.session import SlackSession, metadata
from shared.actions.slack.streaming import stream
from shared.actions.slack.streaming.steady import steady
from shared.actions.slack.text import FENCE_ROOM, PIECE, closed, ends_in_fence, pieces
from shared.events import Thread

#: The first halves of the characters that UTF-16 writes in two.
_HALVES = "".join(map(chr, range(0xD800, 0xDC00)))
#: The texts that streams show, by their time stamps; None for one that is not known.
Streams = dict[str, str | None]


def show_draft(
    session: SlackSession, draft: Draft, mark: Mark, previous: Receipt | None
) -> Receipt:
    """Show the text in the draft of `previous`, or in a new message; without a text, remove all
    drafts of `previous`."""
    thread, drafts, streams = draft.thread, drafts_in(previous), streams_in(previous)
    if not draft.text:
        remove_drafts(session, thread, drafts, streams)
        return _receipt(thread, [])
    if drafts and drafts[0] in streams:
        return _grow(session, draft, mark, drafts, streams)
    if not drafts and draft.streams and stream.is_streamed(thread):
        text = steady(draft.text, mark.hosts)
        if not text:
            return _receipt(thread, [])
        ts = stream.start(session, thread, text, mark)
        return _receipt(thread, [ts], {ts: text})
    text, about = unfinished(draft.text, mark.hosts), metadata(mark, 0, 1)
    if not drafts:
        return _receipt(thread, [session.post(thread, text, about)])
    # With its metadata: a change that arrives late must not pass for the finished reply.
    session.change(thread, drafts[0], text, about)
    return _receipt(thread, drafts, streams)


def _grow(
    session: SlackSession, draft: Draft, mark: Mark, drafts: list[str], streams: Streams
) -> Receipt:
    """Append to a stream; where that cannot be, go on in the same message by changing it."""
    thread, ts = draft.thread, drafts[0]
    shown, text = streams[ts], steady(draft.text, mark.hosts)
    if shown is not None and text.startswith(shown):
        rest = text[len(shown) :]
        try:
            if rest:
                stream.append(session, thread, ts, rest)
            return _receipt(thread, drafts, {**streams, ts: text})
        except SlackRefused as err:
            if err.code == "stopped_by_user":
                raise
    stream.stop(session, thread, ts)
    session.change(thread, ts, unfinished(draft.text, mark.hosts), metadata(mark, 0, 1))
    return _receipt(thread, drafts, {one: streams[one] for one in streams if one != ts})


def find_draft(session: SlackSession, draft: Draft, mark: Mark) -> Receipt | None:
    found: list[str] = []
    streams: Streams = {}
    for page in session.pages(draft.thread):
        for message in page["messages"]:
            if session.is_of(message, mark):
                found.append(message["ts"])
            elif session.is_ours(message) and stream.is_of(message, mark):
                found.append(message["ts"])
                streams[message["ts"]] = None
    return _receipt(draft.thread, found, streams) if found else None


def drafts_in(previous: Receipt | None) -> list[str]:
    """Return the time stamps of the drafts that a receipt names."""
    data: dict[str, Any] = (previous and previous.data) or {}
    return list(data.get("draft", ()))


def streams_in(previous: Receipt | None) -> Streams:
    """Return which of the drafts are streams, and what they show."""
    data: dict[str, Any] = (previous and previous.data) or {}
    return dict(data.get("streams", {}))


def remove_drafts(
    session: SlackSession, thread: Thread, drafts: list[str], streams: Collection[str] = ()
) -> None:
    for ts in drafts:
        if ts in streams:
            stream.stop(session, thread, ts)
        # Refused when it is gone, or has to stay, which nobody can help.
        with suppress(SlackRefused):
            session.remove(thread, ts)


def unfinished(markdown: str, hosts: Collection[str] = ()) -> str:
    """Return the first piece of a text that still grows, with a sign that more follows.

    An open code block is closed, so that it reads as one.
    """
    # The other half of an emoji may be on its way.
    whole = markdown.rstrip().rstrip(_HALVES).rstrip()
    shown = closed(pieces(whole, PIECE - FENCE_ROOM, hosts)[0])
    return f"{shown}\n…" if ends_in_fence(shown) else f"{shown} …"


def _receipt(thread: Thread, stamps: list[str], streams: Streams | None = None) -> Receipt:
    """Name the drafts in the thread; a crash can leave more than one."""
    data = {"channel": thread.channel, "draft": stamps, "streams": streams or {}}
    return Receipt(stamps[0] if stamps else "", data=data)
