"""Slack's requests: was one really sent by Slack, and which event is it?

What mentions the bot arrives twice, as `message` and as `app_mention`. Both become a
`slack.app_mention` with the same id, so whichever comes second is a duplicate.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.errors import EventError, SignatureError
from shared.events import Actor, Event, Json, Message, Response, Role, Thread, Workplace
from shared.perception import (
    Headers,
    commands,
    dig,
    header,
    is_signed,
    items,
    read_body,
    string,
    word,
)

_MAX_AGE = 300
#: Subtypes of what somebody says now. Every other subtype is a type of its own.
_SAID = frozenset({"", "bot_message", "file_share", "me_message", "thread_broadcast"})
#: Where channel_type differs from Slack's subscriptions: message.im, .channels, .groups, .mpim.
_SUBSCRIPTIONS = {"channel": "channels", "group": "groups"}
_TS = re.compile(r"\d{1,16}\.\d{1,16}")
_NOTHING: Mapping[str, str] = {}
_PRIVATE_NAMES = {"directmessage": "im", "privategroup": "group"}


class _Said(NamedTuple):
    """What differs between an envelope of the Events API, an interaction and a command."""

    type: str
    id: str
    actor: Actor
    text: str = ""
    channel: str = ""
    channel_type: str = ""
    ts: str = ""
    thread_ts: str = ""
    metadata: Any = None
    order: commands.Order | None = None
    response_url: str = ""


def verify(body: bytes, headers: Headers, secret: str, now: float) -> None:
    """Check X-Slack-Signature over time stamp and raw body, and that the stamp is of now.

    Now means five minutes either way. Raises SignatureError.
    https://docs.slack.dev/authentication/verifying-requests-from-slack
    """
    stamp = header(headers, "x-slack-request-timestamp")
    given = header(headers, "x-slack-signature")
    signed = b"v0:" + stamp.encode("utf-8", "replace") + b":" + body
    if not is_signed(signed, secret, given, "v0="):
        raise SignatureError(
            f"slack: X-Slack-Signature does not sign the body of {len(body)} bytes; "
            "set SLACK_SIGNING_SECRET to the signing secret of the app"
        )
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        raise SignatureError("slack: X-Slack-Request-Timestamp is no number of seconds")
    if abs(now - int(stamp)) > _MAX_AGE:
        raise SignatureError(
            f"slack: the request is {now - int(stamp):.0f} s old, more than {_MAX_AGE} s; "
            "check the clock"
        )


def challenge(body: bytes, headers: Headers) -> str | None:
    """Return the challenge of a verified url_verification, None when the body is something else."""
    if b"url_verification" not in body:
        return None
    payload = read_body(body, headers)
    return string(payload, "challenge") if payload.get("type") == "url_verification" else None


def to_event(
    body: bytes,
    headers: Headers,
    tenant_of: Mapping[str, str],
    received_at: float,
    *,
    takes: commands.Takes = commands.any_type,
    repository_of: Mapping[str, str] = _NOTHING,
) -> Event:
    """Make a verified request an Event: Events API, interaction or command; raises EventError.

    A command becomes an event of a type of its own where that type is one that somebody `takes`.
    `repository_of` says which repository is worked on from a channel or workspace.
    """
    payload = read_body(body, headers)
    team = _team(payload)
    if not team:
        raise EventError(
            "slack: the request names no workspace; is it an event, an interaction or a command?"
        )
    if "command" in payload and "type" not in payload:
        said = _command(payload)
    elif payload.get("type") == "event_callback":
        said = _callback(payload, team)
    else:
        said = _interaction(payload, team)
    key = said.id or hashlib.sha256(body).hexdigest()
    thread = said.thread_ts or said.ts
    tenant = f"slack:{team}"
    type_, text = f"slack.{said.type}", said.text
    if said.order and takes(commands.event_type("slack", said.order)):
        type_, text = commands.event_type("slack", said.order), said.order.argument
    audience = _audience(payload, team, said)
    return Event(
        id=f"slack:{key}",
        type=type_,
        source="slack",
        tenant=tenant_of.get(tenant, tenant),
        conversation=":".join(filter(None, (tenant, said.channel or said.actor.id, thread))),
        actor=said.actor,
        text=text,
        url=_url(team, said),
        payload=payload,
        audience=audience,
        depth=_depth(said),
        received_at=received_at,
        thread_target=_thread(team, said),
        message_target=Message(team, said.channel, said.ts) if said.channel and said.ts else None,
        response_target=_response(team, said),
        workplace=_workplace(team, said.channel, audience, repository_of, tenant_of),
    )


def is_own(event: Event) -> bool:
    """Tell whether our own app or bot user caused `event`."""
    envelope = event.payload
    inner = dig(envelope, "event")
    kind = string(inner, "type")
    if event.type == "slack.message_deleted" or kind == "member_joined_channel":
        # Slack does not say who deleted a message, and a person's invitation makes the bot join.
        return False
    written = inner["message"] if isinstance(dig(inner, "message"), dict) else inner
    app = string(envelope, "api_app_id")
    apps = (string(written, "app_id"), string(written, "bot_profile", "app_id"))
    return (app != "" and app in apps) or string(written, "user") in _bots(envelope)


def _team(payload: Json) -> str:
    """Return the workspace that installed the app; the author may belong to another."""
    authorization = next(iter(items(payload, "authorizations")), None)
    places: tuple[tuple[Any, ...], ...] = (
        (payload, "view", "app_installed_team_id"),
        (authorization, "team_id"),
        (payload, "team_id"),
        (payload, "team", "id"),
        (payload, "user", "team_id"),
        (payload, "view", "team_id"),
    )
    return next((team for place in places if (team := word(*place))), "")


def _bots(envelope: Json) -> set[str]:
    """Return the user ids of our own bot in the workspaces that see this event."""
    rows = items(envelope, "authorizations")
    return {user for row in rows if dig(row, "is_bot") is True and (user := word(row, "user_id"))}


def _callback(envelope: Json, team: str) -> _Said:
    event = envelope.get("event")
    kind = word(event, "type")
    if not isinstance(event, dict) or not kind:
        raise EventError("slack: the envelope holds no event with a type")
    if kind == "message":
        return _message(envelope, event, team)
    if kind == "app_mention":
        return _new_message(envelope, event, team, kind)
    assistant = dig(event, "assistant_thread")
    return _Said(
        type=kind,
        id=_event_id(envelope),
        actor=_author(envelope, event, team),
        channel=_channel(event, "channel")
        or word(event, "item", "channel")
        or word(assistant, "channel_id"),
        channel_type=word(event, "channel_type"),
        ts=_ts(event, "item", "ts") or _ts(event, "message_ts"),
        thread_ts=_ts(assistant, "thread_ts") or _ts(event, "thread_ts"),
    )


def _message(envelope: Json, event: Json, team: str) -> _Said:
    subtype = string(event, "subtype")
    if subtype in _SAID:
        channel_type = word(event, "channel_type")
        mention = _mention(_bots(envelope))
        is_mention = channel_type != "im" and mention.search(string(event, "text")) is not None
        subscription = _SUBSCRIPTIONS.get(channel_type, channel_type)
        plain = f"message.{subscription}" if subscription else "message"
        return _new_message(envelope, event, team, "app_mention" if is_mention else plain)
    kind = word(event, "subtype")
    if not kind:
        raise EventError("slack: a message has a subtype that is no word")
    # `message` is how it now is. What was deleted is not repeated, nor does Slack say who did it.
    now = event["message"] if isinstance(event.get("message"), dict) else event
    before = dig(event, "previous_message")
    is_deleted = kind == "message_deleted"
    return _Said(
        type=kind,
        id=_event_id(envelope),
        actor=Actor("", "") if is_deleted else _author(envelope, now, team),
        text="" if is_deleted else _plain(string(now, "text"), _bots(envelope)),
        channel=_channel(event, "channel"),
        channel_type=word(event, "channel_type"),
        ts=_ts(event, "deleted_ts") or _ts(now, "ts"),
        thread_ts=_ts(now, "thread_ts") or _ts(before, "thread_ts"),
        metadata=dig(now, "metadata"),
    )


def _new_message(envelope: Json, event: Json, team: str, kind: str) -> _Said:
    channel, ts = _channel(event, "channel"), _ts(event, "ts")
    return _Said(
        type=kind,
        id=f"{team}:{channel}:{ts}" if channel and ts else _event_id(envelope),
        actor=_author(envelope, event, team),
        text=_plain(string(event, "text"), _bots(envelope)),
        channel=channel,
        channel_type=word(event, "channel_type"),
        ts=ts,
        thread_ts=_ts(event, "thread_ts"),
        metadata=dig(event, "metadata"),
        order=_order(string(event, "text"), _bots(envelope), word(event, "channel_type")),
    )


def _interaction(payload: Json, team: str) -> _Said:
    kind = word(payload, "type")
    if not kind:
        raise EventError(
            "slack: the request has no type; expected an event, an interaction or a command"
        )
    container, message = dig(payload, "container"), dig(payload, "message")
    action = next(iter(items(payload, "actions")), None)
    text = string(action, "value") or string(action, "selected_option", "value")
    user = word(payload, "user", "id")
    return _Said(
        type=kind,
        id=word(payload, "trigger_id"),
        actor=Actor(
            id=user,
            name=string(payload, "user", "username") or string(payload, "user", "name") or user,
            role="member" if user and not _is_stranger(payload, team) else "none",
        ),
        text=text or _plain(string(message, "text"), set()),
        channel=word(payload, "channel", "id") or word(container, "channel_id"),
        channel_type=_PRIVATE_NAMES.get(string(payload, "channel", "name"), ""),
        ts=_ts(container, "message_ts") or _ts(message, "ts"),
        thread_ts=_ts(container, "thread_ts") or _ts(message, "thread_ts"),
        response_url=string(payload, "response_url"),
    )


def _is_stranger(interaction: Json, team: str) -> bool:
    return word(interaction, "user", "team_id") not in ("", team)


def _command(fields: Json) -> _Said:
    user = word(fields, "user_id")
    text = _plain(string(fields, "text"), set())
    name = string(fields, "command").removeprefix("/")
    return _Said(
        type="command",
        id=word(fields, "trigger_id"),
        actor=Actor(user, string(fields, "user_name") or user, role="member" if user else "none"),
        text=text,
        channel=word(fields, "channel_id"),
        channel_type=_PRIVATE_NAMES.get(string(fields, "channel_name"), ""),
        order=commands.named(f"{name} {text}") or commands.named(text),
        response_url=string(fields, "response_url"),
    )


def _event_id(envelope: Json) -> str:
    return word(envelope, "event_id")


def _author(envelope: Json, written: Json, team: str) -> Actor:
    """Return who wrote or did it. Guests are not marked in events, so a member may be one."""
    user = word(written, "user") or word(written, "user", "id")
    user = user or word(written, "assistant_thread", "user_id")
    bot = word(written, "bot_id")
    is_bot = bool(bot) or user in _bots(envelope)
    name = string(written, "username") or string(written, "bot_profile", "name")
    role: Role = "none" if is_bot or not user else _role(envelope, written, team)
    return Actor(user or bot, name or user or bot, is_bot, role)


def _role(envelope: Json, written: Json, team: str) -> Role:
    """Members of another company in a shared channel are none; so is who cannot be told there."""
    home = word(written, "user_team") or word(written, "team")
    if not home:
        return "none" if envelope.get("is_ext_shared_channel") is True else "member"
    authorization = next(iter(items(envelope, "authorizations")), None)
    return "member" if home in (team, word(authorization, "enterprise_id")) else "none"


def _plain(text: str, bots: set[str]) -> str:
    """Undo Slack's escapes and take out the mention of our own bot."""
    text = _mention(bots).sub("", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip()


def _mention(bots: set[str]) -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, bots))) or "(?!)"
    return re.compile(rf"<@(?:{names})(?:\|[^>]*)?>")


