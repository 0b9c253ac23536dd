"""Reads the three kinds of Slack's requests into one shape: event envelopes, interactions,
commands.

A mention of the bot arrives twice, as `message` and as `app_mention`. Both become a
`slack.app_mention` with the same id, so whichever comes second is a duplicate. Where the message
does not show it, or the mention is edited in, they are twins (`Event.twin`): a flow that acted on
one leaves out the other.
"""

import re
from typing import Any, NamedTuple

from shared.errors import EventError
from shared.events import MENTION, Actor, Json, Role
from shared.perception import commands, dig, items, string, word
from shared.perception.slack_words import commanded, mention_of, plain, said_after, whole

#: Subtypes of what somebody says now. Every other subtype is a type of its own.
_SAID = frozenset({"", "bot_message", "file_share", "me_message", "thread_broadcast"})
#: The values of channel_type that differ from Slack's subscriptions, such as message.channels.
_SUBSCRIPTIONS = {"channel": "channels", "group": "groups"}
_TS = r"\d{1,16}\.\d{1,16}"
_PRIVATE_NAMES = {"directmessage": "im", "privategroup": "group"}
#: Whether a thumb is up, by the names that the emoji have in Slack.
THUMBS = {"+1": True, "thumbsup": True, "-1": False, "thumbsdown": False}


class SlackFields(NamedTuple):
    """The fields that event envelopes, interactions and commands have in common."""

    type: str
    id: str
    actor: Actor
    text: str = ""
    channel: str = ""
    channel_type: str = ""
    ts: str = ""
    thread_ts: str = ""
    metadata: Any = None
    said: commands.Said = commands.Said()
    response_url: str = ""
    #: A sign to stop that is no command: an emoji, Slack's own button, a word in a thread.
    stops: bool = False
    #: The type that it has as well, if somebody claims it: of a press, a form, a look at the home.
    also: str = ""


def read(payload: Json, team: str) -> SlackFields:
    """Read a request to workspace `team`; raises EventError when it is none of the three kinds."""
    if "command" in payload and "type" not in payload:
        return _command(payload)
    if payload.get("type") == "event_callback":
        return _callback(payload, team)
    return _interaction(payload, team)


def team_of(payload: Json) -> str:
    """Return the workspace that installed the app; the author may belong to another.

    An organisation that installed it names no workspace for itself: then `context_team_id` is the
    one through which the app hears of it, and for what concerns the organisation, it is named.
    https://docs.slack.dev/apis/events-api/#callback-field
    """
    authorization = next(iter(items(payload, "authorizations")), None)
    places: tuple[tuple[Any, ...], ...] = (
        (payload, "view", "app_installed_team_id"),
        (authorization, "team_id"),
        (payload, "context_team_id"),
        (payload, "team_id"),
        (payload, "team", "id"),
        (payload, "user", "team_id"),
        (payload, "view", "team_id"),
        (authorization, "enterprise_id"),
        (payload, "enterprise_id"),
        (payload, "enterprise", "id"),
    )
    return next((team for place in places if (team := word(*place))), "")


def bots_of(envelope: Json) -> set[str]:
    """Return the user ids of our own bot in the workspaces that see this event."""
    rows = items(envelope, "authorizations")
    return {user for row in rows if dig(row, "is_bot") is True and (user := word(row, "user_id"))}


def is_stranger(interaction: Json, team: str) -> bool:
    """Tell if the person belongs to another workspace."""
    return word(interaction, "user", "team_id") not in ("", team)


def _callback(envelope: Json, team: str) -> SlackFields:
    event = envelope.get("event")
    kind = word(event, "type")
    if not isinstance(event, dict) or not kind:
        raise EventError("slack: the envelope holds no event with a type")
    bots = bots_of(envelope)
    if kind == "message":
        return _message(envelope, event, team, bots)
    if kind == "app_mention":
        return _new_message(envelope, event, team, kind, bots)
    assistant = dig(event, "assistant_thread")
    return SlackFields(
        type=kind,
        id=_event_id(envelope),
        actor=_author(envelope, event, team, bots),
        channel=_channel(event, "channel")
        or word(event, "item", "channel")
        or word(assistant, "channel_id"),
        channel_type=word(event, "channel_type"),
        ts=_ts(event, "item", "ts") or _ts(event, "message_ts"),
        thread_ts=_ts(assistant, "thread_ts") or _ts(event, "thread_ts"),
        stops=kind == "agent_session_stopped" or _is_stop_sign(event, bots),
        also=_seen_as(event, kind, bots),
    )


