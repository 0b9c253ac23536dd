"""A team turns each flow on, off, or into a preview: for events of every kind, asked for or not.
A retry goes the way of the first attempt."""

import importlib
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from urllib3 import request

from flows.control import control
from flows.plan import plan
from flows.review import review
from flows.triage import TriageVerdict, triage
from infra.local.sandbox.github import GitHubSandbox
from infra.project import flow_modules
from shared.actions.authority import RecentAnswers
from shared.actions.github.actions import OnGitHub
from shared.agent.flow import Flow
from shared.agent.previewing import previewed
from shared.database import Database, Row, Statement
from shared.errors import TurnedOff
from shared.events import Event, Issue, Json
from shared.team_settings.keys import SECTIONS
from shared.testing import FlowRunner, github_event
from tests.actions.github.sandbox_issue import SHOP, as_app, as_token
from tests.events.made import an_event
from tests.flows.test_review import FAULTY, Mortal, installed_at
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]

#: Flows about the agent itself and its memory, and what acts only on a form that somebody submits.
OTHERS = {"control", "memory", "learn", "press"}
PATH = ".github/agent-flows.yml"
OPENED, REOPENED, PLAN = "issues.opened", "issues.reopened", "command.plan"
PULL_OPENED, PULL_REOPENED, REVIEW = (
    "pull_request.opened",
    "pull_request.reopened",
    "command.review",
)
EVENTS = [
    (triage, OPENED),
    (triage, REOPENED),
    (review, PULL_OPENED),
    (review, PULL_REOPENED),
    (review, REVIEW),
    (plan, PLAN),
]


class Place:
    """An issue and a pull request of the shop, and a runner that reaches them over HTTP."""

    def __init__(self, hub: GitHubSandbox, database: Database) -> None:
        self.hub = hub
        self.issue = hub.open_issue(SHOP, "Pay crashes", "Why?")
        self.pull = hub.open_pull_request(SHOP, "Add", "Why", head="add", files={"a.py": FAULTY})
        self.runner = FlowRunner(database, planner_arn="arn:aws:states:us-east-1:1:stateMachine:p")
        self.minutes = 1_000
        self.runner.can.services.get(
            RecentAnswers, lambda: RecentAnswers(lambda: 61.0 * self.minutes)
        )
        self.adapter = Mortal(as_app(hub))
        self.runner.adapters = lambda wanted: self.adapter

    def says(self, text: str) -> None:
        self.hub.push(SHOP, {PATH: text})
        self.minutes += 1

    def event(self, kind: str) -> Event:
        number = self.pull if kind.startswith("pull") or "review" in kind else self.issue
        event = github_event(
            kind, repository=SHOP, number=number, delivery=str(uuid4()), by="maria", body="the goal"
        )
        payload = dict(event.payload)
        if number == self.pull and "issue" in payload:
            payload["issue"] = payload["issue"] | {"pull_request": {"url": "…"}}
        actor = event.actor._replace(id=str(self.hub.account_id("maria")))
        return event._replace(payload=payload, actor=actor, received_at=time.time())

    def comments(self) -> list[str]:
        return [
            one["body"]
            for number in (self.issue, self.pull)
            for one in self.hub.issue(SHOP, number)["comments"]
        ]

    def rows(self, sql: str) -> list[Row]:
        return self.runner.database.run("github:acme", [Statement(sql, {})])[0]

    def changes(self) -> list[tuple[str, str]]:
        """The writes on GitHub."""
        return [
            (one.method, one.path)
            for one in self.hub.exchanges()
            if one.method not in {"GET", "HEAD"} and one.path.startswith("/repos/")
        ]


@pytest.fixture
def place(sandbox: GitHubSandbox, database: Database) -> Iterator[Place]:
    yield Place(sandbox, database)


