"""Slack's requests: verifies that Slack sent one, and makes it an event."""

import hashlib
from collections.abc import Mapping
from typing import Any

from shared import marks
from shared.errors import EventError, SignatureError
from shared.events import Event, Json, ResponseUrl, SlackMessage, Thread, Workplace
from shared.perception import (
    Headers,
    commands,
    dig,
    header,
    is_signed,
    read_body,
    string,
    word,
)
from shared.perception.slack_payloads import SlackFields, bots_of, is_stranger, read, team_of

#: A field that `./scripts/flows send --again` adds to a request: makes it another event. Whoever
#: adds it knows the signing secret.
AGAIN = "agent_flows_again"
#: The type of a sign to stop; see SlackFields.
STOP = "slack.stop"
#: The type of a press on Retry, and how the value of that button begins; the run's id follows.
RETRY, RETRY_PRESS = "slack.retry", "retry "

_MAX_AGE = 300
_NOTHING: Mapping[str, str] = {}


def verify(body: bytes, headers: Headers, secret: str, now: float) -> None:
    """Check X-Slack-Signature over time stamp and raw body, and that the stamp is recent.

    Five minutes either way are. Raises SignatureError.
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
    """Return the challenge of a verified url_verification; None for other bodies."""
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
    claims: commands.Takes = commands.no_type,
    repository_of: Mapping[str, str] = _NOTHING,
) -> Event:
    """Make a verified request an Event: Events API, interaction or command; raises EventError.

    A command gets an event type of its own if somebody `takes` that type, else a mention if
    somebody `claims` its first word; so it is with what people press. `repository_of` maps a
    channel or a workspace to the repository that plans from there work on.
    """
    payload = read_body(body, headers)
    if not (team := team_of(payload)):
        raise EventError("slack: no workspace is named; is it an event, interaction or command?")
    said = read(payload, team)
    tenant = f"slack:{team}"
    type_, text = _wanted(said, takes, claims)
    audience, unshared = _audience(payload, team, said)
    where = (tenant, said.channel or said.actor.id, said.thread_ts or said.ts)
    return Event(
        id=f"slack:{_key(body, payload, said)}",
        type=type_,
        source="slack",
        tenant=tenant_of.get(tenant, tenant),
        conversation=":".join(filter(None, where)),
        actor=said.actor,
        text=text,
        url=_url(team, said),
        payload=payload,
        audience=audience,
        depth=_depth(said),
        received_at=received_at,
        thread_target=_thread(team, said),
        message_target=_message(team, said),
        response_target=_response(team, said),
        workplace=_workplace(team, said.channel, unshared or audience, repository_of, tenant_of),
        unshared_audience=unshared,
    )


def _wanted(said: SlackFields, takes: commands.Takes, claims: commands.Takes) -> tuple[str, str]:
    """Return type and text: those of a command, of a claim, of a sign to stop, or its own."""
    if found := commands.wanted("slack", said.said, takes, claims):
        return found
    if said.stops and takes(STOP):
        return STOP, said.text
    if said.also and claims(f"slack.{said.also}"):
        return f"slack.{said.also}", said.text
    if said.type == "block_actions" and said.text.startswith(RETRY_PRESS) and takes(RETRY):
        return RETRY, said.text.removeprefix(RETRY_PRESS)
    return f"slack.{said.type}", said.text


def _key(body: bytes, payload: Json, said: SlackFields) -> str:
    key, again = said.id or hashlib.sha256(body).hexdigest(), word(payload, AGAIN)
    return f"{key}:{again}" if again else key


def _message(team: str, said: SlackFields) -> SlackMessage | None:
    return SlackMessage(team, said.channel, said.ts) if said.channel and said.ts else None


def bare_command(event: Event) -> str:
    """Return the name of a slash command that came without an argument; '' for all else."""
    command = string(event.payload, "command").removeprefix("/")
    text = string(event.payload, "text").strip()
    if command != "agent":
        return "" if text else command
    return text if text.replace("-", "").isalnum() else ""


def is_own(event: Event) -> bool:
    """Tell if our own app or bot user caused `event`, or if its message carries our mark.

    Clicks and commands are people's, also on our messages.
    """
    envelope = event.payload
    inner = dig(envelope, "event")
    if not isinstance(inner, dict) or string(inner, "type") == "member_joined_channel":
        return False  # a person's invitation makes the bot join
    # Slack does not say who changed or deleted a message; ours only we, or an admin, can.
    versions = [inner[name] for name in ("message", "previous_message") if name in inner]
    return any(_is_ours(version, envelope) for version in versions or [inner])


def _is_ours(written: Any, envelope: Json) -> bool:
    app = string(envelope, "api_app_id")
    apps = (string(written, "app_id"), string(written, "bot_profile", "app_id"))
    is_marked = dig(written, "metadata", "event_type") == marks.EFFECT
    return is_marked or (app != "" and app in apps) or string(written, "user") in bots_of(envelope)


def _thread(team: str, said: SlackFields) -> Thread | None:
    if said.type.startswith("reaction_"):
        # A reaction names a message, not the thread that the message is in.
        return None
    ts = said.thread_ts or said.ts
    return Thread(team, said.channel, ts) if said.channel and ts else None


def _response(team: str, said: SlackFields) -> ResponseUrl | None:
    url = said.response_url
    return ResponseUrl(team, said.channel, url) if said.channel and url else None


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


def _audience(payload: Json, team: str, said: SlackFields) -> tuple[str, str]:
    """Name the narrowest audience that saw it; and the one that it has if no other company is in
    the channel, where the request does not tell.

    A channel that is shared with another company has an audience of its own kind: what the
    workspace knows is not for it. Events tell; slash commands and clicks do not.
    """
    actor = said.actor
    if not (place := said.channel or actor.id):
        return f"team:{team}", ""
    shared, tells = f"shared:{place}", payload.get("is_ext_shared_channel")
    is_foreign = bool(actor.id) and not actor.is_bot and actor.role == "none"
    if tells is True or is_foreign or is_stranger(payload, team):
        return shared, ""
    if not said.channel:
        return f"dm:{actor.id}", ""
    if string(payload, "view", "type") == "home":
        return f"dm:{said.channel}", ""  # nobody else sees their home
    unshared = _unshared_audience(team, said)
    return (unshared, "") if tells is False else (shared, unshared)


def _unshared_audience(team: str, said: SlackFields) -> str:
    """Name who saw it in a channel of one company, which is public only when Slack says so here."""
    if said.channel.startswith("D") or said.channel_type == "im":
        return f"dm:{said.channel}"
    if said.channel_type == "channel":
        return f"team:{team}"
    return f"channel:{said.channel}"


def _depth(said: SlackFields) -> int:
    if not said.actor.is_bot:
        return 0
    depth = dig(said.metadata, "event_payload", "depth")
    is_ours = dig(said.metadata, "event_type") == marks.EFFECT
    return min(depth, 9999) + 1 if is_ours and type(depth) is int and depth >= 0 else 1


def _url(team: str, said: SlackFields) -> str:
    if not said.channel:
        return ""
    place = f"https://slack.com/app_redirect?team={team}&channel={said.channel}"
    return f"{place}&message_ts={said.ts}" if said.ts else place
