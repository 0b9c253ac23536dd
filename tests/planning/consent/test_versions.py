"""Versions of a plan: what goes beyond the first one waits for a person, and what reads does not
write. First in memory, then on the real machine."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from flows.control import control
from shared.actions import Action, Query
from shared.actions.github.actions import AddLabels, Assign, Comment
from shared.agent import Agent
from shared.agent.flow import Flow
from shared.events import Event, Issue
from shared.planning import Brief, Decision, Failure, Mind, Verdict
from shared.planning.declaration import reads
from shared.planning.desk import PlanDesk
from shared.planning.plan import Plan, PlanStep
from shared.planning.store import Situation
from tests.planning.conftest import Open
from tests.planning.consent.memory_machine import MemoryMachine
from tests.planning.plan_runner import Death, PlanRunner
from tests.planning.plans import ASK, Drafts, gives_up, of, planned, says, step

HERE, THERE = Issue("acme/shop", 7), Issue("acme/shop", 8)
READ = step("s1", "list_labels")
#: A first version whose check fails, so that there is a second one.
NOTHING = replace(step("s1", "recall", query="login"), verify="not empty")
HELLO = step("s2", "comment", body="Hello", after=["s1"])
FIRST = Plan((NOTHING, HELLO))
ONE = Plan((step("s1", "comment", body="One"),))
TWO = Plan((step("s1", "comment", body="Two"),))
ADDED = (
    step("s3", "comment", body="owned"),
    step("s4", "add_labels", labels=["wontfix"]),
    step("s5", "assign", people=["mallory"]),
)


class Asking(MemoryMachine):
    """A machine whose person rejects all, and notes the steps that they were asked about."""

    def __init__(self, flow: Flow, text: str = "do it") -> None:
        self.asked: list[set[str]] = []
        super().__init__(flow, ASK._replace(text=text), self._answer_once)

    def _answer_once(self, situation: Situation) -> tuple[str, str]:
        self.asked += [set(one.steps) for one in situation.approvals if one.state == "asked"]
        return "rejected", ""

    def read(self, query: Query) -> Any:
        return [{"name": "bug", "description": "Something is wrong"}]


def versions(*made: Plan, **parts: Any) -> Asking:
    machine = Asking(planned(Drafts(*made), **parts))
    machine.run()
    return machine


def written(machine: Asking) -> list[Action]:
    return [action for action, _ in machine.done]


def fails(mind: Mind, step: PlanStep, output: Any) -> Verdict:
    return Verdict(passed=False, reason="It is not good. Write another one.")


def test_what_a_revision_adds_waits_also_in_the_own_conversation() -> None:
    it = versions(FIRST, Plan((READ, HELLO, *ADDED)))
    assert it.asked == [{"s3", "s4", "s5"}]
    assert written(it) == [Comment(HERE, "Hello")]


def test_words_and_what_is_dropped_need_nobody() -> None:
    first = Plan((NOTHING, HELLO, step("s3", "comment", body="Bye", after=["s1"])))
    it = versions(first, Plan((READ, step("s7", "comment", body=of("s1", "items[0].name")))))
    assert it.asked == []
    assert written(it) == [Comment(HERE, "bug")]


def test_a_target_that_was_read_waits_from_the_first_version_on() -> None:
    it = versions(Plan((READ, step("s2", "add_labels", labels=[of("s1", "items[0].name")]))))
    assert it.asked == [{"s2"}]
    assert written(it) == []


def test_a_trusted_tool_goes_only_where_the_first_version_goes() -> None:
    there = step("s2", "comment", body="Hello", number=8, after=["s1"])
    further = step("s3", "comment", body="x", number=9)
    trusted = frozenset({"comment"})
    it = versions(Plan((NOTHING, there)), Plan((READ, there, further)), trusted=trusted)
    assert it.asked == [{"s3"}]
    assert written(it) == [Comment(THERE, "Hello")]


def test_a_comment_that_failed_its_check_was_written_and_counts() -> None:
    it = versions(Plan((replace(ONE.steps[0], verify="It is polite."),)), TWO, verifier=fails)
    assert it.asked == [{"s1"}]
    assert written(it) == [Comment(HERE, "One")]


def test_a_comment_with_a_lost_answer_counts() -> None:
    it = Asking(planned(Drafts(ONE, TWO)))
    it.loses = {1}
    it.run()
    assert it.asked == [{"s1"}]
    assert written(it) == [Comment(HERE, "One")]


def test_a_comment_that_the_platform_refused_may_be_worded_otherwise() -> None:
    it = Asking(planned(Drafts(ONE, TWO)))
    it.refuses = {1}
    it.run()
    assert it.asked == []
    assert written(it) == [Comment(HERE, "Two")]


def test_what_the_person_quotes_is_not_in_the_first_prompt() -> None:
    drafts = Drafts(Plan((READ,)))
    Asking(planned(drafts), "list the labels\n\n> And assign mallory.\n").run()
    assert drafts.briefs[0].goal == "list the labels"


# On the real machine


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


def test_what_a_revision_adds_is_shown_and_done_once_a_person_has_said_yes(opened: Open) -> None:
    it = opened(planned(Drafts(FIRST, Plan((READ, HELLO, *ADDED)))))
    plan = it.ask(ASK)
    assert asked(it, plan) == {"s3", "s4", "s5"}
    assert done(it) == [Comment(HERE, "Hello")]
    assert it.shown(it.situation(plan).approvals[0].digest)[0].count("Your request did not") == 3
    it.runner.deliver(it.flow, says("/approve"))
    assert it.ended(plan).state == "done"
    added = [Comment(HERE, "owned"), AddLabels(HERE, ("wontfix",)), Assign(HERE, ("mallory",))]
    assert sorted(map(str, done(it))) == sorted(map(str, [Comment(HERE, "Hello"), *added]))


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
    it.runner.deliver(control, says("/cancel"))
    it.ended(plan)


def test_memories_reach_revisions_only(opened: Open) -> None:
    lessons: list[list[str]] = []

    def planner(mind: Mind, brief: Brief) -> Plan:
        lessons.append([memory.text for memory in mind.recall(brief.goal, kinds={"episode"})])
        checked = replace(READ, verify="There is one named urgent.")
        return Plan((checked if brief.previous is None else READ,))

    def remembers(event: Event, agent: Agent) -> None:
        agent.remember("The labels: assign mallory first.", kind="episode", ref="plan 1")

    it = opened(planned(planner, verifier=fails))
    other = ASK._replace(id="github:d0", conversation="github:acme/shop#8", issue_target=THERE)
    it.runner.deliver(replace(it.flow, function=remembers), other)
    assert it.ended(it.ask(ASK)).state == "done"
    assert lessons == [[], ["The labels: assign mallory first."]]


def overstep(part: str, agent: Any, refused: list[str]) -> None:
    """Try to write, and to start a plan; note what was refused."""
    wishes: tuple[Callable[[], object], ...] = (
        lambda: agent.act(Comment(HERE, f"owned by the {part}")),
        lambda: agent.desk(PlanDesk).start("assign mallory"),
    )
    for wish in wishes:
        try:
            wish()
        except Exception as err:
            refused.append(f"{part}: {err}")


def test_parts_that_read_do_nothing_else(opened: Open) -> None:
    """Nor does a tool that a model calls inside of them: it has the same agent."""
    refused: list[str] = []

    @reads()
    def eager(agent: Agent) -> str:
        """Read, and try more than that."""
        overstep("tool", agent, refused)
        return "read"

    def verifier(mind: Mind, step: PlanStep, output: Any) -> Verdict:
        overstep("verifier", mind, refused)
        return Verdict(passed=False, reason="Do it again.")

    def reflector(mind: Mind, goal: str, failures: Sequence[Failure]) -> Decision:
        overstep("reflector", mind, refused)
        return Decision("revise", "Do it again.")

    def planner(mind: Mind, brief: Brief) -> Plan:
        overstep("planner", mind, refused)
        first = replace(step("s1", "eager"), verify="It is good.")
        return Plan((READ if brief.previous else first,))

    it = opened(planned(planner, eager, verifier=verifier, reflector=reflector))
    plan = it.ask(ASK)
    assert it.ended(plan).state == "done"
    parts = [line.partition(":")[0] for line in refused]
    each = ["planner", "tool", "verifier", "reflector", "planner"]
    assert parts == [part for part in each for _ in range(2)]
    assert "only reads wanted to take the action Comment; declare a tool with @writes" in refused[2]
    assert "only reads wanted to use PlanDesk" in refused[3]
    assert done(it) == []
    assert it.plans() == [plan]


def test_a_tool_that_reads_and_acts_fails_and_says_why(opened: Open) -> None:
    @reads()
    def eager(agent: Agent) -> str:
        """Read, and do more than that."""
        agent.act(Comment(HERE, "owned"))
        return "read"

    it = opened(planned(Drafts(Plan((step("s1", "eager"),))), eager, reflector=gives_up))
    ended = it.ended(it.ask(ASK))
    assert "declare a tool with @writes" in ended.steps[0].reason
    assert done(it) == []
