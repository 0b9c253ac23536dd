"""The classic loop of docs/examples/loop.py: act, verify and adjust against an environment."""

import runpy
from collections.abc import Sequence
from typing import Any

import pytest

from infra.project import ROOT
from shared.planning import Brief, Decision, Failure, Mind, Verdict
from shared.planning.plan import Plan, PlanStep
from shared.planning.validation import Limits

LOOP = runpy.run_path(str(ROOT / "docs/examples/loop.py"))
Fleet, Agent, run, plan_a_ride = (LOOP[n] for n in ("Fleet", "Agent", "run", "plan_a_ride"))


def rides(fleet: Any) -> list[str]:
    """When cars were asked for."""
    return [call.arguments["at"] for call in fleet.calls if call.tool == "find_car"]


def test_what_the_guide_prints_is_what_the_example_prints(
    capsys: pytest.CaptureFixture[str],
) -> None:
    runpy.run_path(str(ROOT / "docs/examples/loop.py"), run_name="__main__")
    assert capsys.readouterr().out in (ROOT / "docs/loop.md").read_text("utf-8")


def test_no_car_at_ten_means_a_quarter_past_and_a_word_about_it() -> None:
    fleet = Fleet({"10:15": ["blue"]})
    run(fleet, Agent(fleet.tools, plan_a_ride))
    assert fleet.booked == [("blue", "10:15")]
    assert fleet.told == ["There is no car at 10:00. I have booked one at 10:15."]


def test_a_car_at_ten_needs_no_excuse() -> None:
    fleet = Fleet({"10:00": ["blue"], "10:15": ["red"]})
    run(fleet, Agent(fleet.tools, plan_a_ride))
    assert fleet.told == ["I have booked one at 10:00."]


def test_it_gives_up_after_so_many_plans_and_books_nothing() -> None:
    fleet = Fleet({})
    run(fleet, Agent(fleet.tools, plan_a_ride, limits=Limits(revisions=2)))
    assert rides(fleet) == ["10:00", "10:15", "10:30"]
    assert fleet.booked == []


def test_it_learns_nothing_yet() -> None:
    fleet = Fleet({"10:15": ["blue"]})
    agent = Agent(fleet.tools, plan_a_ride)
    for _ in range(2):
        run(fleet, agent)
        assert rides(fleet) == ["10:00", "10:15"]


def test_each_part_can_be_another_function() -> None:
    def only_red(mind: Mind, step: PlanStep, output: Any) -> Verdict:
        return Verdict(step.tool != "find_car" or output["cars"] == ["red"], "It is not red.")

    def again(mind: Mind, goal: str, failures: Sequence[Failure]) -> Decision:
        return Decision("retry")

    fleet = Fleet({"10:00": ["blue"], "10:15": ["red"]})
    run(fleet, Agent(fleet.tools, plan_a_ride, only_red, again))
    assert rides(fleet) == ["10:00", "10:00", "10:15"]
    assert fleet.booked == [("red", "10:15")]


def test_a_plan_that_cannot_run_is_not_begun() -> None:
    def unknown(mind: Mind, brief: Brief) -> Plan:
        return Plan((PlanStep("s1", "walk", "walk", {}),))

    fleet = Fleet({})
    run(fleet, Agent(fleet.tools, unknown))
    assert fleet.calls == []
