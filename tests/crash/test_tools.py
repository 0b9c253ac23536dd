"""SIGKILL at every boundary of a draft pull request, an issue, a long post: one of each, whole."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.certify.process import KillableProcesses
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from shared.actions.slack.text import pieces
from tests.campaigns import sample, size
from tests.crash.killed_writes import LONG
from tests.events.made import an_event

SHOP = "acme/shop"
#: More than any of the writes has.
BOUNDARIES = range(1, 60, size(1, 4))

Deliver = Callable[..., str]


@pytest.fixture
def hub() -> Iterator[GitHubSandbox]:
    with GitHubSandbox("", "secret") as hub:
        hub.push(SHOP, {"README.md": "# Shop\n"})
        yield hub


@pytest.fixture
def chat() -> Iterator[SlackSandbox]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as chat:
        chat.workspace.add_channel("releases")
        yield chat


@pytest.fixture(scope="module")
def processes() -> Iterator[KillableProcesses]:
    """Processes that die when they are told to."""
    with KillableProcesses("tests.crash.killed_writes") as processes:
        yield processes


@pytest.fixture
def deliver(
    hub: GitHubSandbox, chat: SlackSandbox, processes: KillableProcesses, database_url: str
) -> Deliver:
    """Hands events to them."""
    settings = {
        "github_token": hub.token,
        "github_api_url": hub.api_url,
        "slack_bot_token": chat.bot_token,
        "slack_api_url": chat.api_url,
    }

    def send(text: str, boundary: int = 0, receives: int = 1) -> str:
        event = an_event(id=f"github:{text}", text=text)
        order: dict[str, Any] = {
            "event": event.to_json(),
            "boundary": boundary,
            "receives": receives,
            "settings": settings,
            "database": database_url,
        }
        return str(processes.do(order)["end"])

    return send


def killed_everywhere(deliver: Deliver, what: str, at_least: int) -> list[str]:
    """Kill the write at each of its boundaries and deliver it again; return what was written."""
    names = []
    for boundary in BOUNDARIES:
        names.append(f"n{boundary}")
        text = f"{what} n{boundary}"
        end = deliver(text, boundary)
        if end == "done":
            break
        assert end == "killed"
        assert deliver(text, receives=2) == "done", f"killed at boundary {boundary}"
        assert deliver(text, receives=2) == "done"
    assert at_least < boundary < BOUNDARIES[-1], "not every boundary was reached"
    return names


def test_a_draft_is_one_branch_one_commit_one_pull_request(
    deliver: Deliver, hub: GitHubSandbox
) -> None:
    names = killed_everywhere(deliver, "draft", at_least=20)
    assert [issue["title"] for issue in hub.issues(SHOP)] == names
    branches = {name: sha for name, sha in hub.branches(SHOP).items() if name != "main"}
    assert len(branches) == len(names)
    for branch in branches:
        newest, first = hub.commits(SHOP, branch)
        assert newest["parent"] == first["sha"]
        assert f"docs/{newest['message']}.md" in newest["files"]


def test_a_draft_is_one_though_the_second_attempt_is_killed_too(
    deliver: Deliver, hub: GitHubSandbox
) -> None:
    boundaries = sample(range(5, 21, 3), 3)
    for boundary in boundaries:
        text = f"draft m{boundary}"
        ends = [deliver(text, 24 - boundary), deliver(text, boundary, 2), deliver(text, 0, 3)]
        assert ends[-1] == "done"
    assert len(hub.issues(SHOP)) == len(boundaries) == len(hub.branches(SHOP)) - 1


def test_an_issue_is_opened_once(deliver: Deliver, hub: GitHubSandbox) -> None:
    names = killed_everywhere(deliver, "issue", at_least=8)
    assert [issue["title"] for issue in hub.issues(SHOP)] == names


def test_a_long_post_is_whole_and_once(deliver: Deliver, chat: SlackSandbox) -> None:
    names = killed_everywhere(deliver, "post", at_least=12)
    wanted = [piece for name in names for piece in pieces(f"{name} {LONG}")]
    said = [message["blocks"][0]["text"] for message in chat.messages("#releases")]
    assert sorted(said) == sorted(wanted)
