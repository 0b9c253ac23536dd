"""Versions of a plan on the real machine: what goes beyond the first one waits for a person."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared.actions import Action
from shared.actions.github.actions import AddLabels, Assign, Comment
from shared.agent import Agent
from shared.agent.flow import Flow
from shared.errors import ActionRejected
from shared.events import Event, Issue
from shared.planning import Brief, Decision, Failure, Mind, Verdict
from shared.planning.declaration import reads
from shared.planning.desk import PlanDesk
from shared.planning.plan import Plan, PlanStep
from tests.planning.conftest import Open
from tests.planning.plan_runner import Death, PlanRunner
from tests.planning.plans import ASK, Drafts, gives_up, of, planned, says, step

HERE = Issue("acme/shop", 7)
NOTHING = replace(step("s1", "recall", query="login"), verify="not empty")
HELLO = step("s2", "comment", body="Hello", after=["s1"])
#: The check of the first version fails, so that there is a second one.
FIRST = Plan((NOTHING, HELLO))
ONE = Plan((step("s1", "comment", body="One"),))
TWO = Plan((step("s1", "comment", body="Two"),))
READ = step("s1", "list_labels")
ADDED = (
    step("s3", "comment", body="owned"),
    step("s4", "add_labels", labels=["wontfix"]),
    step("s5", "assign", people=["mallory"]),
)


def done(it: PlanRunner) -> list[Action]:
    """Return what the plan's steps did, without what the plan says of itself."""
    report = ("✅", "❌", "⏹", "⏸")
    return [
        action
        for action in it.runner.platform.done
        if isinstance(action, AddLabels | Assign)
        or (isinstance(action, Comment) and not action.body.startswith(report))
    ]


def asked(it: PlanRunner, plan: str) -> set[str]:
    """Wait for a question and return the steps that it is about."""
    (approval,) = (one for one in it.asked(plan).approvals if one.state == "asked")
    return set(approval.steps)


def test_what_a_revision_adds_waits_also_in_the_own_conversation(opened: Open) -> None:
    it = opened(planned(Drafts(FIRST, Plan((READ, HELLO, *ADDED)))))
    plan = it.ask(ASK)
    assert asked(it, plan) == {"s3", "s4", "s5"}
    assert done(it) == [Comment(HERE, "Hello")]
    assert it.shown(it.situation(plan).approvals[0].digest)[0].count("Your request did not") == 3
    it.runner.deliver(it.flow, says("/reject"))
    assert it.ended(plan).state == "failed"
    assert done(it) == [Comment(HERE, "Hello")]


def test_it_is_done_once_a_person_has_said_yes(opened: Open) -> None:
    it = opened(planned(Drafts(FIRST, Plan((READ, HELLO, *ADDED)))))
    plan = it.ask(ASK)
    asked(it, plan)
    it.runner.deliver(it.flow, says("/approve"))
    assert it.ended(plan).state == "done"
    added = [Comment(HERE, "owned"), AddLabels(HERE, ("wontfix",)), Assign(HERE, ("mallory",))]
    assert sorted(map(str, done(it))) == sorted(map(str, [Comment(HERE, "Hello"), *added]))


def test_words_and_what_is_dropped_need_nobody(opened: Open) -> None:
    first = Plan((NOTHING, HELLO, step("s3", "comment", body="Bye", after=["s1"])))
    it = opened(
        planned(Drafts(first, Plan((READ, step("s7", "comment", body=of("s1", "items[0].name"))))))
    )
    assert it.ended(it.ask(ASK)).state == "done"
    assert done(it) == [Comment(HERE, "bug")]


def test_a_target_that_was_read_waits_from_the_first_version_on(opened: Open) -> None:
    labels = step("s2", "add_labels", labels=[of("s1", "items[0].name")])
    it = opened(planned(Drafts(Plan((READ, labels)))))
    plan = it.ask(ASK)
    assert asked(it, plan) == {"s2"}
    it.runner.deliver(it.flow, says("/approve"))
    assert it.ended(plan).state == "done"
    assert done(it) == [AddLabels(HERE, ("bug",))]


def test_a_trusted_tool_goes_only_where_the_first_version_goes(opened: Open) -> None:
    there = (NOTHING, step("s2", "comment", body="Hello", number=8, after=["s1"]))
    further = (
        READ,
        step("s2", "comment", body="Hello", number=8),
        step("s3", "comment", body="x", number=9),
    )
    flow = planned(Drafts(Plan(there), Plan(further)), trusted=frozenset({"comment"}))
    it = opened(flow)
    plan = it.ask(ASK)
    assert asked(it, plan) == {"s3"}
    assert done(it) == [Comment(Issue("acme/shop", 8), "Hello")]
    it.runner.deliver(it.flow, says("/cancel"))
    it.ended(plan)


def test_a_comment_that_failed_its_check_was_written_and_counts(opened: Open) -> None:
    def fails(mind: Mind, step: PlanStep, output: Any) -> Verdict:
        return Verdict(passed=False, reason="Not polite. Write another one.")

    checked = Plan((replace(ONE.steps[0], verify="It is polite."),))
    it = opened(planned(Drafts(checked, TWO), verifier=fails))
    plan = it.ask(ASK)
    assert asked(it, plan) == {"s1"}
    assert done(it) == [Comment(HERE, "One")]
    it.runner.deliver(it.flow, says("/cancel"))
    it.ended(plan)


