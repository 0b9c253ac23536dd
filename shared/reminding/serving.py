"""Serves reminders to people in Slack: sets them, shows each when it comes, puts off, lists and
cancels."""

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.actions import Action
from shared.actions.asking import AskReader
from shared.actions.slack.actions import AskClock, AskDirect, Button, Card, Channel, Post
from shared.agent.agent import Agent
from shared.errors import ActionRejected, RequestUnclear
from shared.events import Event, Json
from shared.reminding import messages
from shared.reminding.clocks import Clocks
from shared.reminding.desk import Reminder, Reminders
from shared.reminding.rules import USUAL, moment, zone_of

if TYPE_CHECKING:
    from shared.reminding.wishes import Wish

#: What a flow that reminds asks of Slack.
READS = (AskClock, AskDirect, AskReader)
#: The seconds of an hour.
_HOUR = 3_600.0


def wanted(event: Event, agent: Agent, words: str) -> tuple["Wish", Reminder, str]:
    """Read what a person wants to be reminded of: the wish, the reminder as it would be kept, and
    what to say of how it was understood. Raises RequestUnclear."""
    # The grammar of times takes a while to load, and only what sets a reminder needs it.
    from shared.reminding.resolving import when
    from shared.reminding.wishes import wish

    read, clock = wish(words), clock_of(agent, event.actor.id)
    if read.where == "channel" and not _reads(event, agent, read.to):
        raise RequestUnclear("I remind a channel only where both you and I are in it.")
    found = when(read.spoken, event.received_at, zone_of(clock["zone"], clock["shift"]))
    asks = event.actor.id
    is_alone = event.thread_target is None and read.where == "me"  # a slash command is in no thread
    reminder = Reminder(
        id="",
        conversation=event.conversation,
        asker=asks,
        asker_name=clock["name"] or event.actor.name,
        whom=read.to if read.where == "person" else asks if is_alone else "",
        place=read.to if read.where == "channel" else "",
        text=read.text,
        zone=clock["zone"],
        shift=clock["shift"],
        rule=found.rule.text if found.rule else "",
        next_at=found.at,
    )
    return read, reminder, found.note


def called(event: Event, agent: Agent, read: "Wish") -> str:
    """Return what people call whom a wish is for."""
    if read.where == "channel":
        return f"#{read.label or read.to}"
    return f"@{clock_of(agent, read.to)['name'] or read.to}"


def come(event: Event, agent: Agent) -> None:
    """Show a reminder whose time has come. Where its conversation cannot be written to any more, it
    comes to who set it."""
    desk = agent.desk(Reminders)
    if (reminder := desk.due(event.payload)) is None:
        return
    whom = reminder.asker_name
    if reminder.whom not in ("", reminder.asker):
        whom = str(clock_of(agent, reminder.whom)["name"]) or "you"
    text, buttons = messages.came(reminder, whom), messages.buttons(reminder)
    try:
        agent.act(_shown(event, agent, reminder, text, buttons))
    except ActionRejected:
        if reminder.whom != reminder.asker:
            to = Channel(direct(event, agent, reminder.asker))
            agent.act(Post(to, text, buttons))
    desk.came(reminder)


def pressed(event: Event, agent: Agent) -> str:
    """Put a reminder off, or let it not come again: for who set it, and for whom it is. Returns
    what to tell who pressed; nothing when the message shows it, and for buttons of others."""
    click = messages.reminder_click(event.text)
    if click is None:
        return ""
    desk = agent.desk(Reminders)
    reminder, person = desk.find(click.id), event.actor.id
    if reminder is None:
        return "I know of no such reminder any more."
    if person not in (reminder.asker, reminder.whom):
        return f"This is a reminder of {reminder.asker_name}; only they can change it."
    if click.verb == "stop":
        desk.cancel(reminder.id, person)
        became = "Stopped. It does not come again."
    elif (before := desk.find(desk.id_of(f"{click.id}/{click.at}"))) is not None:
        if before.state != "active":
            return "It was put off before, and does not come again."
        return f"It was put off before: it comes again on {messages.moment_of(before)}."
    else:
        later = desk.set(_put_off(event, reminder, click.verb), key=f"{click.id}/{click.at}")
        became = f"Put off: it comes again on {messages.moment_of(later)}."
    text = "\n".join(f"> {line}" for line in (reminder.text or "this conversation").splitlines())
    name, ts = f"{click.id}/{click.at}", event.message.ts
    agent.act(Card(event.thread, name, f"⏰ {became}\n\n{text}", ts=ts))
    return ""


def list_or_cancel(event: Event, agent: Agent) -> str:
    """List a person's reminders, or cancel the one that they name."""
    desk, person = agent.desk(Reminders), event.actor.id
    if named := re.search(r"\b(r-[0-9a-f]{8})\b", event.text):
        if desk.cancel(named[1], person):
            return f"Reminder `{named[1]}` does not come."
        return f"You have no reminder `{named[1]}`. `reminders` lists those that you have."
    if event.text.strip():
        raise RequestUnclear("Which reminder? `reminders` lists yours with their ids.")
    found = desk.of(person)
    alone = event.response_target is not None or event.audience.startswith("dm:")
    shown = [one for one in found if alone or one.conversation == event.conversation]
    return messages.listed(shown, len(found) - len(shown))


def clock_of(agent: Agent, user: str) -> Json:
    """Return a person's time zone and name."""
    return agent.desk(Clocks).of(user)


def _shown(
    event: Event, agent: Agent, reminder: Reminder, text: str, buttons: tuple[Button, ...]
) -> Action:
    if reminder.whom:
        return Post(Channel(direct(event, agent, reminder.whom)), text, buttons)
    if reminder.place or event.thread_target is None:
        return Post(Channel(reminder.place or event.channel), text, buttons)
    return Card(event.thread, f"{reminder.id}/{reminder.next_at!r}", text, buttons)


def _put_off(event: Event, reminder: Reminder, verb: str) -> Reminder:
    """Return the same once more, later: an hour from the press, or the next morning."""
    at = event.received_at + _HOUR
    if verb == "tomorrow":
        zone = zone_of(reminder.zone, reminder.shift)
        day = datetime.fromtimestamp(event.received_at, zone).date() + timedelta(days=1)
        at = moment(day, USUAL, 0, zone)
    return reminder._replace(rule="", next_at=at, state="active")


def _reads(event: Event, agent: Agent, channel: str) -> bool:
    """Does who asks read the channel? Nobody lets us speak where they could not listen."""
    team, here = _channel(event)
    try:
        found: Json = agent.read(AskReader(team, channel, event.actor.id, asked_in=here))
    except ActionRejected:
        return False
    return found["reads"] is True


def direct(event: Event, agent: Agent, user: str) -> str:
    """Return the direct conversation with a person."""
    return str(agent.read(AskDirect(*_channel(event), user))["channel"])


def _channel(event: Event) -> tuple[str, str]:
    """Return the workspace and the channel of the event."""
    _, team, channel = event.scope.split(":")
    return team, channel
