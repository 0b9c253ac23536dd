"""A command in the text of what is opened does not take the place of the opening: both are events,
and no flow does the same for both."""

import hashlib
import hmac
import json
import time

import pytest

from flows.triage import TriageVerdict, triage
from shared.actions.github.actions import AddLabels, Comment
from shared.agent import Agent, flow
from shared.database import Database
from shared.events import Event
from shared.settings import Settings
from shared.testing import FlowRunner, github_event
from shared.web.ingress import Ingress

OPENED = {"issues": "github.issues.opened", "pull_request": "github.pull_request.opened"}


def sent(kind: str, body: str, types: str = "") -> list[Event]:
    """Open an issue or a pull request with this text; return what is published of it."""
    published: list[Event] = []
    settings = Settings(github_webhook_secret="s", github_bot_name="agent", event_types=types)
    made = json.dumps(github_event(f"{kind}.opened", title="Pay crashes", body=body).payload)
    signed = hmac.new(b"s", made.encode(), hashlib.sha256).hexdigest()
    headers = {
        "x-github-event": kind,
        "x-github-delivery": "d1",
        "x-hub-signature-256": f"sha256={signed}",
        "content-type": "application/json",
    }
    Ingress(settings, published.append, time.time).github(made.encode(), headers)
    return published


@pytest.mark.parametrize("said", ["/review", "@agent review", "/review full", "/improve"])
@pytest.mark.parametrize("kind", OPENED)
def test_both_are_published_the_opening_first(kind: str, said: str) -> None:
    opened, ordered = sent(kind, said)
    assert (opened.type, opened.id, opened.text) == (
        OPENED[kind],
        "github:d1",
        f"Pay crashes\n\n{said}",
    )
    assert ordered.type == f"github.command.{said.strip('/').split()[-1 if '@' in said else 0]}"
    assert opened.conversation == ordered.conversation
    assert opened.digest and ordered.digest not in ("", opened.digest)
    assert (ordered.twin == opened.id) is ("review" in said)


@pytest.mark.parametrize("said", ["The page is white.", "/help", "See /review", ""])
def test_without_a_command_there_is_one(said: str) -> None:
    [opened] = sent("issues", said)
    assert (opened.type, opened.id, opened.twin) == ("github.issues.opened", "github:d1", "")


def test_only_what_a_flow_wants_is_published() -> None:
    [ordered] = sent("issues", "/triage", "github.command.triage")
    assert ordered.type == "github.command.triage"
    [opened] = sent("issues", "/triage", "github.issues.opened")
    assert opened.type == "github.issues.opened"


@flow(
    "github.issues.opened", "github.command.triage", "github.command.plan", may=[Comment.at_most(1)]
)
def says(event: Event, agent: Agent) -> None:
    if "quiet" not in event.text or event.type != "github.issues.opened":
        agent.act(Comment(event.issue, event.type))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("/triage", ["github.issues.opened"]),
        ("/plan label it", ["github.issues.opened", "github.command.plan"]),
        ("/triage quiet", ["github.command.triage"]),  # the opening caused nothing
    ],
)
def test_each_happens_once(database: Database, body: str, told: list[str]) -> None:
    runner = FlowRunner(database)
    for event in [*sent("issues", body), *sent("issues", body)]:
        runner.run(says, event)
    assert [one.body for one in runner.effects if isinstance(one, Comment)] == told


def test_an_issue_that_asks_for_triage_is_triaged_once(database: Database) -> None:
    runner = FlowRunner(database)
    runner.answers(TriageVerdict(("bug",), None, "Pay crashes."))
    for event in sent("issues", "/triage"):
        runner.run(triage, event)
    assert [type(one) for one in runner.effects] == [AddLabels, Comment]
    assert len(runner.model.asked) == 1
