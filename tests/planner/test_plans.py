"""Plans from a request to its report: the real machine, handlers and Postgres."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from flows.plan import plan as flow
from shared.actions.github import AddLabels, Comment
from shared.database import Database
from shared.events import Issue
from shared.flow import Flow
from shared.planning import Brief, Mind
from shared.planning.plan import Plan, PlanStep
from tests.events.made import an_event
from tests.planner.stage import Stage, stage

ASK = an_event(
    type="github.issue_comment.created",
    text="/plan find the labels and say them",
)

Open = Callable[[Flow], Stage]


@pytest.fixture
def opened(database_url: str) -> Iterator[Open]:
    with ExitStack() as stack:
        database = stack.enter_context(Database(database_url, patience=5))
        yield lambda flow: stack.enter_context(stage(database, flow))


def planning(*versions: Plan) -> Flow:
    """The flow with a planner that makes these versions one after the other."""
    assert flow.plans

    def planner(mind: Mind, brief: Brief) -> Plan:
        return versions[0] if brief.previous is None else versions[-1]

    return replace(flow, plans=replace(flow.plans, planner=planner))


def step(id: str, tool: str, **arguments: object) -> PlanStep:
    return PlanStep(id, f"{tool} {id}", tool, dict(arguments))


TWO = Plan((step("s1", "list_labels"), step("s2", "comment", body="Hello")))


def test_two_steps_run_in_one_wave_and_are_reported(opened: Open) -> None:
    it = opened(planning(TWO))
    plan = it.ask(ASK)
    assert it.ended(plan).state == "done"
    assert it.said()[0] == "Hello"
    assert "✅" in it.said()[1]
    assert len(it.said()) == 2
