"""The offline model plans by the words of the goal, the same each time."""

import re
import time
from collections.abc import Mapping
from itertools import pairwise, permutations
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.plan import plan
from shared.events import Event, Json, Thread, Workplace
from shared.memory import Memory
from shared.models import ChatMessage, ModelRequest
from shared.models.answers import typed
from shared.models.offline.model import connect
from shared.models.prompts import data, system
from shared.planning import Brief
from shared.planning.plan import PlanStep
from shared.planning.planner import (
    PROMPT,
    ProposedPlan,
    describe_tool,
    plan_with_a_model,
    read_plan,
)
from shared.planning.validation import Bounds, Limits, problems
from shared.settings import Settings
from tests.campaigns import examples
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


FOLLOW_UP = {
    "title": "Write the title of a follow-up issue.",
    "body": "Write the text of a follow-up issue.",
}
SUMMARY = {"body": "Write a summary."}
FOUND = {"body": "List what was found."}
THREE = [("add_labels", {"labels": ["bug"]}), ("comment", SUMMARY), ("open_issue", FOLLOW_UP)]


def deeds(goal: str, event: Event | None = None) -> list[tuple[str, Json]]:
    """The steps of the plan for a goal, without those that read or write for them; in place of a
    text that a step writes stands its task."""
    assert plan.plans
    place = event or an_event()
    offered, absent = plan.plans.offered(place), plan.plans.absent(place)
    made = plan_with_a_model(Offline(), Brief(goal, offered, absent=absent))
    bounds = Bounds(Limits(), {one.action.__name__: one.limit for one in plan.may}, True)
    assert problems(made, offered, bounds) == []
    steps = {step.id: step for step in made.steps}
    used = {reference.step for step in made.steps for reference in step.references}
    writes = [step for step in made.steps if offered[step.tool].writes]
    for before, after in pairwise(writes):
        assert before.id in after.depends_on, "they are done in this order"
    return [
        (step.tool, {name: _told(value, steps) for name, value in step.arguments.items()})
        for step in made.steps
        if step.id not in used
    ]


