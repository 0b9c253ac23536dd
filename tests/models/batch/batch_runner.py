"""A patient flow, the flow of the batches, and what a test does with both."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

import psycopg

from flows.background.batches import batches
from shared.actions.github.actions import Comment, NamedComment
from shared.agent import Agent
from shared.agent.flow import Flow, flow
from shared.database import Database
from shared.events import Actor, Event
from shared.settings import Settings
from shared.testing import FlowRunner
from tests.events.made import an_event
from tests.models.batch.server import Answered, Json

_TICKS = count()


@dataclass(frozen=True)
class Verdict:
    label: str


@flow("github.issues.opened", may=[Comment.at_most(3)])
def patient(event: Event, agent: Agent) -> None:
    verdict = agent.ask("Name it.", event, returns=Verdict, deadline=timedelta(hours=6))
    agent.act(Comment(event.issue, verdict.label))


def said(label: str) -> Answered:
    return Answered(f'{{"label": "{label}"}}')


def answers(label: str) -> Callable[[Json], Answered]:
    return lambda body: said(label)


class BatchRunner(FlowRunner):
    """A bench whose bus is a list, and whose clock a test turns by hand."""

    def __init__(self, database: Database, settings: Settings, url: str) -> None:
        super().__init__(database, **settings._asdict() | {"footer": "off"})
        self.url = url

    def open(self, flow: Flow = patient, **event: Any) -> None:
        """Deliver an event to a flow."""
        assert self.deliver(flow, an_event(**event)) == []

    def tick(self) -> None:
        """Let the schedule fire once."""
        event = an_event(
            id=f"schedule.batches:{next(_TICKS)}",
            type="schedule.batches",
            source="schedule",
            tenant="schedule",
            conversation="schedule.batches",
            actor=Actor("scheduler", "batches"),
            issue_target=None,
        )
        assert self.deliver(batches, event) == []

    def wake(self, flow: Flow = patient) -> int:
        """Deliver what was put on the bus once more, and say how much that was."""
        events = list(self.published)
        self.published.clear()
        assert self.deliver(flow, *events) == []
        return len(events)

    def forget_published(self) -> None:
        """Lose what is on the bus, and let the time pass for which it deduplicates."""
        self.published.clear()
        self._published.clear()

    def later(self, minutes: float) -> None:
        """Let so much time pass for what waits."""
        self.query(
            "update batch_requests set due_at = due_at - %s * interval '1 minute',"
            " deadline = deadline - %s * interval '1 minute'",
            minutes,
            minutes,
        )

    @property
    def comments(self) -> list[str]:
        done = self.platform.done
        notices = [action.text for action in done if isinstance(action, NamedComment)]
        return [*(action.body for action in done if isinstance(action, Comment)), *notices]

    @property
    def states(self) -> list[str]:
        """The states of the patient runs, in the order of their start."""
        rows = self.query("select state from runs where flow <> 'batches' order by started_at")
        return [str(state) for (state,) in rows]

    def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode(), parameters)
            return cursor.fetchall() if cursor.description else []