def test_a_comment_that_the_platform_refused_may_be_worded_otherwise(opened: Open) -> None:
    it = opened(planned(Drafts(ONE, TWO)))
    # The acts before it show that a plan is being made, and how it runs.
    it.runner.platform.fails[3] = ActionRejected("github: the body is too long")
    assert it.ended(it.ask(ASK)).state == "done"
    assert done(it) == [Comment(HERE, "Two")]


def test_a_comment_whose_function_died_counts(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = opened(planned(Drafts(ONE, TWO)))
    stock = it.runner.platform.perform

    def dies(action: Any, mark: Any, previous: Any) -> Any:
        made = stock(action, mark, previous)
        if isinstance(action, Comment) and action.body == "One":
            it.fails["Act"] = ["ValueError"]  # and its last try never begins
            raise Death
        return made

    monkeypatch.setattr(it.runner.platform, "perform", dies)
    plan = it.ask(ASK)
    assert asked(it, plan) == {"s1"}
    assert done(it) == [Comment(HERE, "One")]
    it.runner.deliver(it.flow, says("/cancel"))
    it.ended(plan)


def test_memories_reach_revisions_only(opened: Open) -> None:
    lessons: list[list[str]] = []

    def planner(mind: Mind, brief: Brief) -> Plan:
        lessons.append([memory.text for memory in mind.recall(brief.goal, kinds={"episode"})])
        checked = replace(READ, verify="There is one named urgent.")
        return Plan((checked if brief.previous is None else READ,))

    def fails(mind: Mind, step: PlanStep, output: Any) -> Verdict:
        return Verdict(passed=False, reason="There is none.")

    def remembers(event: Event, agent: Agent) -> None:
        agent.remember("The labels: assign mallory first.", kind="episode", ref="plan 1")

    it = opened(planned(planner, verifier=fails))
    other = ASK._replace(
        id="github:d0", conversation="github:acme/shop#6", issue_target=Issue("acme/shop", 6)
    )
    it.runner.deliver(replace(it.flow, function=remembers), other)
    assert it.ended(it.ask(ASK)).state == "done"
    assert lessons == [[], ["The labels: assign mallory first."]]


def test_what_the_person_quotes_is_not_in_the_first_prompt(opened: Open) -> None:
    drafts = Drafts(Plan((READ,)))
    it = opened(planned(drafts))
    it.ended(it.ask(says("/plan list the labels\n\n> And assign mallory.\n")))
    assert drafts.briefs[0].goal == "list the labels"


# What only reads


def _acts(agent: Any) -> None:
    agent.act(Comment(HERE, "owned"))


def _starts_a_plan(agent: Any) -> None:
    agent.desk(PlanDesk).start("assign mallory")


def _survives(agent: Any) -> None:
    for wish in (_acts, _starts_a_plan):
        try:
            wish(agent)
        except Exception:
            continue


def in_a_tool(wish: Callable[[Any], None]) -> Flow:
    @reads()
    def eager(agent: Agent) -> str:
        """Read, and do more than that."""
        wish(agent)
        return "read"

    return planned(Drafts(Plan((step("s1", "eager"),))), eager, reflector=gives_up)


def in_a_verifier(wish: Callable[[Any], None]) -> Flow:
    def verifier(mind: Mind, step: PlanStep, output: Any) -> Verdict:
        wish(mind)
        return Verdict(passed=True)

    checked = Plan((replace(READ, verify="It is good."),))
    return planned(Drafts(checked), verifier=verifier, reflector=gives_up)


def in_a_reflector(wish: Callable[[Any], None]) -> Flow:
    def reflector(mind: Mind, goal: str, failures: Sequence[Failure]) -> Decision:
        wish(mind)
        return Decision("give_up", "It cannot be done.")

    return planned(Drafts(Plan((NOTHING,))), reflector=reflector)


def in_a_planner(wish: Callable[[Any], None]) -> Flow:
    def planner(mind: Mind, brief: Brief) -> Plan:
        if brief.previous is not None:
            wish(mind)
        return Plan((NOTHING,))

    return planned(planner)


@pytest.mark.parametrize("part", [in_a_tool, in_a_verifier, in_a_reflector, in_a_planner])
def test_a_part_that_reads_does_nothing_else(
    opened: Open, part: Callable[[Callable[[Any], None]], Flow]
) -> None:
    """Nor does a tool that a model calls in it: it has the same agent."""
    it = opened(part(_survives))
    plan = it.ask(ASK)
    it.ended(plan)
    assert done(it) == []
    assert it.plans() == [plan]


def test_a_tool_that_reads_and_acts_fails_and_says_why(opened: Open) -> None:
    it = opened(in_a_tool(_acts))
    it.ended(it.ask(ASK))
    (row,) = it.situation(it.plans()[0]).steps
    assert "only reads wanted to take the action Comment; declare a tool with @writes" in row.reason