def _seen_as(event: Json, kind: str, bots: set[str]) -> str:
    """Name a look at the app's home, or at the direct messages, and a thumb under what the agent
    said."""
    if kind == "app_home_opened":
        return {"home": "home", "messages": "visit"}.get(string(event, "tab"), "")
    is_ours = word(event, "item_user") in bots and word(event, "user") not in bots
    is_thumb = string(event, "reaction").partition("::")[0] in THUMBS
    return "thumb" if kind.startswith("reaction_") and is_thumb and is_ours else ""


def _is_stop_sign(event: Json, bots: set[str]) -> bool:
    """Tell of an emoji that somebody puts under what the agent said, or under their own words."""
    if (
        event.get("type") != "reaction_added"
        or string(event, "reaction") not in commands.STOP_SIGNS
    ):
        return False
    return word(event, "item_user") in {*bots, word(event, "user")} - {""}


def _message(envelope: Json, event: Json, team: str, bots: set[str]) -> SlackFields:
    subtype = string(event, "subtype")
    if subtype in _SAID:
        channel_type = word(event, "channel_type")
        text = string(event, "text")
        is_mention = channel_type != "im" and re.search(mention_of(bots), text) is not None
        subscription = _SUBSCRIPTIONS.get(channel_type, channel_type)
        plain = f"message.{subscription}" if subscription else "message"
        kind = "app_mention" if is_mention else plain
        return _new_message(envelope, event, team, kind, bots)
    # `message` is how it now is. What was deleted is not repeated, nor does Slack say who did it.
    now = event["message"] if isinstance(event.get("message"), dict) else event
    before = dig(event, "previous_message")
    kind = _change(word(event, "subtype"), now, before)
    is_deleted = kind == "message_deleted"
    return SlackFields(
        type=kind,
        id=_event_id(envelope),
        actor=Actor("", "") if is_deleted else _author(envelope, now, team, bots),
        text="" if is_deleted else whole(string(now, "text"), now, mention_of(bots)),
        channel=_channel(event, "channel"),
        channel_type=word(event, "channel_type"),
        ts=_ts(event, "deleted_ts") or _ts(now, "ts"),
        thread_ts=_ts(now, "thread_ts") or _ts(before, "thread_ts"),
        metadata=dig(now, "metadata"),
    )


def _change(kind: str, now: Json, before: Any) -> str:
    """Name a change by what people see of it; raises EventError when it has no name.

    A deleted message with replies leaves a stone, which Slack tells as a change. It also tells of
    changes that nobody wrote, such as a link that unfurls or a reply that is counted.
    https://docs.slack.dev/reference/events/message/message_changed
    """
    if not kind:
        raise EventError("slack: a message has a subtype that is no word")
    if kind != "message_changed" or not isinstance(before, dict):
        return kind
    if string(now, "subtype") == "tombstone":
        return "message_deleted"
    written = [[string(one, "text"), _names(one)] for one in (now, before)]
    return kind if written[0] != written[1] else "message_unfurled"


def _names(message: Json) -> list[str]:
    return [string(file, "id") for file in items(message, "files")]


def _new_message(envelope: Json, event: Json, team: str, kind: str, bots: set[str]) -> SlackFields:
    channel, ts = _channel(event, "channel"), _ts(event, "ts")
    channel_type, text, mention = (
        word(event, "channel_type"),
        string(event, "text"),
        mention_of(bots),
    )
    end = MENTION if kind == "app_mention" else ""
    thread_ts, said = _ts(event, "thread_ts"), said_after(text, mention, channel_type)
    return SlackFields(
        type=kind,
        id=f"{team}:{channel}:{ts}{end}" if channel and ts else _event_id(envelope),
        actor=_author(envelope, event, team, bots),
        text=whole(text, event, mention),
        channel=channel,
        channel_type=channel_type,
        ts=ts,
        thread_ts=thread_ts,
        metadata=dig(event, "metadata"),
        said=said,
        stops=thread_ts not in ("", ts) and said.order is None and commands.is_stop(text),
    )