def shipped() -> dict[str, Flow]:
    modules = map(importlib.import_module, flow_modules().values())
    found = (one for module in modules for one in vars(module).values() if isinstance(one, Flow))
    return {flow.name: flow for flow in found}


def test_every_flow_that_acts_on_github_can_be_turned_off() -> None:
    acting = {
        name
        for name, flow in shipped().items()
        if any(issubclass(one.action, OnGitHub) for one in flow.may)
    }
    assert {name for name, flow in shipped().items() if flow.settings} == acting - OTHERS
    assert set(SECTIONS) == acting - OTHERS


@pytest.mark.parametrize(("flow", "kind"), EVENTS)
def test_off_does_nothing_and_tells_only_who_asked(place: Place, flow: Flow, kind: str) -> None:
    place.says(f"{flow.name}: {{mode: off}}")
    before = len(place.changes())
    assert place.runner.deliver(flow, place.event(kind)) == []
    assert place.runner.model.asked == []
    assert place.rows("select 1 from plans") == []
    said = place.comments()
    if kind.startswith("command."):
        assert [one for one in said if "turned off here" in one] == said != []
    else:
        assert (said, len(place.changes())) == ([], before)
    [run] = place.rows("select state, reason from runs")
    state = "failed" if kind.startswith("command.") else "done"
    assert run["state"] == state and PATH in run["reason"]


@pytest.mark.parametrize(("flow", "kind"), EVENTS[:5])
@pytest.mark.parametrize("first_week", [False, True])
def test_a_preview_changes_nothing_and_says_so_in_one_place(
    place: Place, flow: Flow, kind: str, first_week: bool
) -> None:
    if first_week:
        place.runner.run(control, installed_at(time.time() - 86_400))
    else:
        place.says(f"{flow.name}: {{mode: preview}}")
    if flow is triage:
        place.runner.answers(*[TriageVerdict(("bug",), None, "Pay crashes.")] * 2)
    for _ in range(2):
        place.runner.run(flow, place.event(kind))
    [told] = place.comments()
    assert told.startswith(f"**Preview of `{flow.name}`.**")
    assert ("add labels" if flow is triage else "submit review") in told
    kinds = {row["tool"] for row in place.rows("select tool from effects")}
    assert kinds <= {"NamedComment", "SetTimer", "AddReaction", "RemoveReaction"}


def test_a_preview_of_a_push_still_waits_for_its_timer(place: Place) -> None:
    place.says("review: {mode: preview}")
    place.runner.run(review, place.event("pull_request.synchronize"))
    assert place.comments() == []
    place.runner.fire(review)
    [told] = place.comments()
    assert "**Preview of `review`.**" in told


def test_what_was_a_preview_acts_once_it_is_on(place: Place) -> None:
    place.says("triage: {mode: preview}")
    place.runner.answers(*[TriageVerdict(("bug",), None, "Pay crashes.")] * 2)
    place.runner.run(triage, place.event(OPENED))
    place.says("triage: {mode: on}")
    place.runner.run(triage, place.event(OPENED))
    labels = [one["name"] for one in place.hub.issue(SHOP, place.issue)["labels"]]
    assert labels == ["bug"] and len(place.comments()) == 2


@pytest.mark.parametrize(("first", "then"), [("on", "off"), ("preview", "on")])
def test_a_retry_sees_the_mode_of_the_first_attempt(place: Place, first: str, then: str) -> None:
    place.says(f"triage: {{mode: {first}}}")
    place.adapter.dies_after = "AddLabels" if first == "on" else "NamedComment"
    place.runner.answers(*[TriageVerdict(("bug",), None, "Pay crashes.")] * 2)
    event = place.event(OPENED)
    with pytest.raises(KeyboardInterrupt):
        place.runner.run(triage, event)
    place.says(f"triage: {{mode: {then}}}")
    place.runner.run(triage, event)
    labels = [one["name"] for one in place.hub.issue(SHOP, place.issue)["labels"]]
    assert labels == (["bug"] if first == "on" else [])
    assert len(place.comments()) == 1