def _told(value: Any, steps: Mapping[str, PlanStep]) -> Any:
    if isinstance(value, dict) and "$from" in value:
        return steps[value["$from"]].arguments.get("task", steps[value["$from"]].tool)
    return [_told(one, steps) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "goal",
    [
        "label this as bug, comment a summary and open a follow-up issue",
        "Label this as bug. Comment a summary. Open a follow-up issue.",
        "1. label it as bug\n2. comment a summary\n3. open a follow-up issue",
        "1) tag this with bug 2) post a summary 3) create a follow-up ticket",
        "- [ ] label it as bug\n- [ ] leave a comment with a summary\n- [ ] open a follow-up issue",
        "please label it as bug and then comment a summary, and finally raise a follow-up ticket",
        "First, mark it as a bug. Second, write a summary as a comment. Third, file a follow-up.",
        "add the bug label; reply with a summary; create a follow-up issue",
        "After labelling it as bug, comment a summary, then open a follow-up issue",
        "label this as bug, label this as bug, comment a summary and open a follow-up issue",
        "label this as bug, comment a summary, open a follow-up issue and comment a summary",
        "label this as bug and bug, not as question, comment a summary & open a follow-up issue",
        "标记为bug，评论总结，然后新建后续问题",
        "请先标记为 bug。再评论总结；最后新建后续问题。",
        "markiere es als bug, kommentiere eine Zusammenfassung und erstelle ein Folge-Ticket",
        "étiquette-le comme bug, commente un résumé puis ouvre un ticket de suivi",
        "etiqueta esto como bug, comenta un resumen y abre una incidencia de seguimiento",
        "bugのラベルを付けて、要約をコメントして、フォローアップの課題を作成",
    ],
)
def test_three_deeds_are_done_in_that_order_once_each(goal: str) -> None:
    assert deeds(goal) == THREE


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("joint", [", ", " and then ", "; ", ".\n", ", and "])
def test_deeds_keep_the_order_of_the_goal(order: tuple[int, ...], joint: str) -> None:
    said = ("label this as bug", "comment a summary", "open a follow-up issue")
    assert deeds(joint.join(said[n] for n in order)) == [THREE[n] for n in order]


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("comment a summary after labelling it as bug", THREE[:2]),
        ("before commenting a summary, label it as bug", THREE[:2]),
        ("read app.py and comment a summary", [THREE[1]]),
        ("find app.py issues", [("search_issues", {"words": "app.py"})]),
        (
            "find issues about v1.2 e.g. in app.py and on db.acme.com:8.5",
            [("search_issues", {"words": "v1.2 e.g. in app.py and on db.acme.com:8.5"})],
        ),
        ("say it is fixed in v1.2.3", [("comment", {"body": "It is fixed in v1.2.3"})]),
        ("comment that app.py is at fault", [("comment", {"body": "app.py is at fault"})]),
        (
            "comment: We fixed it in 2.0. Please update, and tell us. Then label it as bug",
            [("comment", {"body": "We fixed it in 2.0. Please update, and tell us"}), THREE[0]],
        ),
        (
            'comment "see https://acme.com/a.b?c=1, then label it. Bye" and label it as bug',
            [("comment", {"body": "see https://acme.com/a.b?c=1, then label it. Bye"}), THREE[0]],
        ),
        (
            "label #12 as bug and comment on #13 that it is fixed",
            [
                ("add_labels", {"labels": ["bug"], "number": 12}),
                ("comment", {"body": "It is fixed", "number": 13}),
            ],
        ),
        (
            "add labels bug, urgent and `good first issue`",
            [("add_labels", {"labels": ["bug", "urgent", "good first issue"]})],
        ),
        ("label it Bug, bug and BUG", [("add_labels", {"labels": ["Bug"]})]),
        (
            "label #7 and #8 as bug",
            [("add_labels", {"labels": ["bug"], "number": n}) for n in (7, 8)],
        ),
        ("set label to bug", [THREE[0]]),
        ('put the label "bug" on this issue', [THREE[0]]),
        ("add label bug and write a summary and comment it", THREE[:2]),
        ("look for similar login issues", [("search_issues", {"words": "login"})]),
        ("comment that #12 is related", [("comment", {"body": "#12 is related"})]),
        (
            "search for login issues and open an issue with the results",
            [("open_issue", {"title": "Search for login issues", "body": FOUND["body"]})],
        ),
        (
            "open issue: Crash in v1.2 (app.py), see http://x.test/a.b",
            [
                (
                    "open_issue",
                    {
                        "title": "Crash in v1.2 (app.py), see http://x.test/a.b",
                        "body": "Asked for in these words: open issue: Crash in v1.2 (app.py), see"
                        " http://x.test/a.b",
                    },
                )
            ],
        ),
        ("assign ada and @bob-b", [("assign", {"people": ["ada", "bob-b"]})]),
        (
            "open an issue titled Refunds fail in v2.0 with label bug",
            [
                (
                    "open_issue",
                    {
                        "title": "Refunds fail in v2.0",
                        "body": "Asked for in these words: open an issue titled Refunds fail in"
                        " v2.0 with label bug",
                        "labels": ["bug"],
                    },
                )
            ],
        ),
        (
            "open an issue about the crash. It happens on Safari 17.1 only.",
            [("open_issue", {"title": "Crash", "body": "It happens on Safari 17.1 only"})],
        ),
        (
            "open a follow-up issue and label it as bug",
            [("open_issue", FOLLOW_UP | {"labels": ["bug"]})],
        ),
        (
            "find issues about login, find issues about logout and comment the results",
            [("comment", FOUND)],
        ),
        ('post "Released v2.1" to #releases', None),
        ("list open issues", [("search_issues", {"words": "is:open"})]),
        ("which issues are about checkout?", [("search_issues", {"words": "checkout"})]),
        ("查找关于登录的问题", [("search_issues", {"words": "登录"})]),
        ("what do we know about refunds?", [("recall", {"query": "refunds"})]),
        ("show me the merged pull requests", [("list_pulls", {"state": "merged"})]),
    ],
)
def test_a_goal_is_cut_between_deeds_and_nowhere_else(goal: str, expected: Any) -> None:
    if expected is None:
        expected = [("post", {"channel": "#releases", "text": "Released v2.1"})]
    assert deeds(goal) == expected


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        ("do not label it, comment a summary", [THREE[1]]),
        ("Comment a summary, but don't label or assign it", [THREE[1]]),
        ("don't label, comment or assign it. Just open a follow-up issue", [THREE[2]]),
        ("do not label this and do not comment; open a follow-up issue", [THREE[2]]),
        ("comment a summary without labelling it as bug", [THREE[1]]),
        ("instead of commenting, label it as bug", [THREE[0]]),
        ("label it as bug, never comment", [THREE[0]]),
        ("label it as bug; no comment please", [THREE[0]]),
        ("label it as bug rather than commenting", [THREE[0]]),
        ("Kommentiere nicht, aber markiere es als bug", [THREE[0]]),
        ("ne commente pas, étiquette-le comme bug", [THREE[0]]),
        ("no comentes, etiqueta esto como bug", [THREE[0]]),
        ("不要标记，只评论总结", [THREE[1]]),
    ],
)
def test_what_a_goal_forbids_is_not_done(goal: str, expected: Any) -> None:
    assert deeds(goal) == expected


