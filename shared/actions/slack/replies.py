"""Replies in threads, which may take over their drafts; reactions; answers to slash commands."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.actions import Mark, Receipt
from shared.actions.slack.actions import Correct, React, Reply, Whisper
from shared.actions.slack.cards import buttons_below
from shared.actions.slack.drafts import Streams, drafts_in, remove_drafts, streams_in
from shared.actions.slack.errors import SlackRefused
from shared.actions.slack.responses import answer
from shared.actions.slack.session import (
    NO_UNFURL,
    SlackSession,
    act,
    blocks,
    link,
    metadata,
)
from shared.actions.slack.streaming import stream
from shared.actions.slack.text import pieces, plain
from shared.actions.slack.views.thumbs import thumbs
from shared.errors import ActionRejected, ActionUnavailable
from shared.events import Json, Thread
from shared.log import log


def post_reply(
    session: SlackSession, reply: Reply, mark: Mark, previous: Receipt | None
) -> Receipt:
    """Post the reply, or its missing pieces. The first takes over the draft of `previous`."""
    thread, drafts, streams = reply.thread, drafts_in(previous), streams_in(previous)
    texts = pieces(reply.told, hosts=mark.hosts)
    below = [*buttons_below(reply.buttons), *([thumbs()] if reply.rated else [])]
    # A short reply is posted at once: `find` runs before a second try.
    posted = _posted(session, thread, mark) if len(texts) > 1 else {}
    drafts = [ts for ts in drafts if ts not in posted.values()]
    first = drafts.pop(0) if drafts and 0 not in posted else ""
    try:
        remove_drafts(session, thread, drafts, streams)
        for part, text in enumerate(texts):
            if part not in posted:
                about = metadata(mark, part, len(texts))
                place = _Place("" if part else first, streams, below if text is texts[-1] else [])
                posted[part] = _put(session, thread, text, about, place)
    except ActionUnavailable as err:
        err.sent = err.sent or bool(posted)
        raise
    return _receipt(thread, posted)


def correct_reply(session: SlackSession, new: Correct, mark: Mark, *_: object) -> Receipt:
    """Put the pieces of the text into the messages of the reply; post those that need more."""
    thread, texts = new.thread, pieces(new.text, hosts=mark.hosts)
    posted = _posted(session, thread, mark)
    left = [ts for ts in new.stamps if ts not in posted.values()]
    try:
        for part, text in enumerate(texts):
            if part not in posted:
                about = metadata(mark, part, len(texts))
                below = [thumbs()] if text is texts[-1] else []
                place = _Place(left.pop(0) if left else "", {}, below)
                posted[part] = _put(session, thread, text, about, place)
    except ActionUnavailable as err:
        err.sent = err.sent or bool(posted)
        raise
    remove_drafts(session, thread, left)
    return _receipt(thread, posted)


def find_reply(session: SlackSession, reply: Reply | Correct, mark: Mark) -> Receipt | None:
    posted = _posted(session, reply.thread, mark)
    complete = len(posted) == len(pieces(reply.told))
    return _receipt(reply.thread, posted) if complete else None


def add_reaction(session: SlackSession, react: React, *_: object) -> Receipt:
    message = react.message
    try:
        act(
            f"react to {message.ref}",
            session.client.reactions_add,
            channel=message.channel,
            timestamp=message.ts,
            name=react.emoji,
        )
    except SlackRefused as err:
        # Somebody deleted it meanwhile; or without the right there is an answer all the same.
        if err.code not in {"already_reacted", "message_not_found", "missing_scope"}:
            raise
        log("emoji not put", reason=str(err))
    return Receipt(f"{message.ts}:{react.emoji}", link(message))


def send_whisper(session: SlackSession, whisper: Whisper, mark: Mark, *_: object) -> Receipt:
    """Answer a command or a click, in at most five messages, which Slack takes for half an hour.
    https://docs.slack.dev/interactivity/handling-user-interaction#message_responses"""
    response, client = whisper.response, session.client
    doing = f"answer a command in {response.ref}"
    for body in _whispered(whisper, mark):
        status = answer(doing, response.url, body, api_url=client.base_url, timeout=client.timeout)
        if status == 429 or status >= 500:
            raise ActionUnavailable(f"slack: could not {doing}: HTTP {status}", sent=False)
        if status != 200:
            raise ActionRejected(
                f"slack: could not {doing}: HTTP {status}; the command is older than 30 minutes"
                " or was answered five times, so give it again"
            )
    return Receipt("")


def _whispered(whisper: Whisper, mark: Mark) -> list[Json]:
    """Return the bodies of a whisper. One that replaces a message is a single one."""
    if whisper.replaces and not whisper.text:
        return [{"delete_original": True}]
    texts = pieces(whisper.told, hosts=mark.hosts)[: 1 if whisper.replaces else 5]
    over = {"replace_original": True} if whisper.replaces else {}
    about = {"response_type": "ephemeral", **over, **NO_UNFURL}
    return [{**about, "text": plain(text), "blocks": blocks(text)} for text in texts]


class _Place(NamedTuple):
    """Where a piece of a reply goes: the draft that it is put `over`, if any, of which some are
    streams; and the blocks `below` it."""

    over: str
    streams: Streams
    below: Sequence[Json]


def _put(session: SlackSession, thread: Thread, text: str, about: Json, place: _Place) -> str:
    """Turn the draft into a piece of the reply, or post that piece, and return its time stamp."""
    over, streams, below = place
    if over:
        try:
            if over in streams:
                growing = stream.Stream(thread, over, streams[over])
                stream.finish(session, growing, text, about, below)
            else:
                session.change(thread, over, text, about, below)
            return over
        except SlackRefused:  # somebody deleted it, or Slack takes no more changes
            remove_drafts(session, thread, [over])
    return session.post(thread, text, about, below)


def _posted(session: SlackSession, thread: Thread, mark: Mark) -> dict[int, str]:
    """Return the time stamps of the pieces of an effect in the thread, by their number."""
    found: dict[int, str] = {}
    for part, ts in session.marked(thread, mark):
        found.setdefault(part, ts)
    return found


def _receipt(thread: Thread, posted: dict[int, str]) -> Receipt:
    """Use the first message as the id and the link; the data name all of them."""
    stamps = [posted[part] for part in sorted(posted)]
    url = link(thread._replace(ts=stamps[0]))
    return Receipt(stamps[0], url, {"channel": thread.channel, "ts": stamps})