def test_a_plan_only_reads_in_a_preview(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []
    executions: Any = "shared.aws.executions.Executions.start"
    monkeypatch.setattr(executions, lambda self, name, payload: started.append(name))
    place.says("plan: {mode: preview}")
    place.runner.run(plan, place.event(PLAN))
    assert place.rows("select may_write from plans") == [{"may_write": False}]
    assert len(started) == 1 and "**Preview of `plan`.**" in place.comments()[0]


@pytest.mark.parametrize("answer", ["approve", "reject"])
def test_a_plan_from_before_a_preview_can_only_be_ended(
    place: Place, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    monkeypatch.setattr("shared.aws.executions.Executions.start", lambda self, name, payload: None)
    place.runner.run(plan, place.event(PLAN))
    place.rows(
        "insert into approvals (tenant, plan_id, digest, version, steps, payload, role, expires_at)"
        " select tenant, id, 'a1b2c3d4e5f6', version, '{s1}', '{}', 'write', now() + interval '1 h'"
        " from plans returning 1"
    )
    place.says("plan: {mode: preview}")
    with suppress(TurnedOff):
        place.runner.run(plan, place.event(f"command.{answer}")._replace(text="a1b2c3d4e5f6"))
    [row] = place.rows("select state from approvals")
    assert row["state"] == ("asked" if answer == "approve" else "rejected")
    assert ("That is turned off here" in place.comments()[-1]) is (answer == "approve")


def test_the_files_are_read_once_a_minute_for_all_runs_of_a_process(place: Place) -> None:
    place.says("triage: {mode: off}")
    for _ in range(3):
        place.runner.run(triage, place.event(OPENED))
    asked = [one.path for one in place.hub.exchanges() if f"/contents/{PATH}" in one.path]
    assert sum(path.startswith(f"/repos/{SHOP}/") for path in asked) == 1


def test_a_flow_without_a_repository_is_on(place: Place) -> None:
    slack = an_event(type="slack.command.plan", source="slack", issue_target=None, text=" ")
    slack = slack._replace(conversation="slack:T1:D1", thread_target=None)
    before = len(place.hub.exchanges())
    place.runner.deliver(plan, slack)
    assert not any(PATH in one.path for one in place.hub.exchanges()[before:])


def test_a_preview_shows_every_kind_of_action_in_bounds() -> None:
    from shared.actions.github.actions import AddLabels, CloseIssue, Comment

    issue = Issue(SHOP, 7)
    many = [Comment(issue, "x\n" * 5_000)] * 40
    told = previewed("triage", [AddLabels(issue, ("bug", "a`b")), CloseIssue(issue), *many])
    assert "- **add labels**: labels `a'b` `bug`" in told
    assert "- **close issue**: reason `completed`" in told
    assert "and do 12 more" in told


class TestAPullRequestThatChangesTheSettings:
    """It is checked before it is merged; what counts is the default branch's until then."""

    WRONG = "review:\n  max_findigns: 2\n  wait: long\n"

    def pushed(self, place: Place, files: dict[str, str], kind: str = "opened") -> Event:
        number = place.hub.open_pull_request(SHOP, "Tune", "", head=str(uuid4()), files=files)
        place.pull = number
        event = place.event(f"pull_request.{kind}")
        url = f"{place.hub.api_url}/repos/{SHOP}/pulls/{number}"
        pull = request("GET", url, headers={"authorization": f"Bearer {place.hub.token}"}).json()
        return event._replace(payload=event.payload | {"pull_request": pull})

    def pushed_again(self, place: Place, event: Event, text: str | None) -> Event:
        """Push another text of the file to the branch of the pull request, or take it away."""
        pull = event.payload["pull_request"]
        files: dict[str, str | None] = {PATH: text, f"{uuid4()}.md": "x"}
        head = place.hub.push(SHOP, files, branch=pull["head"]["ref"])
        pull = pull | {"head": pull["head"] | {"sha": head}}
        again = place.event("pull_request.synchronize")
        return again._replace(payload=again.payload | {"pull_request": pull})

    def checks(self, place: Place, event: Event) -> list[Json]:
        return place.hub.checks(SHOP, event.payload["pull_request"]["head"]["sha"])

    @pytest.mark.parametrize("kind", ["opened", "reopened", "synchronize"])
    def test_what_is_wrong_is_one_check_with_lines(self, place: Place, kind: str) -> None:
        event = self.pushed(place, {PATH: self.WRONG, "a.md": "x"}, kind)
        for _ in range(2):
            place.runner.run(control, event)
        [check] = self.checks(place, event)
        assert (check["name"], check["conclusion"]) == ("Agent Flows settings", "neutral")
        assert check["output"]["annotations_count"] == 2
        assert "line 2" in check["output"]["summary"] and "line 3" in check["output"]["summary"]
        assert place.comments() == []

    @pytest.mark.parametrize(
        "files",
        [
            {PATH: "review: {max_findings: 2}\n"},
            {PATH: ""},
            {"docs/agent-flows.yml": "review: [\n"},
            {"a.md": "x"},
        ],
    )
    def test_what_is_right_or_elsewhere_is_silent(
        self, place: Place, files: dict[str, str]
    ) -> None:
        event = self.pushed(place, files)
        place.runner.run(control, event)
        assert (self.checks(place, event), place.comments()) == ([], [])

    def test_what_is_wrong_already_is_not_this_pull_requests(self, place: Place) -> None:
        place.says(self.WRONG)
        event = self.pushed(place, {"a.md": "x"})
        place.runner.run(control, event)
        assert self.checks(place, event) == []

    def test_without_an_app_a_comment_says_it(self, place: Place) -> None:
        place.adapter = Mortal(as_token(place.hub))
        event = self.pushed(place, {PATH: "review: [broken\n"})
        place.runner.run(control, event)
        [said] = place.comments()
        assert "1 problem in .github/agent-flows.yml" in said

    @pytest.mark.parametrize(
        "mended", ["review: {max_findings: 2}\n", None], ids=["mended", "gone"]
    )
    def test_the_comment_says_once_that_it_is_mended(
        self, place: Place, mended: str | None
    ) -> None:
        place.adapter = Mortal(as_token(place.hub))
        event = self.pushed(place, {PATH: "review: [broken\n"})
        place.runner.run(control, event)
        for text in (mended, mended, "review: [broken\n", mended):
            event = self.pushed_again(place, event, text)
            place.runner.run(control, event)
            [said] = place.comments()
            told = "1 problem in" if text and "broken" in text else "mended: nothing is wrong in it"
            assert told in said
        edits = [one for one in place.changes() if one[0] == "PATCH" and "/comments/" in one[1]]
        assert len(edits) == 3

    @pytest.mark.parametrize("kind", ["opened", "reopened", "synchronize"])
    def test_nothing_is_said_where_people_paused_us(self, place: Place, kind: str) -> None:
        event = self.pushed(place, {PATH: self.WRONG}, kind)
        place.issue = place.pull  # where the command is given
        place.runner.run(control, place.event("command.pause"))
        paused = place.comments()
        assert "I do nothing by myself here" in paused[0]
        place.runner.run(control, event)
        assert (self.checks(place, event), place.comments()) == ([], paused)

    def test_a_push_costs_one_request(self, place: Place) -> None:
        event = self.pushed(place, {"a.md": "x"}, "synchronize")
        before = len(place.hub.exchanges())
        place.runner.run(control, event)
        asked = [one.path for one in place.hub.exchanges()[before:]]
        assert [
            path for path in asked if not path.endswith(("/installation", "/access_tokens"))
        ] == [f"/repos/{SHOP}/contents/{PATH}"]