@pytest.mark.parametrize(
    ("goal", "told"),
    [
        ("", "I do not know what to do"),
        ("make me happy", "I do not know what to do for “make me happy”."),
        ("do not label it", "I do not know what to do"),
        ("label this", "It does not say which label: label this"),
        ("label this as bug or question", "It does not say which label"),
        ("label #7 as bug and #8 as question", "It names several issues"),
        ("assign it to me", "It does not name a login"),
        ("comment", "It does not say what to write: comment"),
        ("if it is a bug, label it as bug", "I cannot judge a condition"),
        ("merge the issue", "I do not know what to do for “merge the issue”."),
        ("merge the issue and label it as bug", "I have no means to do this: merge the issue"),
        ("删除这个问题", "I do not know what to do"),
    ],
)
def test_what_cannot_be_done_is_told_and_asked_about(goal: str, told: str) -> None:
    *writes, (tool, arguments) = deeds(goal)
    assert tool == "write_text"
    assert [name for name, _ in writes] == (["add_labels"] if "merge" in goal and writes else [])
    shown = data("text", "a text")
    request = ModelRequest((ChatMessage("user", shown),), system(arguments["task"]))
    assert told in connect(Settings()).reply(request, 5).text


WORDS = re.findall(
    r"\S+",
    """
label comment say open assign find list read summarise close post add not don't never no or and then
but before after labelling commenting if this it issue issues bug labels a the follow-up summary #12
app.py v1.2 e.g. i.e. 1. 2) - : ; , . ? ! 。 ， " ` ' “ ” 「 {} [] $from 标记 评论 总结 然后 不要
und dann nicht puis ne pas y https://a.test/b.c?d=1,2 @ada <@U1> as with about to of コメント ラベル
""",
)


@given(st.lists(st.sampled_from([*WORDS, "\n"]), max_size=40).map(" ".join) | st.text(max_size=200))
@examples(500)
def test_any_goal_becomes_a_plan_that_may_run_or_is_too_large(goal: str) -> None:
    assert plan.plans
    offered = plan.plans.offered(an_event())
    made = plan_with_a_model(Offline(), Brief(goal, offered))
    bounds = Bounds(Limits(), {one.action.__name__: one.limit for one in plan.may}, True)
    large = re.compile(r"The plan (has \d+ steps|takes the action \w+ \d+ times); ")
    assert made.steps
    assert [one for one in problems(made, offered, bounds) if not large.match(one)] == []


@pytest.mark.parametrize(
    "sign", ["```", "“", '"', "'", "「", "(", " and", ", label", "1. 2. ", "a."]
)
def test_a_long_goal_is_read_in_no_time(sign: str) -> None:
    began = time.process_time()
    offered = plan.plans.offered(an_event()) if plan.plans else {}
    plan_with_a_model(Offline(), Brief(sign * (24_000 // len(sign)), offered))
    assert time.process_time() - began < 5


def test_a_text_is_about_the_issue_that_the_goal_names() -> None:
    in_slack = an_event(issue_target=None, thread_target=Thread("T1", "C1", "1.1"))
    in_slack = in_slack._replace(workplace=Workplace("acme/shop", "github:acme"))
    assert plan.plans
    brief = Brief("label #3 as bug and comment a summary", plan.plans.offered(in_slack))
    made = plan_with_a_model(Offline(), brief)
    tools = ["add_labels", "read_issue", "write_text", "reply"]
    assert [step.tool for step in made.steps] == tools
    assert made.steps[1].arguments == {"number": 3}


def test_in_a_thread_of_slack_it_is_said_there() -> None:
    in_slack = an_event(issue_target=None, thread_target=Thread("T1", "C1", "1.1"))
    there = [("reply", {"text": "Write a summary."}), ("reply", {"text": "Thanks"})]
    assert deeds('comment a summary, then say "Thanks"', in_slack) == there


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
