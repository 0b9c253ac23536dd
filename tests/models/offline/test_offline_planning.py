"""The offline model plans by the words of the goal, the same each time."""

from typing import TypeVar

import pytest

from flows.plan import plan
from shared.events import Thread
from shared.memory import Memory
from shared.models import ChatMessage, ModelRequest
from shared.models.answers import typed
from shared.models.offline.model import connect
from shared.models.prompts import data, system
from shared.planning import Brief
from shared.planning.planner import (
    PROMPT,
    ProposedPlan,
    describe_tool,
    plan_with_a_model,
    read_plan,
)
from shared.planning.validation import Bounds, Limits, problems
from shared.settings import Settings
from tests.events.made import an_event

T = TypeVar("T")


@pytest.mark.parametrize(
    ("goal", "tools"),
    [
        ("find the labels and comment a summary", ["list_labels", "write_text", "comment"]),
        ('label it as bug, then say "Thanks"', ["add_labels", "comment"]),
        ("find what we know about login", ["recall"]),
        ("find the open issues about the login", ["search_issues"]),
        ("make me happy", ["write_text"]),
    ],
)
def test_each_part_of_a_goal_becomes_a_call_of_the_tool_it_names(
    goal: str, tools: list[str]
) -> None:
    assert plan.plans
    offered = plan.plans.offered(an_event())
    request = ModelRequest(
        (ChatMessage("user", data("text", goal)),),
        system(PROMPT + "\n".join(describe_tool(tool) for tool in offered.values())),
        schema=typed.schema_of(ProposedPlan),
        max_tokens=4000,
    )
    reply = connect(Settings()).reply(request, 5)
    assert connect(Settings()).reply(request, 5).text == reply.text
    made = read_plan(typed.parse(ProposedPlan, reply.text))
    assert [step.tool for step in made.steps] == tools
    bounds = Bounds(Limits(), {"Comment": 10, "AddLabels": 30}, True)
    assert problems(made, offered, bounds) == []


def test_what_is_missing_in_a_place_is_planned_with_so_that_the_person_is_told() -> None:
    assert plan.plans
    in_slack = an_event(issue_target=None, thread_target=Thread("T1", "C1", "1.1"))
    absent = plan.plans.absent(in_slack)
    brief = Brief("search the issues for the login", plan.plans.offered(in_slack), absent=absent)
    made = plan_with_a_model(Offline(), brief)
    assert [step.tool for step in made.steps] == ["search_issues"]
    bounds = Bounds(Limits(), {}, True, absent=absent)
    (told,) = problems(made, plan.plans.offered(in_slack), bounds)
    assert "Step s1 cannot use search_issues here: it needs a repository, and no" in told


class Offline:
    """A mind that asks the offline model."""

    def ask(self, prompt: str, *context: object, returns: type[T], **_: object) -> T:
        question = data("text", str(context[0]))
        schema = typed.schema_of(returns)
        request = ModelRequest(
            (ChatMessage("user", question),), system(prompt), schema=schema, max_tokens=4000
        )
        return typed.parse(returns, connect(Settings()).reply(request, 5).text)

    def recall(self, query: str, **_: object) -> list[Memory]:
        return []

    def remember(self, text: str, **_: object) -> None: ...
