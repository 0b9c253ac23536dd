"""A plan is stopped in any of its states, and reports what it did until then."""

from typing import Any

import pytest

from flows.control import control
from shared.aws.executions import Executions
from shared.errors import ActionUnavailable
from shared.events import Event, run_id
from shared.planning import Brief, Mind
from shared.planning.plan import Plan
from shared.planning.store import Situation
from tests.events.made import an_event
from tests.planning.conftest import opened
from tests.planning.plan_runner import PlanRunner
from tests.planning.plans import ASK, Drafts, planned, says, step

__all__ = ["opened"]

TWO = Plan(
    (step("s1", "comment", body="One"), step("s2", "comment", body="Two", after=["s1"])),
)
CANCEL = says("/cancel")


def cancel(it: PlanRunner, event: Event = CANCEL) -> None:
    assert it.runner.deliver(control, event) == []


def over(it: PlanRunner, plan: str) -> Situation:
    """Wait until the plan is over, whichever execution ends it."""
    it.wait_for(lambda: it.situation(plan).over)
    it.wait_for(lambda: all(one.status != "RUNNING" for one in it.machines.executions()))
    return it.situation(plan)


def report(it: PlanRunner) -> str:
    (text,) = [text for text in it.said() if text.startswith("⏹ Cancelled by ada.")]
    return text


def test_while_the_planner_thinks(opened: Any) -> None:
    def planner(mind: Mind, brief: Brief) -> Plan:
        cancel(it)
        return TWO

    it: PlanRunner = opened(planned(planner))
    plan = it.ask(ASK)
    assert over(it, plan).state == "cancelled"
    assert "One" not in it.said()
    assert f"⏹ Stopping plan `{plan}`." in it.said()
    assert report(it)


def test_while_it_writes(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    it: PlanRunner = opened(planned(Drafts(TWO)))
    perform = it.runner.platform.perform

    def stops(action: Any, mark: Any, previous: Any) -> Any:
        receipt = perform(action, mark, previous)
        if getattr(action, "body", "") == "One":
            cancel(it)
        return receipt

    monkeypatch.setattr(it.runner.platform, "perform", stops)
    assert over(it, it.ask(ASK)).state == "cancelled"
    assert it.said().count("One") == 1
    assert "Two" not in it.said()
    assert "✅ comment s1" in report(it)
    assert "▫️ comment s2" in report(it)


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("meanwhile", [True, False])
def test_in_an_outage(
    opened: Any, monkeypatch: pytest.MonkeyPatch, sent: bool, meanwhile: bool
) -> None:
    """What the platform did not answer may have happened, and the report says so."""
    it: PlanRunner = opened(planned(Drafts(TWO)))
    perform, die, tried = it.runner.platform.perform, it._die, []

    def cuts(action: Any, mark: Any, previous: Any) -> Any:
        if getattr(action, "body", "") != "One":
            return perform(action, mark, previous)
        tried.append(action)
        if meanwhile:
            cancel(it)
        raise ActionUnavailable("github: cut", 9_000, sent=sent)

    def stops(place: str) -> None:
        if place == "before:Act" and tried and not meanwhile:
            cancel(it)
        die(place)

    monkeypatch.setattr(it.runner.platform, "perform", cuts)
    monkeypatch.setattr(it, "_die", stops)
    assert over(it, it.ask(ASK)).state == "cancelled"
    assert len(tried) == 1
    assert ("please look: Comment at" in report(it)) == sent


@pytest.mark.parametrize("state", ["Validate", "Act", "Verify", "Reflect"])
def test_before_a_state(opened: Any, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    it: PlanRunner = opened(planned(Drafts(TWO)))
    die = it._die

    def stops(place: str) -> None:
        if place == f"before:{state}":
            cancel(it)
        die(place)

    monkeypatch.setattr(it, "_die", stops)
    assert over(it, it.ask(ASK)).state == "cancelled"
    assert "Two" not in it.said()
    assert report(it)


def test_before_it_begins(opened: Any) -> None:
    it: PlanRunner = opened(planned(Drafts(TWO)))
    cancel(it, CANCEL._replace(received_at=ASK.received_at + 1))
    assert it.runner.deliver(it.flow, ASK) == []
    assert it.plans() == []


def test_before_its_execution_begins(opened: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function dies with the plan kept and nothing begun."""
    it: PlanRunner = opened(planned(Drafts(TWO)))
    with monkeypatch.context() as patch:
        patch.setattr(Executions, "start", lambda *_: 1 / 0)
        assert it.runner.deliver(it.flow, ASK) == [ASK.id]
    cancel(it)
    assert over(it, it.plans()[0]).state == "cancelled"
    assert report(it)
    assert it.runner.deliver(it.flow, ASK, receives=2) == []


def test_by_its_name_before_it_begins(opened: Any) -> None:
    it: PlanRunner = opened(planned(Drafts(TWO)))
    run = run_id(ASK, "plan")
    api = an_event(
        id="api:c",
        type="api.command.cancel",
        source="api",
        conversation=f"api:{run}",
        payload={"run": run},
        issue_target=None,
        received_at=ASK.received_at + 1,
    )
    cancel(it, api)
    assert it.runner.deliver(it.flow, ASK) == []
    assert it.plans() == []


def test_a_plan_that_was_asked_for_afterwards_goes_on(opened: Any) -> None:
    it: PlanRunner = opened(planned(Drafts(TWO)))
    cancel(it, CANCEL._replace(received_at=ASK.received_at - 1))
    assert over(it, it.ask(ASK)).state == "done"