def _order(text: str, bots: set[str], channel_type: str) -> commands.Order | None:
    """Read a command after a mention that opens the message, or in a direct message."""
    mention = re.match(rf"\s*{_mention(bots).pattern}[\s,:]*", text)
    if mention:
        return commands.spoken(_plain(text[mention.end() :], bots))
    return commands.whispered(_plain(text, bots)) if channel_type == "im" else None


def _channel(value: Any, key: str) -> str:
    """Return the channel id; some events carry the whole channel under the same key."""
    return word(value, key) or word(value, key, "id")


def _ts(value: Any, *path: str) -> str:
    found = string(value, *path)
    return found if _TS.fullmatch(found) else ""


def _thread(team: str, said: _Said) -> Thread | None:
    if said.type.startswith("reaction_"):
        # A reaction names a message, not the thread that the message is in.
        return None
    ts = said.thread_ts or said.ts
    return Thread(team, said.channel, ts) if said.channel and ts else None


def _response(team: str, said: _Said) -> Response | None:
    url = said.response_url
    return Response(team, said.channel, url) if said.channel and url else None


def _workplace(
    team: str,
    channel: str,
    audience: str,
    repository_of: Mapping[str, str],
    tenant_of: Mapping[str, str],
) -> Workplace | None:
    """Look up the repository of the channel, else of the workspace; a channel that another company
    is in must be named itself."""
    name = repository_of.get(f"channel:{channel}", "")
    if not name and not audience.startswith("shared:"):
        name = repository_of.get(f"team:{team}", "")
    owner = f"github:{name.partition('/')[0]}"
    return Workplace(name, tenant_of.get(owner, owner)) if name else None


def _audience(payload: Json, team: str, said: _Said) -> str:
    """Name the narrowest circle that saw it.

    A channel is public only when Slack says so here. One that is shared with another company has
    an audience of its own kind: what the workspace knows is not for it.
    """
    is_shared = payload.get("is_ext_shared_channel") is True or _is_stranger(payload, team)
    if not said.channel:
        return f"dm:{said.actor.id}" if said.actor.id else f"team:{team}"
    if is_shared:
        return f"shared:{said.channel}"
    if said.channel.startswith("D") or said.channel_type == "im":
        return f"dm:{said.channel}"
    if said.channel_type == "channel":
        return f"team:{team}"
    return f"channel:{said.channel}"


def _depth(said: _Said) -> int:
    if not said.actor.is_bot:
        return 0
    depth = dig(said.metadata, "event_payload", "depth")
    is_ours = dig(said.metadata, "event_type") == "agent_flows_effect"
    return min(depth, 9999) + 1 if is_ours and type(depth) is int and depth >= 0 else 1


def _url(team: str, said: _Said) -> str:
    if not said.channel:
        return ""
    place = f"https://slack.com/app_redirect?team={team}&channel={said.channel}"
    return f"{place}&message_ts={said.ts}" if said.ts else place
