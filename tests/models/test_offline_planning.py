"""The offline model plans by the words of the goal, the same each time."""

import pytest

from flows.plan import plan
from shared.models import Message, Request, typed
from shared.models.offline import connect
from shared.models.prompts import data, system
from shared.planning.thinking import PROMPT, Draft, described, drafted
from shared.planning.validation import Bounds, Limits, problems
from shared.settings import Settings
from tests.events.made import an_event


@pytest.mark.parametrize(
    ("goal", "tools"),
    [
        ("find the labels and comment a summary", ["list_labels", "write_text", "comment"]),
        ('label it as bug, then say "Thanks"', ["add_labels", "comment"]),
        ("find what we know about login", ["recall"]),
        ("make me happy", ["write_text"]),
    ],
)
def test_each_part_of_a_goal_becomes_a_call_of_the_tool_it_names(
    goal: str, tools: list[str]
) -> None:
    assert plan.plans
    offered = plan.plans.offered(an_event())
    request = Request(
        (Message("user", data("text", goal)),),
        system(PROMPT + "\n".join(described(tool) for tool in offered.values())),
        schema=typed.schema_of(Draft),
        max_tokens=4000,
    )
    reply = connect(Settings()).reply(request, 5)
    assert connect(Settings()).reply(request, 5).text == reply.text
    made = drafted(typed.parse(Draft, reply.text))
    assert [step.tool for step in made.steps] == tools
    bounds = Bounds(Limits(), {"Comment": 10, "AddLabels": 30}, True)
    assert problems(made, offered, bounds) == []
