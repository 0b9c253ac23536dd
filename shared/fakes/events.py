"""Events as the ingress makes them of deliveries of GitHub and Slack, and of ticks of schedules."""

import hashlib
import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from shared.errors import SettingsError
from shared.events import PUBLIC, Actor, Event, Json
from shared.perception import github, slack
from shared.runtime.spreading import place_event

_AT = 1_700_000_000.0
_BOT, _NAME = "UBOT", "agent"
#: What a payload of GitHub tells beside its repository and its sender, by the name of the event.
_SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "issues": ("issue",),
    "issue_comment": ("issue", "comment"),
    "pull_request": ("pull_request",),
    "pull_request_review": ("pull_request", "review"),
    "pull_request_review_comment": ("pull_request", "comment"),
    "pull_request_review_thread": ("pull_request",),
    "discussion": ("discussion",),
    "discussion_comment": ("discussion", "comment"),
    "release": ("release",),
    "milestone": ("milestone",),
}
_ASSOCIATIONS = {"owner": "OWNER", "member": "MEMBER", "contributor": "CONTRIBUTOR", "none": "NONE"}
_CHANNEL_TYPES = {"im": "im", "channels": "channel", "groups": "group", "mpim": "mpim"}


def github_event(
    kind: str,
    *,
    title: str = "Pay button crashes",
    body: str = "",
    repository: str = "acme/shop",
    number: int = 7,
    by: str = "ada",
    role: str = "member",
    private: bool = False,
    delivery: str = "",
    fields: Json | None = None,
) -> Event:
    """Return the event of GitHub's delivery `kind`, such as `issues.opened`, `command.plan` or
    `mention.deploy`.

    `by` wrote its text, in their `role` (owner, member, contributor, none). The same arguments are
    the same delivery, unless it has another id. `fields` are put into the payload. Raises
    SettingsError if no such delivery comes of it.
    """
    name, _, action = kind.partition(".")
    if start := {"command": "/", "mention": f"@{_NAME} "}.get(name):
        name, action, body = "issue_comment", "created", f"{start}{action} {body}".rstrip()
    is_bot = by.endswith("[bot]")
    person = {"login": by, "id": zlib.crc32(by.encode()), "type": "Bot" if is_bot else "User"}
    written = {
        "title": title,
        "name": title,
        "body": body,
        "number": number,
        "user": person,
        "author_association": _ASSOCIATIONS.get(role, "NONE"),
        "html_url": f"https://github.com/{repository}/issues/{number}",
        "labels": [],
    }
    payload: Json = {"action": action} if action else {}
    payload |= {subject: dict(written) for subject in _SUBJECTS.get(name, ())}
    payload |= {"repository": _repository(repository, private), "sender": person}
    if name == "push":
        payload |= {"ref": "refs/heads/main", "commits": [{"message": body or title}]}
    text, is_it = json.dumps(_merged(payload, fields or {})).encode(), f"github.{kind}".__eq__
    delivery = delivery or _short(kind.encode() + text)
    headers = {"x-github-event": name, "x-github-delivery": delivery}
    event = github.to_event(text, headers, {}, _AT, takes=is_it, claims=is_it, bot_name=_NAME)
    return _checked(event, f"github.{kind}")


def slack_event(
    kind: str,
    text: str = "Hello",
    *,
    by: str = "U1",
    channel: str = "",
    ts: str = "1700000000.000100",
    thread: str = "",
    team: str = "T1",
    external: bool = False,
    fields: Json | None = None,
) -> Event:
    """Return the event of Slack's request `kind`, such as `app_mention`, `message.im`,
    `command.forget`, `reaction_added` (whose text is the emoji) or `block_actions` (the button's
    value).

    `thread` is the time stamp of its first message. With `external` another company is in the
    channel. `fields` are put into the inner event. Raises SettingsError if no such request comes of
    it.
    """
    channel = channel or ("D1" if kind == "message.im" else "C1")
    inner = _merged(_said(kind, text, by, channel, ts), fields or {})
    if thread:
        inner["thread_ts"] = thread
    request: Json = inner
    if kind != "block_actions":
        request = {
            "type": "event_callback",
            "event_id": f"Ev{_short(json.dumps(inner).encode())}",
            "team_id": team,
            "event": inner,
            "authorizations": [{"team_id": team, "user_id": _BOT, "is_bot": True}],
            "is_ext_shared_channel": external,
        }
    wanted = f"slack.{kind}"
    body = json.dumps(request | {"team_id": team}).encode()
    event = slack.to_event(body, {}, {}, _AT, takes=wanted.__eq__, claims=wanted.__eq__)
    return _checked(event, wanted)