def _interaction(payload: Json, team: str) -> SlackFields:
    kind = word(payload, "type")
    if not kind:
        raise EventError(
            "slack: the request has no type; expected an event, an interaction or a command"
        )
    container, message = dig(payload, "container"), dig(payload, "message")
    action = next(iter(items(payload, "actions")), None)
    text = string(action, "value") or string(action, "selected_option", "value")
    user, origin = word(payload, "user", "id"), _origin(payload)
    return SlackFields(
        type=kind,
        id=_submitted(payload) or word(payload, "trigger_id"),
        actor=Actor(
            id=user,
            name=string(payload, "user", "username") or string(payload, "user", "name") or user,
            role="member" if user and not is_stranger(payload, team) else "none",
        ),
        # A click says what it chose; the words of the message are not those of who clicks.
        text=whole(string(message, "text"), message or {}) if action is None else text,
        channel=word(payload, "channel", "id") or word(container, "channel_id") or origin[0],
        channel_type=_PRIVATE_NAMES.get(string(payload, "channel", "name"), ""),
        ts=_ts(container, "message_ts") or _ts(message, "ts") or origin[1],
        thread_ts=_ts(container, "thread_ts") or _ts(message, "thread_ts") or origin[2],
        response_url=string(payload, "response_url") or origin[3],
        also=_pressed(payload, kind, word(action, "action_id")),
    )


def _pressed(payload: Json, kind: str, action: str) -> str:
    """Name a press, a shortcut or the submission of a form by what the app called it."""
    if kind == "block_actions":
        return action if action.startswith("press.") else ""
    if kind in {"shortcut", "message_action"}:
        return f"shortcut.{word(payload, 'callback_id')}"
    return f"form.{word(payload, 'view', 'callback_id')}" if kind == "view_submission" else ""


def _submitted(payload: Json) -> str:
    """Name a submission by the view and its state, so that one state is submitted once."""
    if payload.get("type") != "view_submission":
        return ""
    view, state = word(payload, "view", "id"), word(payload, "view", "hash")
    return f"{view}:{state}" if view and state else ""


def _origin(payload: Json) -> tuple[str, str, str, str]:
    """Return channel, message, thread and address that a view was opened from; empty where it says
    none."""
    if not (kept := string(payload, "view", "private_metadata")):
        return "", "", "", ""
    from shared.forms.submission import FormOrigin  # which few requests need

    return FormOrigin.from_text(kept)


def _command(fields: Json) -> SlackFields:
    user = word(fields, "user_id")
    text = plain(string(fields, "text"))
    name = string(fields, "command").removeprefix("/")
    return SlackFields(
        type="command",
        id=word(fields, "trigger_id"),
        actor=Actor(user, string(fields, "user_name") or user, role="member" if user else "none"),
        text=text,
        channel=word(fields, "channel_id"),
        channel_type=_PRIVATE_NAMES.get(string(fields, "channel_name"), ""),
        said=commanded(name, text),
        response_url=string(fields, "response_url"),
    )


def _event_id(envelope: Json) -> str:
    return word(envelope, "event_id")


def _author(envelope: Json, written: Json, team: str, bots: set[str]) -> Actor:
    """Return the author. Slack does not mark guests in events, so a member may be one."""
    user = word(written, "user") or word(written, "user", "id")
    user = user or word(written, "assistant_thread", "user_id")
    bot = word(written, "bot_id")
    is_bot = bool(bot) or user in bots or string(written, "subtype") == "bot_message"
    if is_bot:
        return bot_of(written, user or bot)
    return Actor(user, user, False, _role(envelope, written, team) if user else "none")


def bot_of(written: Any, id_: str) -> Actor:
    """Return the bot that wrote a message. It may call itself as it likes, so like a person or the
    id of one; the end of its name tells what it is, as on GitHub."""
    name = string(written, "username") or string(written, "bot_profile", "name")
    return Actor(id_, f"{name or id_}[bot]", True)


def _role(envelope: Json, written: Json, team: str) -> Role:
    """Give no role to members of another company in a shared channel, nor to people whose company
    is unknown there."""
    home = word(written, "user_team") or word(written, "team")
    if not home:
        return "none" if envelope.get("is_ext_shared_channel") is True else "member"
    authorization = next(iter(items(envelope, "authorizations")), None)
    return "member" if home in (team, word(authorization, "enterprise_id")) else "none"


def _channel(value: Any, key: str) -> str:
    """Return the channel id; some events carry the whole channel under the same key."""
    return word(value, key) or word(value, key, "id")


def _ts(value: Any, *path: str) -> str:
    found = string(value, *path)
    return found if re.fullmatch(_TS, found) else ""
