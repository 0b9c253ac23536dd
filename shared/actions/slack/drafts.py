"""Shows a reply while it grows, in a message that the finished reply takes over."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any

from shared.actions import Mark, Receipt
from shared.actions.slack.actions import Draft
from shared.actions.slack.errors import SlackRefused
from shared.actions.slack.session import SlackSession, metadata
from shared.actions.slack.text import FENCE_ROOM, PIECE, closed, ends_in_fence, pieces
from shared.events import Thread

#: The first halves of the characters that UTF-16 writes in two.
_HALVES = "".join(map(chr, range(0xD800, 0xDC00)))


def show_draft(
    session: SlackSession, draft: Draft, mark: Mark, previous: Receipt | None
) -> Receipt:
    """Show the text in the draft of `previous`, or in a new message; without a text, remove all
    drafts of `previous`."""
    thread, drafts = draft.thread, drafts_in(previous)
    if not draft.text:
        remove_drafts(session, thread, drafts)
        return _receipt(thread, [])
    text, about = unfinished(draft.text, mark.hosts), metadata(mark, 0, 1)
    if not drafts:
        return _receipt(thread, [session.post(thread, text, about)])
    # With its metadata: a change that arrives late must not pass for the finished reply.
    session.change(thread, drafts[0], text, about)
    return _receipt(thread, drafts)


def find_draft(session: SlackSession, draft: Draft, mark: Mark) -> Receipt | None:
    found = [ts for _, ts in session.marked(draft.thread, mark)]
    return _receipt(draft.thread, found) if found else None


def drafts_in(previous: Receipt | None) -> list[str]:
    """Return the time stamps of the drafts that a receipt names."""
    data: dict[str, Any] = (previous and previous.data) or {}
    return list(data.get("draft", ()))


def remove_drafts(session: SlackSession, thread: Thread, drafts: list[str]) -> None:
    for ts in drafts:
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


def _receipt(thread: Thread, stamps: list[str]) -> Receipt:
    """Name the drafts in the thread; a crash can leave more than one."""
    return Receipt(stamps[0] if stamps else "", data={"channel": thread.channel, "draft": stamps})
