"""A label gives a command once: a person's, of those that need no further word."""

import json
import random
from typing import Any

import pytest
from urllib3 import request

from flows.review import review
from flows.triage import triage
from infra.local.sandbox.github import GitHubSandbox
from shared.actions.github.actions import RemoveLabels
from shared.actions.github.adapter import GitHubAdapter
from shared.database import Database, Statement
from shared.events import Event
from shared.marks import mark_of
from shared.perception.commands import COMMANDS, labelled
from shared.perception.deeds import deed
from shared.perception.github import is_own
from shared.settings import Settings
from shared.testing import FlowRunner, github_event
from tests.actions.github.sandbox_issue import SHOP
from tests.flows.test_review import FAULTY, PullRequest
from tests.infra.local.conftest import fresh, sandbox
from tests.team_settings.test_modes import shipped
from tests.web.front_door import Door

__all__ = ["fresh", "sandbox"]

BY_LABEL = {"review", "describe", "improve", "why-red", "triage", "pause", "resume"}


@pytest.mark.parametrize(
    ("label", "command", "argument"),
    [
        ("agent: review", "review", ""),
        ("agent:review", "review", ""),
        ("Agent: Review", "review", ""),
        ("agent: full review", "review", "full"),
        ("agent: full-review", "review", "full"),
        ("agent: /triage", "triage", ""),
        ("agent: ignore", "pause", ""),
        ("agent: resume", "resume", ""),
    ],
)
def test_what_a_label_gives(label: str, command: str, argument: str) -> None:
    assert labelled(label, "agent:") == (command, argument)


@pytest.mark.parametrize(
    "label",
    ["review", "agent", "agent:", "agents: review", "my agent: review", "agent: reviewed"]
    + ["agent: review this", "agent: needs work", "agent: approve", "agent: plan x", "", " "]
    + [f"agent: {name}" for name in COMMANDS if name not in BY_LABEL],
)
def test_what_is_no_command(label: str) -> None:
    assert labelled(label, "agent:") is None


def test_without_a_prefix_no_label_is_a_command() -> None:
    assert labelled("review", "") is None
    assert labelled("flows/review", "flows/") == ("review", "")


def sent(label: str, kind: str = "pull_request", **sender: Any) -> list[Event]:
    """Return what the ingress publishes of a label."""
    door = Door(github_bot_name="my-app")
    ada = {"login": "ada", "id": 9, "type": "User"}
    repository = {"full_name": SHOP, "private": False, "owner": {"login": "acme", "id": 1}}
    about = {"number": 7, "title": "Add", "body": "Why", "user": {"login": "eve", "id": 8}}
    payload = {"action": "labeled", "label": {"name": label}, "repository": repository}
    payload |= {"sender": ada | sender, "issue" if kind == "issues" else kind: about}
    door.github(json.dumps(payload).encode(), kind)
    return door.published


@pytest.mark.parametrize("kind", ["issues", "pull_request"])
def test_a_persons_label_is_a_command_and_others_are_labels(kind: str) -> None:
    assert [(one.type, one.text) for one in sent("agent: full review", kind)] == [
        ("github.command.review", "full")
    ]
    assert [one.type for one in sent("bug", kind)] == [f"github.{kind}.labeled"]
    bot = sent("agent: review", kind, login="renovate[bot]", type="Bot")
    assert [one.type for one in bot] == [f"github.{kind}.labeled"]
    assert sent("agent: review", kind, login="my-app[bot]", type="Bot") == []  # it is ours


def test_a_discussion_takes_no_command() -> None:
    assert [one.type for one in sent("agent: pause", "discussion")] == ["github.discussion.labeled"]


def test_a_label_of_our_own_token_is_looked_up_among_our_deeds() -> None:
    [event] = sent("agent: review")
    told = deed(event)
    assert told is not None
    assert (told.target, told.value) == (f"{SHOP}#7", "agent: review")
    assert told.tools == {"AddLabels", "OpenIssue", "TakeBackOnGitHub"}
    assert told.is_of("AddLabels", "k", {"labels": ["agent: review"]}, None)


