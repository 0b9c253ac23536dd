"""Reviews against the sandbox GitHub: what is posted, where, and how often."""

import pytest
from urllib3 import request

from flows.review import review
from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Action, Mark, Receipt
from shared.actions.github.adapter import GitHubAdapter
from shared.events import Event, Json
from shared.reviewing.finding import Finding, Findings
from shared.settings import Settings
from shared.testing import FlowRunner, github_event
from tests.actions.github.sandbox_issue import SHOP, as_app
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]

FAULTY = """\
def total(items=[]):
    if items == None:
        return 0
    return sum(item.price for item in items)
"""


class Mortal(GitHubAdapter):
    """Dies once after it performed the action of a kind, before anybody hears of it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, timeout=5)
        self.dies_after = ""

    def perform(self, action: Action, mark: Mark, previous: Receipt | None) -> Receipt:
        receipt = super().perform(action, mark, previous)
        if type(action).__name__ == self.dies_after:
            self.dies_after = ""
            raise KeyboardInterrupt
        return receipt


class PullRequest:
    """A pull request in the sandbox, and a runner whose flow reaches it."""

    def __init__(self, sandbox: GitHubSandbox, files: dict[str, str], title: str = "Add") -> None:
        self.number = sandbox.open_pull_request(SHOP, title, "Why", head="add", files=files)
        self.runner = FlowRunner()
        self._sandbox = sandbox
        self.adapter = Mortal(as_app(sandbox))
        self.runner.adapters = lambda wanted: self.adapter

    def event(self, kind: str = "pull_request.opened", **more: str) -> Event:
        return github_event(kind, repository=SHOP, number=self.number, **more)

    def review(self) -> None:
        self.runner.run(review, self.event())

    @property
    def sticky(self) -> list[str]:
        comments = self._sandbox.issue(SHOP, self.number)["comments"]
        return [comment["body"] for comment in comments]

    def get(self, path: str) -> list[Json]:
        answer = request(
            "GET",
            f"{self._sandbox.api_url}/repos/{SHOP}/pulls/{self.number}/{path}",
            headers={"authorization": f"Bearer {self._sandbox.token}"},
        )
        rows: list[Json] = answer.json()
        return rows


def test_what_is_proved_is_posted_on_its_lines_in_one_review(sandbox: GitHubSandbox) -> None:
    pull = PullRequest(sandbox, {"shop/cart.py": FAULTY})
    pull.review()
    [submitted] = pull.get("reviews")
    assert submitted["state"] == "COMMENTED"
    default, none = sorted(pull.get("comments"), key=lambda row: row["line"])
    assert (default["path"], default["line"], none["line"]) == ("shop/cart.py", 1, 2)
    assert "```suggestion\n    if items is None:\n```" in none["body"]
    [summary] = pull.sticky
    assert "2 posted" in summary


def test_a_clean_change_gets_no_review_and_one_comment(sandbox: GitHubSandbox) -> None:
    pull = PullRequest(sandbox, {"shop/cart.py": "def total():\n    return 0\n"})
    pull.review()
    assert pull.get("reviews") == []
    [summary] = pull.sticky
    assert "nothing found" in summary


def test_the_same_delivery_twice_is_one_review(sandbox: GitHubSandbox) -> None:
    pull = PullRequest(sandbox, {"shop/cart.py": FAULTY})
    pull.review()
    pull.review()
    assert (len(pull.get("reviews")), len(pull.sticky)) == (1, 1)


@pytest.mark.parametrize("after", ["SubmitReview", "Comment"])
def test_a_crash_in_the_middle_loses_and_doubles_nothing(
    sandbox: GitHubSandbox, after: str
) -> None:
    pull = PullRequest(sandbox, {"shop/cart.py": FAULTY})
    pull.adapter.dies_after = after
    with pytest.raises(KeyboardInterrupt):
        pull.review()
    pull.review()
    assert (len(pull.get("reviews")), len(pull.sticky)) == (1, 1)


@pytest.mark.parametrize("title", ["WIP: add", "[wip] add", "Draft: add"])
def test_what_is_not_ready_is_not_reviewed(sandbox: GitHubSandbox, title: str) -> None:
    pull = PullRequest(sandbox, {"shop/cart.py": FAULTY}, title)
    pull.review()
    assert (pull.get("reviews"), pull.sticky) == ([], [])
    pull.runner.run(review, pull.event("command.review"))
    assert len(pull.get("reviews")) == 1


def test_files_that_nobody_needs_to_review_are_named(sandbox: GitHubSandbox) -> None:
    files = {"poetry.lock": "a\n", "vendor/a.py": FAULTY, "a.min.js": "x\n", "b.py": "b = 1\n"}
    pull = PullRequest(sandbox, files)
    pull.review()
    [summary] = pull.sticky
    assert "3 files not reviewed" in summary
    for told in ("`poetry.lock`: a lock file", "`vendor/a.py`: vendored", "`a.min.js`: generated"):
        assert told in summary


def test_a_secret_is_found_though_no_model_sees_it(sandbox: GitHubSandbox) -> None:
    secret = "ghp_" + "aB3xY9kQ2w" * 3 + "Zt7RmP"
    pull = PullRequest(sandbox, {"a.py": f'TOKEN = "{secret}"\n'})
    pull.review()
    [comment] = pull.get("comments")
    assert "critical" in comment["body"] and secret not in comment["body"]


def test_a_false_finding_goes_back_once_and_is_never_posted(sandbox: GitHubSandbox) -> None:
    pull = PullRequest(sandbox, {"a.py": "a = 1\n"})
    false = Finding("a.py", 1, 1, "b = 1", "high", "bug", 0.9, "It is 1.", "")
    pull.runner.answers(Findings((false,)), Findings((false,)))
    pull.review()
    assert pull.get("reviews") == []
