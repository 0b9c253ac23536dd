"""docs/flows.md: its examples run, in memory and against the sandbox; its tables are the code's."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import pytest

from infra.cli.reference import PAGE, with_tables
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, GENERAL, TEAM
from infra.project import ROOT
from shared.actions import Action, Query
from shared.actions.github import adapter as github
from shared.actions.github.actions import AddLabels, Comment
from shared.actions.github.queries import ReadPull
from shared.actions.platforms import Platforms
from shared.actions.slack import adapter as slack
from shared.actions.slack.actions import Button, Card, Channel, Post, React, Reply
from shared.agent.flow import Flow
from shared.events import Event, Issue, Json, Thread
from shared.models import ModelRequest, ToolCall
from shared.settings import Settings
from shared.testing import FlowRunner, github_event, slack_event
from tests.actions.github.sandbox_issue import SHOP

TEXT = PAGE.read_text("utf-8")


def flows() -> dict[str, tuple[Flow, str]]:
    """Return the flows of the examples, with their code, by name."""
    found = {}
    for code in re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL):
        names: dict[str, object] = {"__name__": "example"}
        exec(code, names)
        [flow] = [value for value in names.values() if isinstance(value, Flow)]
        found[flow.name] = (flow, code)
    return found


FLOWS = flows()


class Place(NamedTuple):
    """Where an example acts: an issue, a pull request, and a thread of Slack."""

    issue: Issue
    pull: Issue
    thread: Thread
    person: str

    def on_issue(self, kind: str) -> Event:
        issue = self.pull if kind.startswith("pull") else self.issue
        return github_event(kind, repository=issue.repository, number=issue.number)

    def in_slack(self, kind: str, text: str) -> Event:
        team, channel, ts = self.thread
        return slack_event(kind, text, by=self.person, channel=channel, ts=ts, team=team)


HERE = Place(Issue(SHOP, 7), Issue(SHOP, 8), Thread("T1", "C1", "1700000000.000100"), "U1")


def risk(request: ModelRequest) -> str:
    return "fine" if "Bye" in str(request) else "It may crash."


def story(name: str, place: Place) -> tuple[list[Event], list[object], list[Action]]:
    """Return what wakes an example, what the model then says, and what is done in the end."""
    issue, pull, thread, _ = place
    opened = [place.on_issue("issues.opened")]
    asked = place.in_slack("app_mention", "What is tea?")
    post = Post(Channel("#general"), "We ship.")
    buttons = (
        Button("Post it", "announce: We ship.", "primary"),
        Button("Do not", "announce nothing"),
    )
    stories: Mapping[str, tuple[list[Event], list[object], list[Action]]] = {
        "thanks": (opened, [], [Comment(issue, "Thank you. Somebody reads this today.")]),
        "sort": (opened, [{"labels": ["bug"]}], [AddLabels(issue, ("bug",))]),
        "prices": (
            [asked],
            [ToolCall("1", "price_of", {"product": "Tea"}), "Tea costs 5."],
            [React(asked.message, "eyes"), Reply(thread, "Tea costs 5.")],
        ),
        "risks": (
            [place.on_issue("pull_request.opened")],
            [risk],
            [Comment(pull, "- `a.md`: fine", sticky=True)],
        ),
        "announce": (
            [
                place.in_slack("app_mention", "Announce 1.2"),
                place.in_slack("block_actions", "announce: We ship."),
            ],
            ["We ship."],
            [
                Card(thread, "announce", "We ship.", buttons),
                post,
                Card(thread, "announce", "It is in #general."),
            ],
        ),
    }
    return stories[name]


PULL: Json = {"files": [{"path": "a.md", "patch": "+Bye"}, {"path": "b.png", "patch": ""}]}


@pytest.mark.parametrize("name", FLOWS)
def test_an_example_runs(name: str) -> None:
    flow, _ = FLOWS[name]
    events, answers, effects = story(name, HERE)
    runner = FlowRunner()
    runner.platform.answers[ReadPull] = PULL
    runner.answers(*answers)
    for event in [*events, *events]:
        runner.run(flow, event)
    assert runner.effects == effects


@pytest.mark.parametrize("name", FLOWS)
def test_an_example_that_is_killed_before_each_act_does_the_same(name: str) -> None:
    flow, _ = FLOWS[name]
    events, answers, effects = story(name, HERE)
    for act in range(1, len(effects) + 1):
        runner = FlowRunner()
        runner.platform.answers[ReadPull] = PULL
        runner.answers(*answers)
        runner.dies(at=act)
        for event in events:
            if len(runner.effects) < act:
                with suppress(KeyboardInterrupt):
                    runner.run(flow, event)
            runner.run(flow, event)
        assert runner.effects == effects, act


class Sandboxes(NamedTuple):
    github: GitHubSandbox
    slack: SlackSandbox
    place: Place

    def seen(self) -> list[str]:
        """Return what people see in the places."""
        issues = [
            self.github.issue(SHOP, one.number) for one in (self.place.issue, self.place.pull)
        ]
        said = [comment["body"] for issue in issues for comment in issue["comments"]]
        labels = [label["name"] for issue in issues for label in issue["labels"]]
        messages = self.slack.messages(GENERAL)
        return [*said, *labels, *(str(message) for message in messages[1:])]


@pytest.fixture(scope="module")
def sandboxes() -> Iterator[Sandboxes]:
    with (
        GitHubSandbox("", "secret") as hub,
        SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as chat,
    ):
        hub.push(SHOP, {"a.md": "Hello\n"})
        hub.push(SHOP, {"a.md": "Bye\n"}, branch="change")
        pull = Issue(SHOP, hub.open_pull_request(SHOP, "Mend it"))
        issue = Issue(SHOP, hub.open_issue(SHOP, "It crashes", "At checkout."))
        thread = Thread(TEAM, GENERAL, chat.say(GENERAL, "Hello?"))
        yield Sandboxes(hub, chat, Place(issue, pull, thread, ALICE))


@pytest.mark.parametrize("name", FLOWS)
def test_an_example_does_the_same_in_the_sandbox(name: str, sandboxes: Sandboxes) -> None:
    hub, chat, place = sandboxes
    flow, _ = FLOWS[name]
    events, answers, effects = story(name, place)
    settings = Settings(
        github_token=hub.token,
        github_api_url=hub.api_url,
        slack_bot_token=chat.bot_token,
        slack_api_url=chat.api_url,
    )
    runner = FlowRunner()
    runner.adapters = Platforms(flow.may, flow.reads, settings)
    runner.answers(*answers)
    before = len(sandboxes.seen())
    for event in [*events, *events]:
        runner.run(flow, event)
    new = {kind for kind in map(type, effects) if kind is not React}
    assert len(sandboxes.seen()) - before == len(new)
    last = effects[-1]
    shown = str(vars(last).get("body") or vars(last).get("text") or "bug")
    assert shown in "\n".join(sandboxes.seen())


def test_the_examples_have_from_five_to_forty_lines() -> None:
    counts = [len([line for line in code.splitlines() if line]) for _, code in FLOWS.values()]
    assert counts == sorted(counts)
    assert (counts[0], len(counts)) == (5, 5)
    assert counts[-1] <= 40


def test_the_tables_are_the_codes() -> None:
    assert with_tables(TEXT) == TEXT, "run ./scripts/flows reference, which writes them anew"


def test_thirteen_wishes_name_only_parts_that_there_are() -> None:
    section = TEXT.partition("## What people ask for first")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 13
    kinds: Sequence[type[Action] | type[Query]] = [
        *github.ACTIONS, *github.ANSWERS, *github.more_answers(),
        *slack.ACTIONS, *slack.ANSWERS, *slack.more_answers(),
    ]  # fmt: skip
    known = {kind.__name__ for kind in kinds} | {"Button", "SetTimer"}
    for row in rows:
        named = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]*)\b", row))
        assert named <= known, row
        assert named or "](../flows/" in row, row
    for path in re.findall(r"\.\./(flows/\w+\.py)", section):
        assert (ROOT / path).exists()
