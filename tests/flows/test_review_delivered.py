"""Reviews by the webhooks that a GitHub sends: each test does what people do there, hands over what
comes of it, and checks every request against GitHub's description of its API."""

import time
from collections.abc import Iterator

import pytest
from urllib3 import request

from flows.control import control
from flows.learn import learn
from flows.review import review
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.git.commits import Content, Executable, Link, Submodule
from shared.actions.github.adapter import GitHubAdapter
from shared.database import Database
from shared.errors import ActionUnavailable
from shared.events import Event, Json
from shared.models import ModelRequest
from shared.perception import github
from shared.reviewing.finding import Findings
from shared.testing import FlowRunner
from tests.actions.github.sandbox_issue import SHOP, as_app
from tests.infra.local.conftest import fresh, receiver, sandbox
from tests.infra.local.sandbox.github.openapi import faults
from tests.infra.local.sandbox.github.receiver import Receiver

__all__ = ["fresh", "receiver", "sandbox"]

FAULTY = "def total(items=[]):\n    items.sort()\n    return items\n"
FLOWS = (control, review, learn)


class Organisation:
    """A GitHub whose webhooks reach the flows of reviews."""

    def __init__(self, sandbox: GitHubSandbox, receiver: Receiver, database: Database) -> None:
        self.sandbox = sandbox
        self.runner = FlowRunner(database)
        self._adapter = GitHubAdapter(as_app(sandbox), timeout=5)
        self.runner.adapters = lambda wanted: self._adapter
        self._receiver = receiver
        self._taken = 0
        self.seen: list[Event] = []

    def arrived(self) -> list[Event]:
        """Return what GitHub sent since the last call, as events."""
        assert self.sandbox.settle()
        new = self._receiver.received[self._taken :]
        self._taken += len(new)
        app = str(self.sandbox.app_id)
        events = []
        for headers, body in new:
            github.verify(body, headers, "secret")
            event = github.to_event(body, headers, {}, time.time())
            events += [] if github.is_own(event, app, "agent-flows[bot]") else [event]
        self.seen += events
        return events

    def first(self, kind: str) -> Event:
        """Return the first event of a kind that came."""
        return next(event for event in self.seen if event.type == f"github.{kind}")

    def deliver(self) -> None:
        """Hand to the flows what GitHub sends until nothing more comes."""
        while events := self.arrived():
            for event in events:
                for flow in FLOWS:
                    if event.type in flow.types:
                        self.runner.run(flow, event)

    def open(self, files: dict[str, Content], repository: str = SHOP, title: str = "Add") -> int:
        number = self.sandbox.open_pull_request(repository, title, "Why", head="add", files=files)
        self.deliver()
        return number

    def push(self, files: dict[str, Content], on: str | None = None) -> str:
        commit = self.sandbox.push(SHOP, files, branch="add", on=on)
        self.deliver()
        return commit

    def told(self, number: int, repository: str = SHOP) -> list[tuple[str, int]]:
        """Return where the findings stand, by path and line, without answers in threads."""
        rows = self.read(f"/repos/{repository}/pulls/{number}/comments")
        return [(row["path"], row["line"]) for row in rows if not row.get("in_reply_to_id")]

    def summary(self, number: int, repository: str = SHOP) -> str:
        [comment] = self.sandbox.issue(repository, number)["comments"]
        return str(comment["body"])

    def read(self, path: str) -> list[Json]:
        token = {"authorization": f"Bearer {self.sandbox.token}"}
        rows: list[Json] = request("GET", self.sandbox.api_url + path, headers=token).json()
        return rows


@pytest.fixture
def organisation(
    sandbox: GitHubSandbox, receiver: Receiver, database: Database
) -> Iterator[Organisation]:
    sandbox.webhook_url = receiver.url
    yield Organisation(sandbox, receiver, database)
    assert [fault for one in sandbox.exchanges() for fault in faults(one)] == []


def test_another_base_makes_all_of_it_new(organisation: Organisation) -> None:
    organisation.sandbox.push(SHOP, {"README.md": "# Shop\n"})
    release = organisation.sandbox.push(SHOP, {"a.py": FAULTY}, branch="release")
    organisation.sandbox.push(SHOP, {"b.py": "b = 1\n"}, branch="add", on=release)
    number = organisation.sandbox.open_pull_request(SHOP, "Add", head="add", base="release")
    organisation.deliver()
    assert organisation.told(number) == []
    organisation.sandbox.set_base(SHOP, number, "main")
    organisation.deliver()
    assert organisation.told(number) == [("a.py", 1)]


def test_a_title_that_says_ready_begins_the_review(organisation: Organisation) -> None:
    number = organisation.open({"a.py": FAULTY}, title="WIP: add")
    assert organisation.told(number) == []
    for title in ("WIP: add a cart", "Add a cart", "Add the cart"):
        organisation.sandbox.edit_issue(SHOP, number, title=title)
        organisation.deliver()
        assert bool(organisation.told(number)) == (title != "WIP: add a cart")
    assert len(organisation.read(f"/repos/{SHOP}/pulls/{number}/reviews")) == 1


