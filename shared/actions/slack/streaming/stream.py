"""Streams: messages in a direct conversation that Slack shows word by word.

Slack takes no metadata before a stream's end, so it begins with an invisible name, by which an
attempt after a crash finds it. Slack ends a stream after five minutes, and when a person presses
Stop; the message then goes on by chat.update.

https://docs.slack.dev/reference/methods/chat.startStream
https://github.com/slackapi/python-slack-sdk/issues/1859
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from shared.actions import Mark
from shared.actions.slack.errors import SlackRefused
from shared.actions.slack.session import SlackSession, act
from shared.events import Json, Thread

#: Two invisible signs, for the bits of a name.
_SIGNS = "\u200b\u2060"
_BITS = 24


def is_streamed(thread: Thread) -> bool:
    """Tell if replies in the thread may stream. In a channel one person alone would see them grow,
    the others only how they begin."""
    return thread.channel.startswith("D")


def start(session: SlackSession, thread: Thread, text: str, mark: Mark) -> str:
    """Start a stream with `text`, and return its time stamp."""
    answer = act(
        f"begin a reply in {thread.ref}",
        session.client.chat_startStream,
        channel=thread.channel,
        thread_ts=thread.ts,
        markdown_text=_name(mark) + text,
    )
    return str(answer["ts"])


def append(session: SlackSession, thread: Thread, ts: str, text: str) -> None:
    """Append to a stream; raises SlackRefused when it is over."""
    doing = f"continue the reply {ts} in {thread.ref}"
    method = session.client.chat_appendStream
    act(doing, method, channel=thread.channel, ts=ts, markdown_text=text)


class Stream(NamedTuple):
    """A message that was streamed, and the text that it shows: None where that is not known."""

    thread: Thread
    ts: str
    shown: str | None


def finish(
    session: SlackSession, of: Stream, text: str, metadata: Json, below: Sequence[Json] = ()
) -> None:
    """Turn a stream into a message that says `text`, with blocks `below` it."""
    thread, ts, shown = of
    if shown is not None and text.startswith(shown):
        more: Json = {"blocks": [*below]} if below else {}
        rest = text[len(shown) :]
        with suppress(SlackRefused):  # it is over, and the message can be changed
            _stop(session, thread, ts, metadata=metadata, **more, markdown_text=rest or None)
            return
    else:
        stop(session, thread, ts)
    session.change(thread, ts, text, metadata, below)


def stop(session: SlackSession, thread: Thread, ts: str) -> None:
    """End a stream as it stands, if it is none already."""
    with suppress(SlackRefused):
        _stop(session, thread, ts)


def is_of(message: Json, mark: Mark) -> bool:
    """Tell if a message without metadata is a stream of this name."""
    if message.get("metadata"):
        return False
    name = _name(mark)
    return name in message.get("text", "") or name in json.dumps(
        message.get("blocks", []), ensure_ascii=False
    )


def _stop(session: SlackSession, thread: Thread, ts: str, **more: object) -> None:
    doing = f"end the reply {ts} in {thread.ref}"
    act(doing, session.client.chat_stopStream, channel=thread.channel, ts=ts, **more)


def _name(mark: Mark) -> str:
    """Write the first bits of a draft's key in invisible signs."""
    bits = int(mark.key[:8], 16)
    return "".join(_SIGNS[bits >> n & 1] for n in range(_BITS))