def test_a_label_on_what_we_opened_is_the_persons() -> None:
    [event] = sent("agent: review")
    marked = f"Mine\n\n{mark_of('k', 'plan', 1)}"
    payload = event.payload | {"pull_request": event.payload["pull_request"] | {"body": marked}}
    assert not is_own(event._replace(payload=payload), "99", "my-app")


def test_every_flow_that_a_label_calls_takes_it_off() -> None:
    for name, flow in shipped().items():
        if {f"github.command.{one}" for one in BY_LABEL} & set(flow.types):
            assert RemoveLabels in {one.action for one in flow.may}, name


class TestInTheSandbox:
    def labels(self, pull: PullRequest) -> list[str]:
        return [one["name"] for one in pull._sandbox.issue(SHOP, pull.number)["labels"]]

    def labelled(self, pull: PullRequest, label: str, by: str = "maria") -> Event:
        """Put it on, and return the event that the ingress makes of it."""
        request(
            "POST",
            f"{pull._sandbox.api_url}/repos/{SHOP}/issues/{pull.number}/labels",
            headers={"authorization": f"Bearer {pull._sandbox.person_token('maria')}"},
            json={"labels": [label]},
        )
        event = pull.event("pull_request.labeled", by=by)
        payload = dict(event.payload) | {"label": {"name": label}, "action": "labeled"}
        return event._replace(type="github.command.review", text="", payload=payload)

    def test_it_runs_once_and_is_taken_off(
        self, sandbox: GitHubSandbox, database: Database
    ) -> None:
        pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
        event = self.labelled(pull, "agent: review")
        assert self.labels(pull) == ["agent: review"]
        for _ in range(3):
            pull.runner.deliver(review, event)
        assert (len(pull.get("reviews")), self.labels(pull)) == (1, [])

    def test_who_may_not_write_gives_none_and_it_is_taken_off_too(
        self, sandbox: GitHubSandbox, database: Database
    ) -> None:
        sandbox.set_permission(SHOP, "tess", "triage")
        pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
        pull.runner.deliver(review, self.labelled(pull, "agent: review", by="tess"))
        assert (pull.get("reviews"), self.labels(pull)) == ([], [])
        assert "it needs write permission" in pull.sticky[0]

    @pytest.mark.parametrize("seed", range(2))
    def test_a_label_of_the_opening_is_done_once_in_any_order(
        self, sandbox: GitHubSandbox, database: Database, seed: int
    ) -> None:
        """What was opened with a label for what the flow does anyway; each comes 20 times."""
        number = sandbox.open_issue(SHOP, f"Pay crashes {seed}", "On an empty cart.")
        runner = FlowRunner(database)
        adapter = GitHubAdapter(
            Settings(github_token=sandbox.token, github_api_url=sandbox.api_url), timeout=30
        )
        runner.adapters = lambda wanted: adapter
        at = {"created_at": "2026-11-30T10:00:59Z", "updated_at": "2026-11-30T10:01:02Z"}
        labels = {"labels": [{"name": "agent: triage"}]}
        events = []
        for kind, type_ in (("issues.opened", ""), ("issues.labeled", "github.command.triage")):
            event = github_event(
                kind, repository=SHOP, number=number, delivery=f"{seed}-{kind}", by="maria"
            )
            payload = dict(event.payload) | {"issue": event.payload["issue"] | at | labels}
            payload |= {"action": kind[7:], "label": {"name": "agent: triage"}}
            maria = event.actor._replace(id=str(sandbox.account_id("maria")))
            event = event._replace(actor=maria, digest=kind, payload=payload)
            events.append(event._replace(type=type_ or event.type))
        for event in random.Random(seed).sample(events * 20, 40):
            runner.deliver(triage, event)
        told = Statement("select count(*) as times from steps where name = 'ask'", {})
        assert database.run(events[0].tenant, [told])[0] == [{"times": 1}]
