"""The flows of docs/examples work on the sandboxes as they stand, and can be copied into flows/."""

import json
import runpy
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, GENERAL
from infra.project import ROOT
from shared.actions.platforms import Platforms
from shared.agent.flow import Flow
from shared.database import Database
from shared.events import Event
from shared.perception import github, slack
from shared.settings import Settings
from shared.testing import FlowRunner, schedule_event
from tests.actions.github.sandbox_issue import SHOP, as_app
from tests.infra.local.conftest import fresh, sandbox
from tests.infra.local.sandbox.github.receiver import Receiver, receiving

__all__ = ["fresh", "sandbox"]

FOLDER = ROOT / "docs/examples"
NAMES = ("stale", "standup", "welcome")


def example(name: str) -> Flow:
    found: Flow = runpy.run_path(str(FOLDER / f"{name}.py"))[name]
    return found


def runs(flow: Flow, settings: Settings, database: Database, **changes: str) -> FlowRunner:
    """A runner of the flow on the sandbox of the settings."""
    unset = Settings()._asdict()
    given = {name: value for name, value in settings._asdict().items() if value != unset[name]}
    runner = FlowRunner(database, **given | changes)
    platforms = Platforms(flow.may, flow.reads, runner.can.settings)
    runner.can = runner.can._replace(adapter=platforms)
    return runner


class Door:
    """Takes the deliveries of a sandbox, as events, and hands them to the flow that wants them."""

    def __init__(self, flow: Flow, runner: FlowRunner, received: Receiver) -> None:
        self._flow = flow
        self._runner = runner
        self._received = received

    def settle(self, hub: GitHubSandbox | SlackSandbox) -> None:
        """Deliver what happened, twice each, until nothing more does."""
        while True:
            hub.settle()
            taken, self._received.received = self._received.received, []
            events = [event for one in taken if (event := _event(*one)) and not _is_own(event)]
            if not events:
                return
            for event in events:
                if event.type in self._flow.types:
                    assert self._runner.deliver(self._flow, event) == []
                    assert self._runner.deliver(self._flow, event) == []

    def tick(self, event: Event) -> None:
        """Let the schedule publish, twice, and deliver what it spreads to, twice."""
        for _ in range(2):
            assert self._runner.deliver(self._flow, event) == []
        for one in self._runner.published:
            assert self._runner.deliver(self._flow, one, one) == []
        self._runner.published.clear()


def _event(headers: dict[str, str], body: bytes) -> Event:
    if "x-github-event" in headers:
        return github.to_event(body, headers, {}, 0.0)
    return slack.to_event(body, headers, {}, 0.0)


def _is_own(event: Event) -> bool:
    return slack.is_own(event) if event.source == "slack" else github.is_own(event, "")


@pytest.fixture
def received() -> Iterator[Receiver]:
    with receiving() as received:
        yield received


@pytest.fixture
def hub(sandbox: GitHubSandbox, received: Receiver) -> GitHubSandbox:
    sandbox.webhook_url = received.url
    return sandbox


@pytest.fixture
def workspace(received: Receiver, tmp_path: Path) -> Iterator[SlackSandbox]:
    with SlackSandbox(received.url, "secret", state=tmp_path / "slack", pace=0.0) as workspace:
        yield workspace


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_short(name: str) -> None:
    text = (FOLDER / f"{name}.py").read_text("utf-8")
    assert 10 <= len([line for line in text.splitlines() if line.strip()]) <= 45
    assert f"`{name}.py`" in (ROOT / "docs/schedules.md").read_text("utf-8")


def test_welcome_greets_somebody_once(
    hub: GitHubSandbox, received: Receiver, database: Database
) -> None:
    welcome = example("welcome")
    door = Door(welcome, runs(welcome, as_app(hub), database), received)
    first = hub.open_issue(SHOP, "Hello", "It crashes.", author="newcomer")
    door.settle(hub)
    again = hub.open_issue(SHOP, "Hello again", "Still.", author="newcomer")
    other = hub.open_issue(SHOP, "Mine", "Another's.", author="stranger")
    known = hub.open_issue(SHOP, "Ours", "A member's.", author="maria")
    door.settle(hub)
    greeted = {n: len(hub.issue(SHOP, n)["comments"]) for n in (first, again, other, known)}
    assert greeted == {first: 1, again: 0, other: 1, known: 0}
    assert "Thank you, and welcome!" in hub.issue(SHOP, first)["comments"][0]["body"]


def test_standup_asks_in_its_channel_and_keeps_one_summary_of_the_answers(
    workspace: SlackSandbox, received: Receiver, database: Database
) -> None:
    standup = example("standup")
    settings = Settings(slack_api_url=workspace.api_url, slack_bot_token=workspace.bot_token)
    runner = runs(standup, settings, database, places="standup=#general")
    door = Door(standup, runner, received)
    door.tick(schedule_event("standup"))
    [question] = [one for one in workspace.messages(GENERAL) if "Good morning!" in one["text"]]
    runner.answers("• Alice mends the checkout.", "• Alice mends the checkout.\n• Bob is stuck.")
    workspace.say(GENERAL, "I mend the checkout", ALICE, question["ts"])
    door.settle(workspace)
    workspace.say(GENERAL, "The build keeps me", ALICE, question["ts"])
    workspace.say(GENERAL, "What a day", ALICE)
    door.settle(workspace)
    thread = [one["text"] for one in workspace.thread(GENERAL, question["ts"])]
    [summary] = [text for text in thread if "•" in text]
    assert "Bob is stuck" in summary
    assert len(runner.model.asked) == 2
    assert "The build keeps me" in json.dumps([m.text for m in runner.model.asked[-1].messages])


def test_stale_warns_then_closes_and_takes_the_mark_off_when_somebody_answers(
    hub: GitHubSandbox, received: Receiver, database: Database
) -> None:
    stale = example("stale")
    runner = runs(stale, as_app(hub), database, places=f"stale={SHOP}")
    door = Door(stale, runner, received)
    for label in ("stale", "pinned"):
        hub.add_label(SHOP, label)
    quiet, kept, answered = (hub.open_issue(SHOP, f"Issue {n}", "x") for n in range(3))
    hub.edit_issue(SHOP, kept, labels=["pinned"])
    door.tick(schedule_event("stale", in_days(59)))
    assert labels(hub, quiet, kept, answered) == [[], ["pinned"], []]
    door.tick(schedule_event("stale", in_days(61)))
    door.settle(hub)
    assert labels(hub, quiet, kept, answered) == [["stale"], ["pinned"], ["stale"]]
    assert [len(hub.issue(SHOP, n)["comments"]) for n in (quiet, kept, answered)] == [1, 0, 1]
    hub.comment(SHOP, answered, "It still crashes.")
    door.settle(hub)
    assert labels(hub, quiet, answered) == [["stale"], []]
    door.tick(schedule_event("stale", in_days(16)))
    assert [hub.issue(SHOP, n)["state"] for n in (quiet, kept, answered)] == [
        "closed",
        "open",
        "open",
    ]


def labels(hub: GitHubSandbox, *numbers: int) -> list[list[str]]:
    return [[label["name"] for label in hub.issue(SHOP, n)["labels"]] for n in numbers]


def in_days(days: int) -> str:
    """The moment so many days from now, as a schedule says it."""
    moment = time.gmtime(time.time() + days * 86_400)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", moment)