def test_another_text_of_it_begins_nothing(organisation: Organisation) -> None:
    number = organisation.open({"a.py": "a = 1\n"})
    asked = len(organisation.runner.model.asked)
    organisation.sandbox.edit_issue(SHOP, number, title="Add a", body="More words")
    organisation.deliver()
    assert len(organisation.runner.model.asked) == asked


def test_a_force_push_makes_all_of_it_new(organisation: Organisation) -> None:
    first = organisation.sandbox.push(SHOP, {"README.md": "# Shop\n"})
    number = organisation.open({"a.py": "a = 1\n"})
    organisation.push({"a.py": FAULTY, "b.py": "b = 1\n"}, on=first)
    organisation.runner.fire(review)
    assert organisation.told(number) == [("a.py", 1)]
    assert "…" not in organisation.summary(number)  # of no range of commits


def test_of_two_pushes_at_once_the_newest_is_reviewed(organisation: Organisation) -> None:
    number = organisation.open({"a.py": "a = 1\n"})
    organisation.sandbox.push(SHOP, {"b.py": FAULTY}, branch="add")
    organisation.sandbox.push(SHOP, {"b.py": f"# b\n{FAULTY}"}, branch="add")
    organisation.deliver()
    organisation.runner.fire(review)
    assert organisation.told(number) == [("b.py", 2)]
    assert organisation.runner.timers == []


def test_a_push_stops_the_review_that_runs(organisation: Organisation) -> None:
    moved = f"# moved\n{FAULTY}"

    def interrupted(_: ModelRequest) -> Findings:
        if "a.py" not in pushed:
            pushed["a.py"] = moved
            organisation.push({"a.py": moved})
        return Findings(())

    pushed: dict[str, str] = {}
    organisation.runner.model.rule = interrupted
    number = organisation.open({"a.py": FAULTY, "x.py": "x = 1\n"})
    assert (organisation.told(number), pushed) == ([], {"a.py": moved})
    organisation.runner.model.rule = None
    organisation.runner.fire(review)
    assert organisation.told(number) == [("a.py", 2)]


def test_what_was_dismissed_stays_away_in_a_file_that_is_renamed(
    organisation: Organisation,
) -> None:
    number = organisation.open({"a.py": FAULTY, "other.py": "o = 1\n"})
    [comment] = organisation.read(f"/repos/{SHOP}/pulls/{number}/comments")
    organisation.sandbox.resolve(comment["id"])
    organisation.deliver()
    organisation.push({"a.py": None, "sub/b.py": f"# moved\n{FAULTY}"})
    organisation.runner.fire(review)
    assert [path for path, _ in organisation.told(number)] == ["a.py"]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("crlf.py", FAULTY.replace("\n", "\r\n")),
        ("no end.py", FAULTY.removesuffix("\n")),
        ("tabs.py", FAULTY.replace("    ", "\t")),
        ("目录/😀.py", FAULTY),
        ("run", Executable(f"#!/usr/bin/env python3\n{FAULTY}")),
    ],
)
def test_findings_stand_on_the_lines_of_odd_files(
    organisation: Organisation, path: str, content: Content
) -> None:
    beside: dict[str, Content] = {
        "picture.png": b"\x89PNG\0\1\2",
        "lib": Submodule("1" * 40),
        "latest": Link("crlf.py"),
        "empty.py": "",
        "latin.py": b"name = 'caf\xe9'\n",
    }
    number = organisation.open({path: content, **beside})
    wanted = [] if path == "run" else [(path, 1)]  # nothing says that it is Python
    assert organisation.told(number) == wanted
    assert "picture.png" in organisation.summary(number)


def test_two_organisations_have_tokens_of_their_own(organisation: Organisation) -> None:
    web = "beta/web"
    organisation.sandbox.add_repository(web, {"maria": "admin"})
    numbers = {SHOP: organisation.open({"a.py": FAULTY})}
    numbers[web] = organisation.open({"b.py": FAULTY}, web)
    assert organisation.told(numbers[SHOP]) == [("a.py", 1)]
    assert organisation.told(numbers[web], web) == [("b.py", 1)]
    asked = [one.sent for one in organisation.sandbox.exchanges() if "access_tokens" in one.path]
    assert [body["repositories"] for body in asked] == [["shop"], ["web"]]


@pytest.mark.parametrize("status", [403, 429])
def test_a_secondary_limit_is_waited_for(organisation: Organisation, status: int) -> None:
    organisation.sandbox.fail_next(status, path="/reviews", method="POST", retry_after=60)
    with pytest.raises(ActionUnavailable) as caught:
        organisation.open({"a.py": FAULTY})
    assert caught.value.retry_after == 60
    opened = organisation.first("pull_request.opened")
    organisation.runner.run(review, opened)
    assert organisation.told(opened.issue.number) == [("a.py", 1)]