def schedule_event(name: str, at: str = "2026-11-21T03:17:00Z", *, place: str = "") -> Event:
    """Return the tick of the schedule `name`, as infra/schedule.yaml publishes it; or what becomes
    of it for one `place`, such as `acme/shop` or `#general`."""
    type_ = f"schedule.{name}"
    tick = Event(
        id=f"{type_}:{at}",
        type=type_,
        source="schedule",
        tenant="schedule",
        conversation=type_,
        actor=Actor("scheduler", name),
        text="",
        url="",
        payload={},
        audience=PUBLIC,
        depth=0,
        received_at=datetime.fromisoformat(at).timestamp(),
    )
    if not place:
        return tick
    on = "github" if "/" in place else "slack"
    return place_event(tick, f"{on}:{place}", described(place), {})


def described(place: str) -> Json:
    """Return what GitHub or Slack says of a place that everybody there reads."""
    if "/" in place:
        return {"full_name": place, "private": False, "visibility": "public"}
    channel = f"C0{place[1:].upper()}" if place.startswith("#") else place
    return {"team": "T1", "channel": channel, "private": False, "shared": False}


def _repository(full_name: str, private: bool) -> Json:
    owner, _, name = full_name.partition("/")
    return {
        "full_name": full_name,
        "name": name,
        "private": private,
        "default_branch": "main",
        "owner": {"login": owner, "type": "Organization"},
    }


def _said(kind: str, text: str, by: str, channel: str, ts: str) -> Json:
    """Return the inner event, or the interaction, of a request of Slack."""
    name, _, rest = kind.partition(".")
    about: Json = {"type": name, "user": by, "channel": channel}
    if name == "message" and rest:
        return about | {"text": text, "ts": ts, "channel_type": _CHANNEL_TYPES.get(rest, rest)}
    if name == "command":
        text = f"/{rest} {text}"
    if name == "mention":
        text = f"{rest} {text}"
    if name in {"app_mention", "command", "mention"}:
        return about | {"type": "app_mention", "text": f"<@{_BOT}> {text}".rstrip(), "ts": ts}
    if name in {"reaction_added", "reaction_removed", "stop"}:
        under = {"item": {"type": "message", "channel": channel, "ts": ts}, "item_user": _BOT}
        reaction = "octagonal_sign" if name == "stop" else text
        type_ = "reaction_added" if name == "stop" else name
        return about | under | {"type": type_, "reaction": reaction}
    if name == "block_actions":
        return {
            "type": name,
            "trigger_id": _short(f"{by}{text}{ts}".encode()),
            "user": {"id": by, "username": by},
            "channel": {"id": channel},
            "container": {"message_ts": ts, "thread_ts": ts, "channel_id": channel},
            "actions": [{"value": text}],
        }
    if name in {"message_changed", "message_deleted"}:
        now = {"message": {"text": text, "user": by, "ts": ts}, "deleted_ts": ts}
        return {"type": "message", "subtype": name, "channel": channel} | now
    return about | {"text": text, "ts": ts}


def _merged(payload: Json, fields: Mapping[str, Any]) -> Json:
    """Put `fields` into the payload, and those of objects into its objects."""
    merged = dict(payload)
    for name, value in fields.items():
        old = merged.get(name)
        both = isinstance(value, dict) and isinstance(old, dict)
        merged[name] = _merged(old, value) if both and isinstance(old, dict) else value
    return merged


def _checked(event: Event, wanted: str) -> Event:
    if event.type != wanted:
        raise SettingsError(
            f"no {wanted} comes of this: it is a {event.type}; see fields=… of shared.testing"
        )
    return event


def _short(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()[:16]
