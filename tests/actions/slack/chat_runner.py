"""A thread in the sandbox Slack, a model that says what a test scripts, and the real worker between
them."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import psycopg

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, DM, SUPPORT, TEAM
from shared.actions.drafts import Pace
from shared.agent.agent import Capabilities
from shared.agent.flow import Flow
from shared.aws.queue import Queue
from shared.database import Database
from shared.events import Actor, Event, SlackMessage, Thread
from shared.journal import Journal
from shared.runtime.composition import capabilities as composed
from shared.runtime.composition import handler_of
from shared.settings import Settings
from shared.testing import QueueInMemory
from tests.actions.slack.sandbox_thread import connect
from tests.events.made import an_event
from tests.flows.plain_chat import chat
from tests.models.scripted_server import ScriptedServer

Json = dict[str, Any]

#: The invisible name with which a stream begins.
NAME = re.compile("\\A[\u200b\u2060]{24}")
#: Every piece of an answer is shown.
AT_ONCE = Pace(0.0, 0.0, 1.0)
#: Only the first is.
ONCE = Pace(0.0, 600.0, 1.0)
#: How any call to Slack may fail: before or after Slack did it.
FAULTS: list[Json] = [
    {"status": 500},
    {"status": 502, "after": True},
    {"error": "internal_error"},
    {"error": "ratelimited"},
    {},
    {"after": True},
]


class Context:
    """What Lambda tells a function of its time."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class Servers(NamedTuple):
    """Where the model and Slack are."""

    model: str
    slack: str


def capabilities(
    database: Database,
    servers: Servers,
    pace: Pace = AT_ONCE,
    timeout: int = 5,
    services: Mapping[type, Callable[[], Any]] | None = None,
    **changes: str,
) -> Capabilities:
    """Real parts on real servers; `timeout` is how long they wait for Slack. `changes` are
    settings."""
    name = f"{servers.model}/v1#scripted"
    settings = Settings(footer="off", max_attempts="3", max_pause_hours="0", model_embed="hashing")
    settings = settings._replace(model_small=name, model_large=name)._replace(**changes)
    adapter = connect(servers.slack, timeout=timeout)
    made = {Queue: QueueInMemory, **(services or {})}
    can = composed(settings, database, lambda wanted: adapter, made)
    return can._replace(pace=pace)


def batch(event: Event, receives: int = 1, age: float = 0.0) -> Json:
    """What a function gets from its queue, `age` seconds after it was sent."""
    attributes = {
        "MessageGroupId": event.conversation,
        "ApproximateReceiveCount": str(receives),
        "SentTimestamp": str(int((time.time() - age) * 1000)),
    }
    record = {"messageId": event.id, "body": event.to_json(), "attributes": attributes}
    return {"Records": [record]}


@dataclass
class ChatRunner:
    slack: SlackSandbox
    model: ScriptedServer
    database_url: str
    database: Database
    #: Services of the desks, beside the real ones.
    services: dict[type, Callable[[], Any]] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def up(cls, database_url: str) -> Iterator[Self]:
        with (
            SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as slack,
            ScriptedServer() as model,
            Database(database_url, patience=5) as database,
        ):
            yield cls(slack, model, database_url, database)

    @property
    def servers(self) -> Servers:
        return Servers(self.model.url, self.slack.api_url)

    def asked(self, text: str = "What do we know?") -> Event:
        """Let Alice mention the bot."""
        ts = self.slack.say(SUPPORT, f"<@{BOT_USER}> {text}")
        return self._event("slack.app_mention", SlackMessage(TEAM, SUPPORT, ts), text)

    def asked_directly(self, text: str = "What do we know?") -> Event:
        """Let Alice write to the bot."""
        ts = self.slack.say(DM, text)
        return self._event("slack.message.im", SlackMessage(TEAM, DM, ts), text)

    @staticmethod
    def _event(type_: str, message: SlackMessage, text: str) -> Event:
        """Return the event of what Alice wrote."""
        place = f"slack:{TEAM}:{message.channel}:{message.ts}"
        return an_event(
            id=place,
            type=type_,
            source="slack",
            conversation=place,
            actor=Actor(ALICE, "alice", role="member"),
            text=text,
            audience=f"dm:{DM}" if message.channel == DM else f"team:{TEAM}",
            issue_target=None,
            thread_target=Thread(*message),
            message_target=message,
        )

    def said(self, event: Event) -> list[str]:
        """What the bot says in the event's thread, however it came there, without what is
        invisible."""
        return [visible(_text(message)) for message in self.thread(event)]

    def is_growing(self, event: Event) -> bool:
        """Is a message there that is not finished?"""
        streamed = any(one.get("streaming_state") == "in_progress" for one in self.thread(event))
        return streamed or any(text.endswith("…") for text in self.said(event))

    def thread(self, event: Event) -> list[Json]:
        """The bot's messages in the event's thread."""
        thread = self.slack.thread(event.thread.channel, event.thread.ts)[1:]
        return [message for message in thread if message.get("bot_id")]

    def deliver(
        self,
        event: Event,
        flow: Flow = chat,
        *,
        receives: int = 1,
        age: float = 0.0,
        pace: Pace = AT_ONCE,
        timeout: int = 5,
        **changes: str,
    ) -> bool:
        """Hand `event` to `flow` and tell whether that was the end of it."""
        can = capabilities(self.database, self.servers, pace, timeout, self.services, **changes)
        handler = handler_of(flow, Journal(self.database), can)
        answer = handler(batch(event, receives, age), Context())
        return not answer["batchItemFailures"]

    def replies(self, event: Event) -> list[str]:
        """What the bot says in the event's thread, as Markdown, without the names of streams."""
        return [NAME.sub("", _text(message)) for message in self.thread(event)]

    def shown(self) -> list[str]:
        """Every text that the bot's messages have had, in the order in which it was sent."""
        calls = [
            call
            for method in ("chat.postMessage", "chat.update")
            for call in self.slack.calls(method)
        ]
        return [call["blocks"][0]["text"] for call in calls]

    def recorded(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(sql.encode()).fetchall()


def _text(message: Json) -> str:
    first: Json = next(iter(message.get("blocks", [])), {})
    return str(first["text"] if first.get("type") == "markdown" else message["text"])


def visible(text: str) -> str:
    """Leave out what people do not see."""
    return text.replace("\u200b", "").replace("\u2060", "")
