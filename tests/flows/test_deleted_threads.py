"""Reviews of pull requests in which people deleted what an earlier review said."""

import pytest
from urllib3 import request

from infra.local.sandbox.github import GitHubSandbox
from shared.database import Database
from tests.actions.github.sandbox_issue import SHOP
from tests.flows.test_pruned_reviews import kept
from tests.flows.test_review import FAULTY, PullRequest, fresh, sandbox

__all__ = ["fresh", "sandbox"]

FIXED = "def total(items=None):\n    if items is None:\n        return 0\n    return sum(items)\n"


@pytest.mark.parametrize("is_sticky_gone", [False, True])
def test_a_fix_is_reviewed_though_the_comment_on_its_lines_is_gone(
    sandbox: GitHubSandbox, database: Database, is_sticky_gone: bool
) -> None:
    pull = PullRequest(sandbox, {"a.py": FAULTY}, database)
    pull.review()
    gone, left = sorted(pull.get("comments"), key=lambda row: row["line"])
    paths = [f"pulls/comments/{gone['id']}"]
    if is_sticky_gone:
        [sticky] = sandbox.issue(SHOP, pull.number)["comments"]
        paths.append(f"issues/comments/{sticky['id']}")
    for path in paths:
        url = f"{sandbox.api_url}/repos/{SHOP}/{path}"
        token = {"authorization": f"Bearer {sandbox.person_token('maria')}"}
        assert request("DELETE", url, headers=token).status == 204
    pull.push({"a.py": FIXED})
    [summary] = pull.sticky
    assert "nothing found" in summary
    assert {row["state"] for row in kept(database, pull).values()} == {"fixed"}
    replies = [row for row in pull.get("comments") if row.get("in_reply_to_id")]
    assert [row["in_reply_to_id"] for row in replies] == [left["id"]]
