"""A Slack workspace: its content, and the event that Slack would send for each change."""

import re
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local.sandbox.records import Records
from infra.local.sandbox.slack.rows import channel_row, person_row
from infra.local.sandbox.slack.views.open_views import OpenViews, SlackRefusal
from shared.events import Json

TEAM, OTHER_TEAM = "T0SANDBOX", "T0OTHER"
DOMAIN = "acme"
APP, BOT, BOT_USER = "A0AGENT", "B0AGENT", "U0AGENT"
GENERAL, SUPPORT, DM = "C0GENERAL", "C0SUPPORT", "D0ALICE"
#: Two members, a guest, and a person of another company.
ALICE, BOB, GUEST, STRANGER = "U0ALICE", "U0BOB", "U0GUEST", "U0STRANGER"

_PROFILE = {"id": BOT, "app_id": APP, "name": "agent", "deleted": False}
_BOT_PROFILE = {"bot_id": BOT, "api_app_id": APP}
#: The fields in which a person's message and the bot's differ.
_AS_BOT = {"bot_id": BOT, "app_id": APP}
#: The rest that Slack leaves of a deleted message with replies.
_TOMBSTONE = {
    "subtype": "tombstone",
    "text": "This message was deleted.",
    "user": "USLACKBOT",
    "hidden": True,
}
#: Seconds until Slack ends a stream: https://github.com/slackapi/python-slack-sdk/issues/1859
STREAM_LIFE = 300.0
#: What the sandbox keeps of a stream; Slack shows only its state.
STREAMED = frozenset({"began", "first", "recipient"})
_KINDS = {"C": "channel", "D": "im", "G": "group"}

Refusal = SlackRefusal


