"""Whatever is sent to the endpoints of the sandbox GitHub, it answers as GitHub describes it."""

import random
from typing import Any

from urllib3 import PoolManager

from infra.local.sandbox.github import GitHubSandbox
from tests.actions.github.sandbox_issue import SHOP
from tests.campaigns import size
from tests.infra.local.sandbox.github.clients import app
from tests.infra.local.sandbox.github.openapi import faults

_ANNOTATED = {"title": "t", "summary": "s"}
_ODD: tuple[Any, ...] = (
    *(None, True, 0, -1, 2, 10**12, "", "x", "a.py", "LEFT", "COMMENT", "APPROVE", "0" * 40),
    *("completed", "failure", "file", "+1", "fix", "main"),
    *([], ["x"], [1], [None], [{}], {}, {"a": 1}),
    [{"path": "a.py", "line": 2, "body": "x"}],
    [{"path": ["a"], "position": "1", "body": {}}],
    {**_ANNOTATED, "annotations": [{}]},
    {**_ANNOTATED, "annotations": [{"path": 1, "start_line": "1"}]},
)
_FIELDS = (
    *("commit_id", "body", "event", "comments", "path", "line", "side", "start_line", "start_side"),
    *("position", "in_reply_to", "subject_type", "content", "message", "name", "head_sha"),
    *("status", "conclusion", "output", "actions", "context", "description", "reviewers"),
    *("base", "labels", "expected_head_sha", "sha", "branch", "title"),
)
_WRITTEN = (
    "POST /pulls/{pull}/reviews",
    "PUT /pulls/{pull}/reviews/{review}",
    "PUT /pulls/{pull}/reviews/{review}/dismissals",
    "POST /pulls/{pull}/reviews/{review}/events",
    "POST /pulls/{pull}/comments",
    "POST /pulls/{pull}/comments/{remark}/replies",
    "PATCH /pulls/comments/{remark}",
    "POST /pulls/comments/{remark}/reactions",
    "POST /issues/comments/{comment}/reactions",
    "PATCH /pulls/{pull}",
    "PUT /pulls/{pull}/update-branch",
    "POST /pulls/{pull}/requested_reviewers",
    "DELETE /pulls/{pull}/requested_reviewers",
    "POST /check-runs",
    "PATCH /check-runs/{run}",
    "POST /statuses/{sha}",
    "PUT /contents/a.py",
)
_READ = (
    *("/pulls/{pull}", "/pulls/{pull}/files", "/pulls/{pull}/comments", "/pulls/comments"),
    *("/pulls/{pull}/reviews", "/compare/main...fix", "/compare/x:y...a:b:c", "/contents"),
    *("/contents/a.py", "/commits/fix", "/commits/heads/fix/check-runs", "/commits/fix/status"),
    *("/check-runs/{run}/annotations", "/commits/fix/check-suites", "/commits/fix/pulls"),
)
_NUMBERS = ("0", "-1", "x", "9" * 9)
_QUERY = ("page", "per_page", "ref", "since", "sort", "direction", "filter", "app_id")


def test_garbage_is_refused_in_githubs_own_words(sandbox: GitHubSandbox) -> None:
    sandbox.grant_permissions({"checks": "write", "statuses": "write"})
    places = _places(sandbox)
    bot = app(sandbox).get_access_token(sandbox.account_id("acme")).token
    tokens = (bot, sandbox.token, *map(sandbox.person_token, ("maria", "visitor")))
    http, chance = PoolManager(), random.Random(7)
    for _ in range(size(2000, 150)):
        headers = {"Authorization": f"token {chance.choice(tokens)}"}
        if chance.random() < 0.3:
            asked = {
                name: chance.choice(("0", "-1", "x", "9" * 9)) for name in _some(chance, _QUERY)
            }
            verb, path, sent = "GET", chance.choice(_READ), {"fields": asked}
        else:
            verb, _, path = chance.choice(_WRITTEN).partition(" ")
            body = {name: chance.choice(_ODD) for name in _some(chance, _FIELDS)}
            sent = {"json": chance.choice(_ODD) if chance.random() < 0.05 else body}
        url = f"{sandbox.api_url}/repos/{SHOP}{path.format(**places)}"
        reply = http.request(verb, url, headers=headers, **sent)
        assert reply.status < 500, (verb, path, sent)
        assert not faults(sandbox.exchanges()[-1]), (verb, path, sent)


def _some(chance: random.Random, names: tuple[str, ...]) -> list[str]:
    return chance.sample(names, chance.randrange(min(8, len(names))))


def _places(sandbox: GitHubSandbox) -> dict[str, object]:
    sandbox.push(SHOP, {"a.py": "1\n2\n3\n"})
    pull = sandbox.open_pull_request(SHOP, "Mend", head="fix", files={"a.py": "1\nx\n3\n"})
    sha = sandbox.branches(SHOP)["fix"]
    return {
        "pull": pull,
        "sha": sha,
        "review": sandbox.review(SHOP, pull, "So"),
        "remark": sandbox.comment_on_line(SHOP, pull, "Why?", path="a.py", line=2),
        "comment": sandbox.comment(SHOP, pull, "Hm"),
        "run": sandbox.check(SHOP, sha, "tests", "failure"),
    }
