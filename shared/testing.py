"""The test kit: runs a flow on an event against GitHub, Slack and a model in memory.

    runner = FlowRunner()
    runner.answers(TriageVerdict(("bug",), None, "Pay crashes."))
    runner.run(triage, github_event("issues.opened", title="Pay button crashes"))
    assert runner.effects == [AddLabels(issue, ("bug",)), Comment(issue, "…", sticky=True)]

Worker, journal and agent are the real ones. Without a database they keep what they write in memory;
`FlowRunner(database)` gives them Postgres. No flow imports this module, so no bundle has it.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.actions import Action, Adapter, Query
from shared.actions.timers import SetTimer, TimerAdapter
from shared.agent.agent import Agent
from shared.agent.flow import Flow
from shared.aws.bus import Bus
from shared.aws.looks import Looks
from shared.aws.queue import Queue
from shared.aws.scheduler import Scheduler
from shared.database import Database
from shared.errors import SettingsError
from shared.events import Event, Json
from shared.fakes.database import EXPIRE, DatabaseInMemory
from shared.fakes.events import github_event, schedule_event, slack_event
from shared.fakes.models import ScriptedModels
from shared.fakes.platform import LABELS, PlatformInMemory
from shared.fakes.queue import QueueInMemory
from shared.fakes.timers import LooksInMemory, SchedulerInMemory
from shared.journal import Journal
from shared.memory.upkeep.scheduling import Upkeep, UpkeepWork
from shared.models.routing import Models
from shared.runtime.composition import Adapters, capabilities, handler_of
from shared.settings import Settings

__all__ = [
    "LABELS",
    "FlowRunner",
    "LambdaContext",
    "PlatformInMemory",
    "QueueInMemory",
    "github_event",
    "schedule_event",
    "slack_event",
]


class LambdaContext:
    """What Lambda tells a function of its time."""

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


class FlowRunner:
    """Hands events to a flow as its queue would. `changes` are settings."""

    def __init__(self, database: Database | None = None, /, **changes: str) -> None:
        self.platform = PlatformInMemory()
        #: Gives the platform of an action or a query; another one may be a sandbox.
        self.adapters: Adapters = lambda wanted: self.platform
        #: What the bus was given once more, deduplicated as the bus does it.
        self.published: list[Event] = []
        self._published: set[tuple[str, str]] = set()
        self.database = database or DatabaseInMemory()
        #: In place of one that is made for each batch, as by a process of its own.
        self.journal: Journal | None = None
        #: What the clock sets going, by name.
        self.works: dict[str, UpkeepWork] = {}
        self.queue = QueueInMemory()
        #: What is set for later: timers of flows, and looks at what waits.
        self.scheduler = SchedulerInMemory()
        self.looks = LooksInMemory(self.scheduler)
        # Without pauses a run is due at once.
        settings = Settings(
            footer="off", max_attempts="2", max_pause_hours="0", model_embed="hashing"
        )
        settings = settings._replace(**changes)
        #: Says what the test wants, then what the offline model says.
        self.model = ScriptedModels(settings, database)
        others: Mapping[type, Callable[[], Any]] = {
            Bus: lambda: self,
            Queue: lambda: self.queue,
            Scheduler: lambda: self.scheduler,
            Looks: lambda: self.looks,
            Models: lambda: self.model,
            Upkeep: lambda: Upkeep(self.database, self.publish, self.works),
        }
        self.can = capabilities(
            settings,
            self.database,
            self._adapter,
            others,
            models=self.model,
        )

    def _adapter(self, wanted: Action | Query) -> Adapter:
        if isinstance(wanted, SetTimer):
            return TimerAdapter(self.scheduler)
        return self.adapters(wanted)

    @property
    def timers(self) -> list[Event]:
        """The events that the flows' timers will bring, the next first."""
        set_ = self.scheduler.schedules.values()
        coming = [event for _, event in set_ if event.type.startswith("timer.")]
        return sorted(coming, key=lambda event: event.received_at)

    def fire(self, flow: Flow) -> Event:
        """Let the next timer of the flow come, whatever the time, and return its event; raises what
        `run` raises, after which it comes again, and SettingsError when none is set."""
        for event in self.timers:
            if event.timer["flow"] == flow.name:
                self.run(flow, event)
                self.scheduler.fired(event)
                return event
        raise SettingsError(f"{flow.name} has set no timer")

    @property
    def effects(self) -> list[Action]:
        """What the flows did on GitHub and in Slack, in order."""
        return self.platform.done

    def answers(self, *answers: object) -> None:
        """Let the model answer its next calls so: each a text, a value of the type that is asked
        for, a ToolCall, an exception, or a function of the request that returns one of these."""
        self.model.answers += answers

    def run(self, flow: Flow, event: Event) -> None:
        """Deliver the event; raises what the flow raised, which its queue would bring again.

        A second time is a second delivery: a run that has ended stays as it is. What died in the
        middle goes on, as after its lease. What was published meanwhile and wakes the flow comes
        after it. Raises SettingsError for an event of another type.
        """
        if event.type not in flow.types:
            raise SettingsError(f"{flow.name} takes no {event.type}, only {', '.join(flow.types)}")
        raised: list[Exception] = []

        def function(event: Event, agent: Agent) -> None:
            try:
                flow.function(event, agent)
            except Exception as err:
                raised.append(err)
                raise

        watched = replace(flow, function=function)
        self._deliver_now(watched, event)
        # Grows while the flow wakes itself; what has ended before stays as it is.
        for one in self.published:
            if one.type in flow.types and not raised:
                self._deliver_now(watched, one)
        if raised:
            raise raised[0]

    def _deliver_now(self, flow: Flow, event: Event) -> None:
        self.expire(event.tenant)
        self.deliver(flow, event)

    def dies(self, *, at: int) -> None:
        """Kill the process before the act of that number, counted from 1; later acts work."""
        self.platform.fails[at] = KeyboardInterrupt(f"killed before act {at}")

    def expire(self, tenant: str) -> None:
        """Let the runs of a tenant that died, or wait, go on at once."""
        self.database.run(tenant, [EXPIRE])

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
                "receiptHandle": event.id,
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:test-{flow.name}.fifo",
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
        answer = handler(json.loads(json.dumps({"Records": records})), LambdaContext())
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
