"""The machine itself: every state and every Catch is reached, and nothing in it hangs loose."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from infra.project import ROOT
from shared.planning.plan import Plan
from shared.planning.validation import Limits
from shared.runtime.sweeping import PLAN_PATIENCE
from tests.campaigns import size
from tests.planning.conftest import Open
from tests.planning.plan_runner import PlanRunner
from tests.planning.plans import ASK, Drafts, gives_up, planned, says, step

Json = dict[str, Any]
MACHINE = json.loads((ROOT / "infra/planner.asl.json").read_text("utf-8"))
HERE = Plan((step("s1", "comment", body="Here"),))
THERE = Plan((step("s1", "comment", body="There", number=8),))

#: Our errors that the same call may survive; see shared/errors.py.
RETRYABLE = {
    "ActionUnavailable",
    "DatabaseUnavailable",
    "MemoryUnavailable",
    "ModelUnavailable",
    "PublishError",
    "RunBusy",
    "SecretsUnavailable",
}


OUTAGES = RETRYABLE - {"RunBusy"}


def all_states(machine: Json = MACHINE) -> Iterator[tuple[str, Json]]:
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from all_states(state["ItemProcessor"])


def tell_stories(it: PlanRunner) -> None:
    """Run one plan for each way through the machine."""
    number = iter(range(100, 200))

    def ended(**fails: str) -> None:
        it.fails = {state: [error] for state, error in fails.items()}
        it.ended(it.ask(says("/plan something", f"github:{next(number)}")))

    ended()
    for state in ("Plan", "Validate", "Act", "Verify", "Reflect", "Report"):
        ended(**{state: "ValueError"})
    it.answers["Validate"] = {"next": "wave", "steps": "s1", "seconds": 1}
    ended()
    it.answers.clear()


def edges(history: list[Json]) -> set[tuple[str, str]]:
    """Return which state followed which in an execution whose waves have one step."""
    names = [
        event["stateEnteredEventDetails"]["name"]
        for event in history
        if "stateEnteredEventDetails" in event
    ]
    late = {("Approve", "late")} if any(e["type"] == "TaskTimedOut" for e in history) else set()
    return set(pairwise(names)) | late


def test_every_state_and_every_catch_is_reached(opened: Open) -> None:
    here = opened(planned(Drafts(HERE), reflector=gives_up))
    tell_stories(here)
    there = opened(planned(Drafts(THERE), limits=Limits(approval=1)))
    there.ended(there.ask(says("/plan late", "github:300")))
    there.fails["Approve"] = ["ValueError"]
    there.ended(there.ask(says("/plan unasked", "github:301")))
    seen: set[tuple[str, str]] = set()
    for it in (here, there):
        it.keep_histories()
        seen |= {edge for history in it.histories for edge in edges(history)}
    caught = {
        (name, "late" if "States.Timeout" in catch["ErrorEquals"] else catch["Next"])
        for name, state in all_states()
        for catch in state.get("Catch", ())
    }
    entered = here.entered() | there.entered()
    states = {name for name, _ in all_states()}
    print(f"states {len(entered)} of {len(states)}, catches {len(caught & seen)} of {len(caught)}")
    assert entered == states
    assert caught <= seen


def test_every_path_leads_to_an_end_and_every_failure_to_the_report() -> None:
    for level in (MACHINE, MACHINE["States"]["Wave"]["ItemProcessor"]):
        names = level["States"].keys()
        assert level["StartAt"] in names
        for name, state in level["States"].items():
            following = {state.get("Next"), state.get("Default")} - {None}
            following |= {choice["Next"] for choice in state.get("Choices", ())}
            following |= {catch["Next"] for catch in state.get("Catch", ())}
            assert following <= names, name
            assert following or state.get("End") or state["Type"] in {"Fail", "Succeed"}, name
            if state["Type"] in {"Task", "Map"}:
                last = state["Catch"][-1]
                assert last["ErrorEquals"] == ["States.ALL"], name
                assert last["Next"] in {"Report", "Unfinished", "Unreported"}, name


def test_every_task_has_a_time_out_and_retries_what_may_pass() -> None:
    for name, state in all_states():
        if state["Type"] == "Task":
            assert {"TimeoutSeconds", "TimeoutSecondsPath"} & state.keys(), name
            retried = {error for retry in state["Retry"] for error in retry["ErrorEquals"]}
            assert retried >= RETRYABLE, name
            for retry in state["Retry"]:
                if OUTAGES & set(retry["ErrorEquals"]):
                    assert lasts(retry) > 2 * 86_400, f"{name}: an outage needs a person"
                else:
                    assert retry["MaxAttempts"] <= 12, name


def lasts(retry: Json) -> float:
    """Return for how many seconds a retrier tries again on average."""
    pauses = [
        min(retry["IntervalSeconds"] * retry["BackoffRate"] ** n, retry["MaxDelaySeconds"])
        for n in range(retry["MaxAttempts"])
    ]
    half = 0.5 if retry.get("JitterStrategy") == "FULL" else 1.0
    return float(sum(pauses)) * half


def test_a_dead_plan_is_closed_only_after_the_machine_has_given_up() -> None:
    retries = [retry for _, state in all_states() for retry in state.get("Retry", ())]
    assert max(map(lasts, retries)) * 2 < PLAN_PATIENCE


def test_the_retryable_errors_are_those_of_the_code() -> None:
    from shared import errors

    found = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type)
        and issubclass(kind, errors.AgentFlowsError)
        and kind.retryable
        and not name.startswith("_")
    }
    assert found == RETRYABLE


def test_a_lease_ends_before_the_machine_gives_up_on_a_busy_run() -> None:
    """A function that died holds its run for as long as it might have run, and a little more."""
    (busy,) = (
        retry for retry in MACHINE["States"]["Plan"]["Retry"] if retry["ErrorEquals"] == ["RunBusy"]
    )
    pauses, pause = 0.0, float(busy["IntervalSeconds"])
    for _ in range(busy["MaxAttempts"]):
        pauses += min(pause, busy["MaxDelaySeconds"])
        pause *= busy["BackoffRate"]
    # The function's time-out, and the grace beyond it. Jitter could cut the pauses short.
    assert "JitterStrategy" not in busy
    assert pauses > 150 + 5


def test_many_plans_at_once_all_end(opened: Open) -> None:
    it, many = opened(planned(Drafts(HERE))), size(50, 10)
    requests = [ASK._replace(id=f"github:{n}", conversation=f"c{n}") for n in range(many)]
    assert it.runner.deliver(it.flow, *requests) == []
    plans = it.plans()
    assert len(plans) == many
    assert {it.ended(plan).state for plan in plans} == {"done"}
