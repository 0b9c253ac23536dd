"""Finds who wrote an event's text, which is not always who caused the event: a member may reopen a
stranger's issue."""

from shared.events import Actor, Event, Thread
from shared.perception import dig, github, items, word
from shared.perception.slack_content import quotes_others
from shared.perception.slack_payloads import bot_of


def writer_of(event: Event) -> Actor:
    """Return who wrote the event's text, with their role there; `none` where it is not known."""
    if event.source == "github":
        return github.writer_of(event)
    if event.source == "slack":
        return _said(event)
    return event.actor


def without_body(event: Event) -> Event:
    """Return the event without its payload, which is kept only if it tells that somebody else than
    the actor wrote the text or a part of it."""
    is_own = writer_of(event) == event.actor and not quotes_others(event)
    payload = {} if is_own else event.payload
    return event._replace(payload=payload, digest="")


def in_thread(event: Event, thread: Thread) -> Event:
    """Move an event from outside of threads into `thread`, under an id of its own."""
    return without_body(event)._replace(
        id=f"{event.id}/{thread.ts}",
        conversation=f"{thread.scope}:{thread.ts}",
        thread_target=thread,
        response_target=None,
    )


def _said(event: Event) -> Actor:
    """In Slack the author causes the event, except where a person picks a message of somebody."""
    picked = dig(event.payload, "message")
    author = word(picked, "user") or word(picked, "bot_id")
    if not isinstance(picked, dict) or author == event.actor.id or items(event.payload, "actions"):
        return event.actor
    return bot_of(picked, author) if "bot_id" in picked else Actor(author, author)
