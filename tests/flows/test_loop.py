"""The classic loop of docs/examples/: act, verify, adjust and learn against an environment."""

import runpy
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows.plan import plan
from infra.project import ROOT
from shared.choosing import Chances, Experience
from shared.desk import Loan
from shared.learning.choices.desk import Choices
from shared.learning.rewards import RunResult, accepted
from shared.perception import github, slack
from shared.planning import (
    Brief,
    ChoicePolicy,
    Chooser,
    Collector,
    Decision,
    Failure,
    Goals,
    Mind,
    Preprocessor,
    RewardFunction,
    Selector,
    Verdict,
)
from shared.planning.own_words import own_words
from shared.planning.plan import Plan, PlanStep
from shared.planning.validation import Limits
from shared.planning.waves import ready
from shared.runtime import worker
from shared.runtime.worker import preprocessed

LOOP = runpy.run_path(str(ROOT / "docs/examples/loop.py"))
Fleet, Agent, run, Rides = (LOOP[name] for name in ("Fleet", "Agent", "run", "Rides"))
GRID = runpy.run_path(str(ROOT / "docs/examples/grid.py"))


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
    run(fleet, Agent(fleet.tools, Rides))
    assert fleet.booked == [("blue", "10:15")]
    assert fleet.told == ["There is no car at 10:00. I have booked one at 10:15."]


def test_a_car_at_ten_needs_no_excuse() -> None:
    fleet = Fleet({"10:00": ["blue"], "10:15": ["red"]})
    run(fleet, Agent(fleet.tools, Rides))
    assert fleet.told == ["I have booked one at 10:00."]


def test_it_gives_up_after_so_many_plans_and_books_nothing() -> None:
    fleet = Fleet({})
    run(fleet, Agent(fleet.tools, Rides, limits=Limits(revisions=2)))
    assert rides(fleet) == ["10:00", "10:15", "10:30"]
    assert fleet.booked == []


def test_run_twice_it_books_a_quarter_past_at_once() -> None:
    fleet = Fleet({"10:15": ["blue"]})
    agent = Agent(fleet.tools, Rides)
    asked = []
    for _ in range(2):
        run(fleet, agent)
        asked.append(rides(fleet))
        assert fleet.booked == [("blue", "10:15")]
    assert asked == [["10:00", "10:15"], ["10:15"]]
    assert fleet.told == ["I have booked one at 10:15."]


def test_what_it_learnt_is_unlearnt_when_it_is_true_no_more() -> None:
    agent = Agent(Fleet.tools, Rides)
    for free in ("10:15", "10:15", "10:30"):
        fleet = Fleet({free: ["blue"]})
        run(fleet, agent)
        assert fleet.booked == [("blue", free)]
    assert rides(fleet)[0] == "10:15"


def test_it_learns_nothing_of_what_it_did_not_try() -> None:
    fleet = Fleet({})
    agent = Agent(fleet.tools, Rides, limits=Limits(revisions=2))
    run(fleet, agent)
    assert [one.arm for one in agent.experiences] == rides(fleet)


def test_its_reward_and_its_policy_can_be_other_functions() -> None:
    def last(experiences: Sequence[Experience]) -> ChoicePolicy:
        return lambda context, arms: [float(arm == arms[-1]) for arm in arms]

    fleet = Fleet({"11:45": ["blue"]})
    agent = Agent(fleet.tools, Rides, learner=last, reward=lambda seen: 7.0)
    run(fleet, agent)
    assert fleet.booked == [("blue", "11:45")]
    assert [one.reward for one in agent.experiences] == [7.0]


def test_each_part_can_be_another_function() -> None:
    def only_red(mind: Mind, step: PlanStep, output: Any) -> Verdict:
        return Verdict(step.tool != "find_car" or output["cars"] == ["red"], "It is not red.")

    def again(mind: Mind, goal: str, failures: Sequence[Failure]) -> Decision:
        return Decision("retry")

    fleet = Fleet({"10:00": ["blue"], "10:15": ["red"]})
    run(fleet, Agent(fleet.tools, Rides, only_red, again))
    assert rides(fleet) == ["10:00", "10:00", "10:15"]
    assert fleet.booked == [("red", "10:15")]


def test_a_plan_that_cannot_run_is_not_begun() -> None:
    def unknown(mind: Mind, brief: Brief) -> Plan:
        return Plan((PlanStep("s1", "walk", "walk", {}),))

    fleet = Fleet({})
    run(fleet, Agent(fleet.tools, lambda choose: unknown))
    assert fleet.calls == []


def test_the_way_through_the_grid_is_learnt_to_the_optimum() -> None:
    steps, optimum = GRID["curve"](), GRID["Grid"]().optimum()
    assert optimum == 10
    assert min(steps) >= optimum
    assert sum(steps[:15]) / 15 > 5 * optimum
    assert sum(steps[-15:]) / 15 < 1.05 * optimum
    drawn = (ROOT / "docs/grid.svg").read_text("utf-8")
    assert GRID["drawn"](steps, optimum) == drawn


def test_the_parts_of_the_loop_are_those_that_the_flows_use() -> None:
    """What stands in for each part is a type checker's to say; each is used where it belongs."""
    collectors: list[Collector] = [github.to_event, slack.to_event]
    preprocessor: Preprocessor = preprocessed
    goals: Goals = own_words
    selector: Selector = ready
    parts: list[Any] = [*collectors, preprocessor, goals, selector]
    assert all(callable(part) for part in parts)
    assert worker.preprocessed is preprocessor
    assert plan.plans is not None
    assert (plan.plans.goals, plan.plans.selector) == (goals, selector)
    chooser: Chooser = Choices(cast("Loan", SimpleNamespace(run=None))).choose
    policy: ChoicePolicy = Chances(("a", "b"), (0.25, 0.75)).of
    assert callable(chooser) and policy({}, ("a", "b")) == (0.25, 0.75)
    reward: RewardFunction[RunResult] = accepted
    assert reward(RunResult()) == 0