class Workspace:
    """People, conversations and messages. `emit` gets each event as it stands inside the Events
    API's envelope. Threads may share it."""

    def __init__(
        self, emit: Callable[[Json], None], state: Path | None = None, team: str = TEAM
    ) -> None:
        self.team = team
        self._emit = emit
        self._records = Records(state / "slack.jsonl" if state else None)
        self._lock = threading.RLock()
        self._last = 0
        #: The dialogs that people have open.
        self.views = OpenViews({"team_id": TEAM, "app_id": APP, "bot_id": BOT})
        self.ahead = 0.0  # seconds by which the clock of streams and statuses is ahead
        self.is_agent = True  # only an app that is declared an agent has sessions
        if not self._records.table("channels"):
            self._seed()

    def close(self) -> None:
        with self._lock:
            self._records.close()

    def moment(self) -> Callable[[], None]:
        """Return what takes back all that changes from now on."""
        with self._lock:
            moment = self._records.moment()

        def rewind() -> None:
            with self._lock:
                self._records.rewind(moment)

        return rewind

    def now(self) -> float:
        """Return the seconds since 1970 by the workspace's own clock."""
        return time.time() + self.ahead

    @property
    def _as_bot(self) -> Json:
        return {**_AS_BOT, "bot_profile": {**_PROFILE, "team_id": self.team}}

    # People and conversations

    @property
    def users(self) -> dict[str, Json]:
        return dict(self._records.table("users"))

    @property
    def channels(self) -> dict[str, Json]:
        return dict(self._records.table("channels"))

    def channel(self, name: str) -> Json:
        """Return the conversation with this id or `#name`, or the one with this user."""
        with self._lock:
            for channel in self._records.table("channels").values():
                if name in {channel["id"], channel.get("name"), f"#{channel.get('name')}"}:
                    return channel
            if name in self._records.table("users"):
                return self.open_dm(name)
        raise Refusal("channel_not_found")

    def add_channel(self, name: str, *, member: bool = True, **kinds: bool) -> str:
        """Make a channel, with the bot in it or not, and `archived`, `private` or `shared` with
        another company; returns its id."""
        channel = channel_row(name, member=member, **kinds)
        with self._lock:
            self._records.put("channels", channel["id"], channel)
        return str(channel["id"])

    def limit(self, channel: str, *people: str) -> None:
        """Let only these people, and the bot, be in a channel."""
        with self._lock:
            row = {**self.channel(channel), "members": [*people, BOT_USER]}
            self._records.put("channels", row["id"], row)

    def open_dm(self, user: str) -> Json:
        """Return the conversation between the bot and `user`; make it when there is none."""
        with self._lock:
            if user not in self._records.table("users"):
                raise Refusal("user_not_found")
            dm: Json = {"id": f"D{user[1:]}", "is_im": True, "user": user, "is_archived": False}
            if dm["id"] not in self._records.table("channels"):
                self._records.put("channels", dm["id"], {**dm, "created": int(time.time())})
            return self._records.table("channels")[dm["id"]]

    # Messages

    def message(self, channel: str, ts: str) -> Json:
        """Return one message; raises Refusal when there is none."""
        with self._lock:
            try:
                return self._records.table(f"messages {channel}")[ts]
            except KeyError:
                raise Refusal("message_not_found") from None

    def messages(self, channel: str) -> list[Json]:
        """Return all messages of a conversation with the replies in threads, the oldest first."""
        with self._lock:
            return sorted(self._records.table(f"messages {channel}").values(), key=_ts)

    def thread(self, channel: str, ts: str) -> list[Json]:
        """Return a message and its replies, the oldest first."""
        root = self.message(channel, ts)
        replies = [m for m in self.messages(channel) if m.get("thread_ts") == ts != m["ts"]]
        if replies:
            root = {
                **root,
                "thread_ts": ts,
                "reply_count": len(replies),
                "reply_users": sorted({reply["user"] for reply in replies}),
                "latest_reply": replies[-1]["ts"],
            }
        return [root, *replies]

    def post(self, channel: str, user: str, thread_ts: str | None = None, **fields: Any) -> Json:
        """Add a message of `user`, who may be the bot.

        Like Slack it silently puts a reply to a message that is gone into the channel.
        """
        with self._lock:
            team = self.users.get(user, {}).get("team_id", self.team)
            message = {"type": "message", "user": user, "team": team, "ts": self._stamp(), **fields}
            message |= self._as_bot if user == BOT_USER else {"client_msg_id": str(uuid.uuid4())}
            root = self._records.table(f"messages {channel}").get(thread_ts or "")
            if root is not None:
                message["thread_ts"] = root.get("thread_ts", root["ts"])
                first = self._records.table(f"messages {channel}").get(message["thread_ts"], root)
                message["parent_user_id"] = first["user"]
            if user == BOT_USER:  # the status goes when the app replies
                self._records.put("statuses", f"{channel}/{message.get('thread_ts')}", None)
            self._save(channel, message)
            self._emit_message(channel, message)
            return message

    def place(self, channel: str, ts: str, user: str, text: str) -> None:
        """Put a message where it is said to be; nobody hears of it. A channel and a person that
        are unknown are made."""
        with self._lock:
            if channel not in self.channels:
                kind = {"is_channel": True, "is_member": True, "is_archived": False}
                row: Json = {"id": channel, "name": channel.lower(), "created": int(time.time())}
                row |= {"is_im": True, "user": user} if channel.startswith("D") else kind
                self._records.put("channels", channel, row)
            if user not in self.users:
                person = {**self.users[ALICE], "id": user, "name": user.lower(), "is_admin": False}
                self._records.put("users", user, person)
            message = {"type": "message", "user": user, "team": self.team, "ts": ts, "text": text}
            self._save(channel, message)

    def edit(self, channel: str, ts: str, user: str, **fields: Any) -> Json:
        with self._lock:
            before = self.message(channel, ts)
            edited = {"user": user, "ts": self._stamp()}
            after = {**before, **fields, "edited": edited}
            self._save(channel, after)
            self._emit_change(channel, "message_changed", before, message=_public(after))
            if _mentions(channel, after) and not _mentions(channel, before):
                event = {**_public(after), "channel": channel, "event_ts": edited["ts"]}
                self._tell(channel, {**event, "type": "app_mention"})
            return after

    def delete(self, channel: str, ts: str) -> None:
        with self._lock:
            before = self.message(channel, ts)
            if len(self.thread(channel, ts)) > 1:
                grave = {"type": "message", "ts": ts, "thread_ts": ts, **_TOMBSTONE}
                self._save(channel, grave)
                self._emit_change(channel, "message_changed", before, message=grave)
            else:
                self._records.put(f"messages {channel}", ts, None)
                self._emit_change(channel, "message_deleted", before, deleted_ts=ts)

    def put(self, channel: str, ts: str, **fields: Any) -> Json:
        """Change a message in a way that makes no event, and return it."""
        with self._lock:
            message = {**self.message(channel, ts), **fields}
            self._save(channel, message)
            return message

    def is_growing(self, message: Json) -> bool:
        """Is the message being streamed? Slack ends that by itself."""
        begun = message.get("streaming_state") == "in_progress"
        return begun and self.now() - float(message["began"]) < STREAM_LIFE

    def react(self, channel: str, ts: str, user: str, emoji: str, *, add: bool = True) -> None:
        with self._lock:
            message = self.message(channel, ts)
            reactions = {r["name"]: r for r in message.get("reactions", [])}
            users = reactions.get(emoji, {"users": []})["users"]
            if add == (user in users):
                raise Refusal("already_reacted" if add else "no_reaction")
            users = [*users, user] if add else [u for u in users if u != user]
            reactions[emoji] = {"name": emoji, "users": users, "count": len(users)}
            kept = [reaction for reaction in reactions.values() if reaction["users"]]
            self._save(channel, {**message, "reactions": kept})
            event = {
                "type": "reaction_added" if add else "reaction_removed",
                "user": user,
                "reaction": emoji,
                "item": {"type": "message", "channel": channel, "ts": ts},
                "item_user": message["user"],
                "event_ts": self._stamp(),
            }
            self._tell(channel, event)

    def open_home(self, user: str, tab: str = "home") -> None:
        """Let `user` look at the app's home, or with the tab `messages` at the direct messages."""
        dm = self.open_dm(user)
        event = {"type": "app_home_opened", "user": user, "channel": dm["id"], "tab": tab}
        with self._lock:
            view = self._records.table("views").get(user) if tab == "home" else None
            self._emit({**event, **({"view": view} if view else {}), "event_ts": self._stamp()})

    # What the app shows besides messages

    def whisper(self, channel: str, user: str, over: str = "", **fields: Any) -> str:
        """Show `user` a message that nobody else sees, `over` an earlier one; that makes no
        event."""
        with self._lock:
            ts = over or self._stamp()
            self._records.put(f"whispers {channel}", ts, {"ts": ts, "to": user, **fields})
            return ts

    def whispered(self, channel: str, ts: str) -> Json | None:
        """Return a message that one person sees; None for any other."""
        with self._lock:
            return self._records.table(f"whispers {channel}").get(ts)

    def unwhisper(self, channel: str, ts: str) -> None:
        with self._lock:
            self._records.put(f"whispers {channel}", ts, None)

    def whispers(self, channel: str) -> list[Json]:
        with self._lock:
            return list(self._records.table(f"whispers {channel}").values())

    def show(self, what: str, key: str, row: Json | None) -> None:
        """Keep a home view (`views`, by user), or, by channel/thread, what stands there: a status
        (`statuses`), a session (`sessions`), a title (`titles`)."""
        with self._lock:
            self._records.put(what, key, row)

    def shown(self, what: str, key: str) -> Json | None:
        with self._lock:
            return self._records.table(what).get(key)

    def _seed(self) -> None:
        people = {ALICE: "alice", BOB: "bob", GUEST: "guest", STRANGER: "sam", BOT_USER: "agent"}
        for user, name in people.items():
            row = person_row(user, name, self.team, admin=user == ALICE, guest=user == GUEST)
            if user == STRANGER:
                row |= {"team_id": OTHER_TEAM, "is_stranger": True}
            if user == BOT_USER:
                row |= {"is_bot": True, "profile": {**row["profile"], **_BOT_PROFILE}}
            self._records.put("users", user, row)
        self.add_channel("general")
        self.add_channel("support")
        self.open_dm(ALICE)

    def _stamp(self) -> str:
        """Return a time stamp that no message of this workspace has."""
        self._last = max(time.time_ns() // 1000, self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06}"

    def _save(self, channel: str, message: Json) -> None:
        self._records.put(f"messages {channel}", message["ts"], message)

    def _emit_message(self, channel: str, message: Json) -> None:
        """Emit one event; for a mention in a channel two, `app_mention` and `message`.
        https://docs.slack.dev/reference/events/app_mention"""
        event = {**_public(message), "channel": channel, "event_ts": message["ts"]}
        if _mentions(channel, message):
            self._tell(channel, {**event, "type": "app_mention"})
        self._tell(channel, {**event, "channel_type": _KINDS[channel[0]]})

    def _emit_change(self, channel: str, subtype: str, before: Json, **fields: Any) -> None:
        stamp = self._stamp()
        event = {"type": "message", "subtype": subtype, "hidden": True, "channel": channel}
        event |= {"ts": stamp, "event_ts": stamp, "channel_type": _KINDS[channel[0]]}
        self._tell(channel, {**event, "previous_message": _public(before), **fields})

    def _tell(self, channel: str, event: Json) -> None:
        """Emit what happened in a conversation, if the app may see it."""
        if self.channel(channel).get("is_member", True):
            self._emit(event)


def _ts(message: Json) -> tuple[int, int]:
    seconds, _, fraction = message["ts"].partition(".")
    return int(seconds), int(fraction)


def _mentions(channel: str, message: Json) -> bool:
    """Does a person mention the bot in a channel?"""
    mentioned = re.search(rf"<@{BOT_USER}[|>]", message["text"])
    is_told = _KINDS[channel[0]] != "im" and message["user"] != BOT_USER
    return mentioned is not None and is_told


def _public(message: Json) -> Json:
    """Return a message as events show it: without the metadata, for which one must ask."""
    hidden = {"metadata", "reactions", *STREAMED}
    return {name: value for name, value in message.items() if name not in hidden}
