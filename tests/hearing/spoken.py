"""What people say in the sandbox Slack, as the events that the front door makes of it."""

import json
import time
from typing import Any

from infra.local.sandbox.slack import payloads
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, SUPPORT, TEAM
from shared.events import Event
from shared.perception import slack
from tests.actions.slack.chat_runner import ChatRunner

Json = dict[str, Any]
MENTION = f"<@{BOT_USER}>"
TENANTS = {f"slack:{TEAM}": "github:acme"}
_KINDS = {"C": "channel", "D": "im", "G": "group"}


def taken(inner: Json, at: float = 0.0, *, takes: Any = lambda _: True) -> Event:
    """The event of what happened, as the ingress makes it."""
    body = json.dumps(payloads.envelope(inner)).encode()
    return slack.to_event(body, {}, TENANTS, at or time.time(), takes=takes)


def says(
    runner: ChatRunner,
    text: str,
    channel: str = SUPPORT,
    user: str = ALICE,
    thread: str = "",
    **more: Any,
) -> Event:
    """Let somebody write; return the event that Slack makes of it."""
    ts = runner.slack.say(channel, text, user, thread or None, **more)
    return written(runner, channel, ts)


def written(runner: ChatRunner, channel: str, ts: str) -> Event:
    message = runner.slack.workspace.message(channel, ts)
    inner = {**message, "channel": channel, "channel_type": _KINDS[channel[0]], "event_ts": ts}
    return taken(inner)


def edits(runner: ChatRunner, event: Event, text: str, by: str = ALICE, **now: Any) -> Event:
    """Let somebody edit a message; return the event of that."""
    channel, ts = event.message.channel, event.message.ts
    before = runner.slack.workspace.message(channel, ts)
    runner.slack.workspace.edit(channel, ts, by, text=text, **now)
    after = runner.slack.workspace.message(channel, ts)
    return changed(channel, "message_changed", previous_message=before, message=after)


def deletes(runner: ChatRunner, event: Event) -> Event:
    channel, ts = event.message.channel, event.message.ts
    before = runner.slack.workspace.message(channel, ts)
    runner.slack.delete(channel, ts)
    left = [one for one in runner.slack.messages(channel) if one["ts"] == ts]
    if left:
        return changed(channel, "message_changed", previous_message=before, message=left[0])
    return changed(channel, "message_deleted", previous_message=before, deleted_ts=ts)


def changed(channel: str, subtype: str, **fields: Any) -> Event:
    now = f"{time.time():.6f}"
    about = {"type": "message", "subtype": subtype, "hidden": True, "channel": channel}
    about |= {"ts": now, "event_ts": now, "channel_type": _KINDS[channel[0]]}
    return taken(about | fields)


def asked_of(runner: ChatRunner, number: int = -1) -> str:
    """What the model was asked: the newest message of its request."""
    return str(runner.model.seen[number].body["messages"][-1]["content"])


def states(runner: ChatRunner) -> list[tuple[str, str]]:
    return [
        (state, reason)
        for state, reason in runner.recorded(
            "select state, reason from runs where flow = 'chat' order by started_at, id"
        )
    ]
