"""AWS bills the states that a plan enters; they follow from its steps, waves, questions and
revisions alone."""

from dataclasses import replace

import pytest

from shared.agent import Agent
from shared.planning.declaration import reads
from shared.planning.plan import Plan, PlanStep
from tests.planning.conftest import Open
from tests.planning.plans import ASK, Drafts, planned, says, step, transitions


@reads()
def number(agent: Agent, of: int) -> int:
    """Give the number back."""
    return of


def layered(*sizes: int) -> Plan:
    """A plan of waves with so many steps."""
    before: list[str] = []
    steps: list[PlanStep] = []
    for wave, size in enumerate(sizes):
        ids = [f"w{wave}s{place}" for place in range(size)]
        steps += [step(id, "number", of=1, after=before) for id in ids]
        before = ids
    return Plan(tuple(steps))


@pytest.mark.parametrize("sizes", [(1,), (7,), (1, 1, 1), (3, 1, 2, 5)])
def test_steps_and_waves_are_all_that_counts(opened: Open, sizes: tuple[int, ...]) -> None:
    it = opened(planned(Drafts(layered(*sizes)), number))
    plan = it.ask(ASK)
    it.ended(plan)
    assert it.transitions(plan) == transitions(sum(sizes), len(sizes))


def test_each_question_and_each_revision_takes_three_more(opened: Open) -> None:
    nothing = replace(step("s1", "recall", query="login"), verify="not empty")
    elsewhere = (
        step("s2", "comment", body="There", number=8),
        step("s3", "comment", body="Also there", number=9, after=["s2"]),
    )
    it = opened(planned(Drafts(Plan((nothing,)), Plan(elsewhere))))
    plan = it.ask(ASK)
    for answer in range(2):
        asked = it.wait_for(
            lambda: [a for a in it.situation(plan).approvals if a.state == "asked" and a.token]
        )
        assert len(asked) == 1
        yes = f"/approve {asked[0].digest[:8]}"
        it.runner.deliver(it.flow, says(yes, f"github:answer-{answer}"))
    assert it.ended(plan).state == "done"
    assert it.transitions(plan) == transitions(3, 3, approvals=2, revisions=1)
