"""A run that can wait rests until a batch brings its answer, and acts once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest

from flows.batches import batches
from shared.actions.github import Comment
from shared.agent import Agent
from shared.database import Database
from shared.events import Actor, Event
from shared.flow import Flow, flow
from shared.settings import Settings
from tests.batches.server import Answered, BatchServer
from tests.events.made import an_event
from tests.flows.bench import Bench

Query = Callable[..., list[tuple[object, ...]]]

TICKS = iter(range(10_000))


@dataclass(frozen=True)
class Verdict:
    label: str


@flow("github.issues.opened", may=[Comment.at_most(1)])
def patient(event: Event, agent: Agent) -> None:
    verdict = agent.ask("Name it.", event, returns=Verdict, deadline=timedelta(hours=6))
    agent.act(Comment(event.issue, verdict.label))


@pytest.fixture
def desk(database_url: str, settings: Settings) -> Iterator[Bench]:
    with Database(database_url, patience=5) as database:
        yield Bench(database, **settings._asdict() | {"footer": "off"})


@pytest.fixture
def query(database_url: str) -> Query:
    def run(sql: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(database_url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    return run


def tick(desk: Bench, flow: Flow = batches) -> None:
    """Let the schedule fire once."""
    event = an_event(
        id=f"schedule.batches:{next(TICKS)}",
        type="schedule.batches",
        source="schedule",
        tenant="schedule",
        conversation="schedule.batches",
        actor=Actor("scheduler", "batches"),
        issue_target=None,
    )
    assert desk.deliver(flow, event) == []


def wake(desk: Bench) -> None:
    """Deliver what was put on the bus."""
    while desk.published:
        assert desk.deliver(patient, desk.published.pop()) == []


def comments(desk: Bench) -> list[str]:
    return [action.body for action in desk.platform.done if isinstance(action, Comment)]


def said(label: str) -> Answered:
    return Answered(f'{{"label": "{label}"}}')


def test_a_run_rests_until_the_batch_ends_and_then_acts_once(
    desk: Bench, server: BatchServer, query: Query
) -> None:
    server.answers = lambda body: said("bug")

    assert desk.deliver(patient, an_event()) == []
    assert query("select state, finished_at from runs") == [("parked", None)]
    tick(desk)
    assert [batch.status for batch in server.batches] == ["in_progress"]
    tick(desk)
    assert desk.published == []
    server.end()
    tick(desk)
    wake(desk)

    assert comments(desk) == ["bug"]
    assert query("select state from runs where flow = 'patient'") == [("done",)]
    assert query("select model, cost from steps where name = 'ask'") == [
        ("openai:gpt-5.4-mini", (1000 * 0.75 + 100 * 4.5) / 1e6 / 2)
    ]
    tick(desk)
    assert (len(server.batches), desk.published) == (1, [])
