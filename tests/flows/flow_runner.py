"""What a flow's test needs: the real worker, journal, memory and offline model, and a platform in
memory."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.actions import Action, Mark, Query, Receipt
from shared.actions.authority import AskMember, AskPermission, AskShared
from shared.actions.github.actions import ListLabels
from shared.agent.flow import Flow
from shared.aws.bus import Bus
from shared.aws.queue import Queue
from shared.database import Database
from shared.events import Actor, Event, Json
from shared.journal import Journal
from shared.memory.upkeep.scheduling import Upkeep, UpkeepWork
from shared.runtime.composition import capabilities, handler_of
from shared.settings import Settings
from tests.queue_in_memory import QueueInMemory

LABELS = {"bug": "Something isn't working", "enhancement": "New feature", "question": ""}


@dataclass
class Platform:
    """GitHub and Slack in memory: `done` is what became visible. `fails` raises before the act of
    that number. It takes `people`, by name and id, for what their last event said that they are."""

    done: list[Action] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    fails: dict[int, BaseException] = field(default_factory=dict)
    tried: int = 0
    people: dict[str, Actor] = field(default_factory=dict)
    #: What people are called, by id.
    names: dict[str, str] = field(default_factory=dict)
    #: The channels that another company is in.
    shared: set[str] = field(default_factory=set)
    #: Raised in place of an answer about rights.
    unanswered: Exception | None = None
    #: The questions about rights.
    rights: list[Query] = field(default_factory=list)

    def meet(self, event: Event) -> None:
        self.people |= {event.actor.name: event.actor, event.actor.id: event.actor}

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        self.tried += 1
        if failure := self.fails.get(self.tried):
            raise failure
        self.done.append(action)
        self.keys.append(mark.key)
        return Receipt(f"{len(self.done)}", data={"at": "2026-11-29T20:00:00Z"})

    def find(self, action: Action, mark: Mark) -> Receipt | None:
        return Receipt("found") if mark.key in self.keys else None

    def read(self, query: Query) -> Any:
        if not isinstance(query, ListLabels):
            self.rights.append(query)
            if self.unanswered:
                raise self.unanswered
            return self._right(query)
        return [{"name": name, "description": about} for name, about in LABELS.items()]

    def _right(self, query: Query) -> Any:
        match query:
            case AskPermission(login=login):
                who = self.people[login]
                return {"id": who.id, "permission": "write" if who.is_insider else "read"}
            case AskMember(user=user):
                met = self.people.get(user)
                named = {"name": self.names[user]} if user in self.names else {}
                return {"member": met is not None and met.is_insider} | named
            case AskShared(channel=channel):
                return {"shared": channel in self.shared}
        raise AssertionError(query)


class Context:
    """What Lambda tells a function of its time."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class FlowRunner:
    """Hands events to a flow as its queue would."""

    def __init__(self, database: Database, **changes: str) -> None:
        self.platform = Platform()
        #: What the bus was given once more, deduplicated as the bus does it.
        self.published: list[Event] = []
        self._published: set[tuple[str, str]] = set()
        self.database = database
        #: In place of one that is made for each batch, as by a process of its own.
        self.journal: Journal | None = None
        #: What the clock sets going, by name.
        self.works: dict[str, UpkeepWork] = {}
        self.queue = QueueInMemory()
        # Without pauses a run is due at once.
        settings = Settings(
            footer="off", max_attempts="2", max_pause_hours="0", model_embed="hashing"
        )
        settings = settings._replace(**changes)
        others: Mapping[type, Callable[[], Any]] = {
            Bus: lambda: self,
            Queue: lambda: self.queue,
            Upkeep: lambda: Upkeep(database, self.publish, self.works),
        }
        self.can = capabilities(settings, database, lambda wanted: self.platform, others)

    def publish(self, event: Event, again: str = "") -> None:
        if (event.id, again) not in self._published:
            self._published.add((event.id, again))
            self.published.append(event)

    def deliver(
        self, flow: Flow, *events: Event, receives: int = 1, age: float = 0.0
    ) -> Sequence[str]:
        """Give the events, which were sent `age` seconds ago, to `flow` in one batch and return the
        ids of those that go back."""
        for event in events:
            self.platform.meet(event)
        sent = str(int((time.time() - age) * 1000))
        records = [
            {
                "messageId": event.id,
                "body": event.to_json(),
                "attributes": {
                    "MessageGroupId": event.conversation,
                    "ApproximateReceiveCount": str(receives),
                    "SentTimestamp": sent,
                },
            }
            for event in events
        ]
        return self._hand_over(flow, records)

    def deliver_bodies(self, flow: Flow, *bodies: str) -> Sequence[str]:
        """Give messages that may be no events to `flow`."""
        return self._hand_over(
            flow, [{"messageId": body, "body": body, "attributes": {}} for body in bodies]
        )

    def _hand_over(self, flow: Flow, records: Sequence[Json]) -> Sequence[str]:
        handler = handler_of(flow, self.journal or Journal(self.database), self.can)
        answer = handler(json.loads(json.dumps({"Records": records})), Context())
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
