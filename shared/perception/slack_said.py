"""Reads the messages of a Slack thread as the events that they came as."""

import json
from collections.abc import Iterable

from shared.errors import EventError
from shared.events import Event, Json
from shared.perception import commands, dig, slack

#: The types of what people just say.
_SAYING = ("slack.message.", "slack.app_mention")


def event_of(message: Json, beside: Event, claims: commands.Takes = commands.no_type) -> Event:
    """Return the event that a message of the conversation came as, whether a flow took it or not;
    `beside` is another one of the conversation. Raises EventError when it is none."""
    inner = beside.payload.get("event")
    if not isinstance(inner, dict):
        raise EventError(f"event {beside.type} is no message")
    place = {name: inner[name] for name in ("channel", "channel_type") if name in inner}
    body = {**beside.payload, "event": {"type": "message", **message, **place}}
    team = beside.message.team
    event = slack.to_event(
        json.dumps(body).encode(),
        {},
        {f"slack:{team}": beside.tenant},
        beside.received_at,
        takes=commands.any_type,
        claims=claims,
    )
    return event._replace(
        audience=beside.audience,
        workplace=beside.workplace,
        unshared_audience=beside.unshared_audience,
    )


def in_a_row(
    first: Event, messages: Iterable[Json], claims: commands.Takes = commands.no_type
) -> list[Event]:
    """Return what the author of `first` said after it, up to the first message that is somebody
    else's, a command, or a wish to stop: those have runs of their own. Bots are left out."""
    row: list[Event] = []
    for message in messages:
        try:
            event = event_of(message, first, claims)
        except EventError:
            break
        if event.actor.is_bot or slack.is_own(event):
            continue
        if not is_said(event) or event.actor.id != first.actor.id:
            break
        row.append(event)
    return row


def is_said(event: Event) -> bool:
    """Is it a message to answer, and no command or sign to stop?"""
    return event.type.startswith(_SAYING) and not event.stops and bool(event.text.strip())


def is_readable(event: Event) -> bool:
    """Does it hold the message that it came as?"""
    return event.source == "slack" and bool(dig(event.payload, "event", "ts"))
