"""Pull requests of the sandbox GitHub: opened with files, pushed to, closed with their branch, and
told as GitHub tells it."""

from typing import Any

import pytest
from github import Auth, Github

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.errors import GitHubError
from tests.infra.local.sandbox.github.receiver import Receiver

SHOP = "acme/shop"
BRANCH = "fix/购物车 🙂"


def test_a_pull_request_with_files_and_a_push_to_it_are_announced(
    sandbox: GitHubSandbox, receiver: Receiver
) -> None:
    sandbox.webhook_url = receiver.url
    files = {"src/cart.py": "total = 0\n", "docs/说明.md": "# 你好\n"}
    number = sandbox.open_pull_request(SHOP, "Mend it", "How", "li", head=BRANCH, files=files)
    first = sandbox.branches(SHOP)[BRANCH]
    later = {"src/cart.py": "total = 1\nprint(total)\n", "docs/说明.md": None}
    second = sandbox.push(SHOP, later, "li", branch=BRANCH)
    assert sandbox.settle()
    told = [(headers["x-github-event"], body) for headers, body in _told(receiver)]
    assert [(event, body.get("action")) for event, body in told] == [
        ("push", None),  # of the first README
        ("push", None),
        ("pull_request", "opened"),
        ("push", None),
        ("pull_request", "synchronize"),
    ]
    opened, synchronized = told[2][1]["pull_request"], told[4][1]
    assert (opened["head"]["ref"], opened["head"]["sha"]) == (BRANCH, first)
    assert opened["base"]["sha"] == sandbox.branches(SHOP)["main"]
    counts = ("commits", "additions", "deletions", "changed_files")
    assert [opened[name] for name in counts] == [1, 2, 0, 2]
    assert (synchronized["before"], synchronized["after"]) == (first, second)
    assert synchronized["number"] == number
    pull = synchronized["pull_request"]
    assert pull["head"]["sha"] == second
    assert [pull[name] for name in counts] == [2, 2, 0, 1]
    shown = [(one["filename"], one["status"]) for one in sandbox.pull_files(SHOP, number)]
    assert shown == [("src/cart.py", "added")]
    assert sandbox.file(SHOP, BRANCH, "src/cart.py") == b"total = 1\nprint(total)\n"


def test_a_push_elsewhere_or_to_a_closed_one_changes_nothing(
    sandbox: GitHubSandbox, receiver: Receiver
) -> None:
    number = sandbox.open_pull_request(SHOP, "Mend it", head="fix", files={"a": "1"})
    sandbox.edit_issue(SHOP, number, state="closed")
    sandbox.webhook_url = receiver.url
    sandbox.push(SHOP, {"a": "2"}, branch="fix")
    sandbox.push(SHOP, {"b": "2"}, branch="other")
    assert sandbox.settle()
    assert [headers["x-github-event"] for headers, _ in receiver.received] == ["push", "push"]


@pytest.mark.parametrize("by", ["a person", "the API"])
def test_a_deleted_branch_closes_its_pull_requests(
    sandbox: GitHubSandbox, receiver: Receiver, by: str
) -> None:
    number = sandbox.open_pull_request(SHOP, "Mend it", head="fix", files={"a": "1"})
    sandbox.webhook_url = receiver.url
    if by == "a person":
        sandbox.delete_branch(SHOP, "fix")
    else:
        auth = Auth.Token(sandbox.token)
        with Github(base_url=sandbox.api_url, auth=auth) as client:
            client.get_repo(SHOP).get_git_ref("heads/fix").delete()
    assert sandbox.settle()
    assert sandbox.issue(SHOP, number)["state"] == "closed"
    assert [body.get("action") for body in receiver.payloads] == [None, "closed"]


def test_what_github_refuses_is_refused(sandbox: GitHubSandbox) -> None:
    sandbox.open_pull_request(SHOP, "One", head="fix", files={"a": "1"})
    with pytest.raises(GitHubError, match="Validation Failed") as refusal:
        sandbox.open_pull_request(SHOP, "Two", head="fix", files={"a": "2"})
    assert "already exists for acme:fix" in refusal.value.body["errors"][0]["message"]
    with pytest.raises(GitHubError) as refusal:
        sandbox.open_pull_request(SHOP, "Three", head="main", files={"a": "3"})
    assert "No commits between main and main" in refusal.value.body["errors"][0]["message"]
    for title in ("", " ", "x" * 257):
        with pytest.raises(GitHubError, match="Validation Failed"):
            sandbox.open_pull_request(SHOP, title, head="new", files={"a": "3"})
    # What is refused has pushed nothing.
    assert sandbox.file(SHOP, "fix", "a") == b"1"
    assert "new" not in sandbox.branches(SHOP)


def _told(receiver: Receiver) -> list[tuple[dict[str, str], dict[str, Any]]]:
    pairs = zip(receiver.received, receiver.payloads, strict=True)
    return [(headers, body) for (headers, _), body in pairs]
