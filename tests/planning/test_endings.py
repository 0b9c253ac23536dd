"""Every plan ends: what cannot be told, what is refused, outages, and /cancel in each state."""

from collections.abc import Callable
from typing import Any

import pytest

from flows.background.sweep import sweep
from flows.control import control
from infra.local.aws import asl_interpreter
from shared.actions import Action
from shared.actions.github.actions import Comment
from shared.actions.github.reactions import AddReaction, RemoveReaction
from shared.database import Statement
from shared.errors import ActionRejected
from shared.planning.plan import Plan
from shared.planning.store import Situation
from tests.campaigns import sample
from tests.events.made import an_event
from tests.planning.conftest import Open
from tests.planning.plan_runner import PlanRunner
from tests.planning.plans import ASK, Drafts, gives_up, of, planned, says, step

HELLO = Plan((step("s1", "list_labels"), step("s2", "comment", body=of("s1", "items[0].name"))))
ELSEWHERE = Plan((step("s1", "comment", body="There", number=8),))
GONE = ActionRejected("github: could not comment: 404 Not Found; it is gone, or hidden")
STATES = ["Plan", "Validate", "Act", "Verify", "Reflect"]
NO_INSTALLATION = ActionRejected("github: the app is not installed on acme/shop")


def refuses(it: PlanRunner, error: Exception, when: Callable[[Action], bool]) -> list[Action]:
    """Let the platform refuse some actions; return the list of those that it has refused."""
    platform, refused = it.runner.platform, list[Action]()
    stock = platform.perform

    def perform(action: Action, *others: Any) -> Any:
        if when(action):
            refused.append(action)
            raise error
        return stock(action, *others)

    platform.__dict__["perform"] = perform
    return refused


def is_report(action: Action) -> bool:
    return isinstance(action, Comment) and action.body.startswith(("✅", "❌", "⏹"))


def over(it: PlanRunner, plan: str) -> Situation:
    it.wait_for(lambda: it.situation(plan).over)
    return it.situation(plan)


@pytest.mark.parametrize("error", [GONE, NO_INSTALLATION], ids=["404", "no installation"])
def test_a_plan_whose_end_cannot_be_told_is_finished(opened: Open, error: Exception) -> None:
    it = opened(planned(Drafts(HELLO)))
    refuses(it, error, is_report)
    plan = it.ask(ASK)
    assert it.ended(plan).state == "done"
    assert it.execution(plan).status == "SUCCEEDED"
    assert it._query("select count(*) from runs where state in ('running', 'retrying')") == [
        {"count": 0}
    ]


def test_a_plan_that_may_say_nothing_at_all_is_finished(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO), reflector=gives_up))
    refused = refuses(it, GONE, lambda action: True)
    plan = it.ask(ASK)
    assert it.ended(plan).state == "failed"
    assert it.execution(plan).status == "SUCCEEDED"
    said = [one for one in refused if not isinstance(one, AddReaction | RemoveReaction)]
    assert len(said) <= 3, "its message, its comment, its report: each once"


def test_a_question_that_is_refused_ends_the_plan(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    refuses(it, GONE, lambda action: True)
    plan = it.ask(ASK)
    assert it.ended(plan).state == "failed"
    it.runner.deliver(control, says("/cancel"))
    assert it.situation(plan).state == "failed", "the first end counts"


def test_a_report_with_a_bug_finishes_the_plan_and_raises_the_alarm(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = opened(planned(Drafts(HELLO)))
    refuses(it, ValueError("bug"), is_report)
    plan = it.ask(ASK)
    assert it.ended(plan).state == "done"
    assert it.execution(plan).error == "Unreported"


def test_refused_comments_are_tried_in_two_versions_at_most(opened: Open) -> None:
    versions = [Plan((step(f"s{n}", "comment", body=f"Hi {n}"),)) for n in range(6)]
    drafts = Drafts(*versions)
    it = opened(planned(drafts))
    refused = refuses(
        it, GONE, lambda action: isinstance(action, Comment) and action.body.startswith("Hi")
    )
    plan = it.ask(ASK)
    ended = it.ended(plan)
    assert ended.state == "failed"
    assert "404" in ended.reason
    assert len(refused) == 2
    assert len(drafts.briefs) == 2


@pytest.mark.parametrize("state", sample([*STATES, "Report"], 3))
def test_an_outage_of_any_length_costs_a_plan_nothing(
    opened: Open, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    it = opened(planned(Drafts(HELLO)))
    monkeypatch.setattr(asl_interpreter.pauses, "scale", 1e-6)
    it.fails[state] = ["ActionUnavailable", "ModelUnavailable", "DatabaseUnavailable"] * 10
    assert it.ended(it.ask(ASK)).state == "done"
    assert len(it.said()) == 2


@pytest.mark.parametrize("state", sample(STATES, 3))
def test_a_plan_that_waits_for_an_outage_can_be_cancelled(
    opened: Open, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    it = opened(planned(Drafts(HELLO)))
    monkeypatch.setattr(asl_interpreter.pauses, "scale", 1e6)
    it.fails[state] = ["ActionUnavailable"]
    plan = it.ask(ASK)
    it.wait_for(lambda: not it.fails[state])
    it.runner.deliver(control, says("/cancel"))
    assert over(it, plan).state == "cancelled"
    assert it.said()[-1].startswith("⏹ Cancelled by ada.")
    assert sum(text.startswith("⏹ Cancelled") for text in it.said()) == 1


def test_a_plan_whose_execution_is_dead_can_be_cancelled(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    it.asked(plan)
    it.execution(plan).abort(None, None)
    it.runner.deliver(control, says("/cancel"))
    assert over(it, plan).state == "cancelled"


def test_a_plan_that_waits_for_a_person_ends_in_its_own_execution(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    it.asked(plan)
    it.runner.deliver(control, says("/cancel"))
    assert it.ended(plan).state == "cancelled"
    assert len(it.machines.executions()) == 1


def test_a_cancelled_plan_that_cannot_be_told_is_cancelled(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    refuses(it, GONE, is_report)
    plan = it.ask(ASK)
    it.asked(plan)
    it.runner.deliver(control, says("/cancel"))
    assert it.ended(plan).state == "cancelled"


def test_a_dead_plan_is_closed_by_the_sweep(opened: Open) -> None:
    it = opened(planned(Drafts(ELSEWHERE)))
    plan = it.ask(ASK)
    it.asked(plan)
    it.execution(plan).abort(None, None)
    ticks = iter(range(100))

    def sweeps() -> str:
        it.runner.database._role = "agent_flows_operator"
        tick = an_event(id=f"schedule.sweep:{next(ticks)}", type="schedule.sweep", text="")
        assert it.runner.deliver(sweep, tick) == []
        return it.situation(plan).state

    def ages(days: int) -> None:
        past = f"- interval '{days} days'"
        it._query(f"update plans set created_at = created_at {past}")
        it._query(f"update approvals set expires_at = expires_at {past}")
        it._query(
            f"update runs set finished_at = finished_at {past}, started_at = started_at {past}"
        )

    assert sweeps() == "waiting"
    ages(6)
    assert sweeps() == "waiting"
    ages(3)
    assert sweeps() == "failed"
    rows = it.runner.database.run("github:acme", [Statement("select reason from plans", {})])[0]
    assert rows[0]["reason"] == "Nothing went on with it, so it was closed."
