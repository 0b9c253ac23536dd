"""The sandbox GitHub answers PyGithub as GitHub does."""

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
from github import GithubException

from infra.local.sandbox.github import GitHubSandbox
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.sandbox.github.clients import app, client, shop


def test_a_new_sandbox_has_a_shop_with_described_labels(sandbox: GitHubSandbox) -> None:
    repository = shop(sandbox)
    labels = {label.name: label.description for label in repository.get_labels()}
    assert repository.default_branch == "main"
    assert len(labels) == 8
    assert all(labels.values())


def test_an_issue_lives_through_pygithub(sandbox: GitHubSandbox) -> None:
    issue = shop(sandbox, "li").create_issue("Crash", "Body", labels=["bug"])
    issue.create_comment("First").edit("Edited")
    issue.edit(state="closed", state_reason="not_planned")
    shown = sandbox.issue(SHOP, issue.number)
    assert (shown["state"], shown["state_reason"]) == ("closed", "not_planned")
    assert [label["name"] for label in shown["labels"]] == ["bug"]
    assert [comment["body"] for comment in shown["comments"]] == ["Edited"]
    issue.edit(state="open")
    assert sandbox.issue(SHOP, issue.number)["closed_at"] is None


def test_issues_and_pull_requests_share_their_numbers(sandbox: GitHubSandbox) -> None:
    first = sandbox.open_issue(SHOP, "Crash")
    pull = shop(sandbox).create_pull(base="main", head="fix", title="Fix", body="It")
    assert (first, pull.number) == (1, 2)
    assert [one.number for one in shop(sandbox).get_issues()] == [2, 1]
    assert shop(sandbox).get_issue(2).pull_request is not None
    with pytest.raises(GithubException) as caught:
        shop(sandbox).get_pull(1)
    assert caught.value.status == 404


def test_reactions_are_kept_once_per_person(sandbox: GitHubSandbox) -> None:
    issue = shop(sandbox).get_issue(sandbox.open_issue(SHOP, "Crash"))
    reaction = issue.create_reaction("eyes")
    assert issue.create_reaction("eyes").id == reaction.id
    assert issue.get_reactions().totalCount == 1
    assert [one["content"] for one in sandbox.issue(SHOP, 1)["reactions"]] == ["eyes"]
    issue.delete_reaction(reaction.id)
    assert sandbox.issue(SHOP, 1)["reactions"] == []


def test_lists_come_in_pages_with_links(sandbox: GitHubSandbox) -> None:
    number = sandbox.open_issue(SHOP, "Crash")
    for text in range(65):
        sandbox.comment(SHOP, number, str(text))
    comments = shop(sandbox).get_issue(number).get_comments()
    assert [comment.body for comment in comments] == [str(text) for text in range(65)]
    assert comments.reversed[0].body == "64"
    assert comments.totalCount == 65


def test_comments_since_are_those_updated_since(sandbox: GitHubSandbox) -> None:
    number = sandbox.open_issue(SHOP, "Crash")
    sandbox.comment(SHOP, number, "One")
    path = f"{sandbox.api_url}/repos/{SHOP}/issues/{number}/comments"
    headers = {"Authorization": f"token {sandbox.token}"}
    for since, count in (("2020-01-01T00:00:00Z", 1), ("2999-01-01T00:00:00Z", 0)):
        answer = requests.get(path, headers=headers, params={"since": since}, timeout=5)
        assert len(answer.json()) == count


def test_search_finds_by_words_and_qualifiers(sandbox: GitHubSandbox) -> None:
    sandbox.open_issue(SHOP, "Checkout crashes", "With an empty cart.")
    sandbox.open_issue(SHOP, "Checkout is slow", author="sam")
    sandbox.edit_issue(SHOP, 2, labels=["performance"])
    found = client(sandbox).search_issues
    assert [one.number for one in found("repo:acme/shop is:issue checkout")] == [2, 1]
    assert [one.number for one in found('label:performance "is slow"')] == [2]
    assert [one.number for one in found("author:sam is:open")] == [2]
    assert [one.number for one in found("is:closed")] == []


def test_permissions_are_known(sandbox: GitHubSandbox) -> None:
    sandbox.open_issue(SHOP, "Crash", author="sam")
    levels = [shop(sandbox).get_collaborator_permission(who) for who in ("maria", "li", "sam")]
    assert levels == ["admin", "write", "read"]
    with pytest.raises(GithubException) as caught:
        shop(sandbox).get_collaborator_permission("nobody")
    assert caught.value.status == 404


def test_a_stranger_may_comment_but_not_label(sandbox: GitHubSandbox) -> None:
    issue = shop(sandbox, "eve").get_issue(sandbox.open_issue(SHOP, "Crash"))
    comment = sandbox.comment(SHOP, 1, "Mine")
    issue.create_comment("Hello")
    forbidden: list[Callable[[], object]] = [
        lambda: issue.add_to_labels("bug"),
        lambda: issue.get_comment(comment).edit("Yours"),
        lambda: issue.edit(state="closed"),
    ]
    for change in forbidden:
        with pytest.raises(GithubException) as caught:
            change()
        assert caught.value.status == 403


def test_a_private_repository_is_hidden_from_strangers(sandbox: GitHubSandbox) -> None:
    sandbox.add_repository("acme/secret", {"li": "read"}, private=True)
    assert client(sandbox, sandbox.person_token("li")).get_repo("acme/secret").private
    with pytest.raises(GithubException) as caught:
        client(sandbox, sandbox.person_token("eve")).get_repo("acme/secret")
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("request_line", "body", "status", "message"),
    [
        ("GET /repos/acme/none", None, 404, "Not Found"),
        ("GET /repos/acme/shop/issues/99", None, 404, "Not Found"),
        ("GET /no/such/endpoint", None, 404, "Not Found"),
        ("POST /repos/acme/shop/issues", b"{", 400, "Problems parsing JSON"),
        ("POST /repos/acme/shop/issues", b"[]", 400, "Body should be a JSON object"),
        ("POST /repos/acme/shop/issues", b"{}", 422, "Validation Failed"),
        ("POST /repos/acme/shop/issues/1/comments", b'{"body":" "}', 422, "Validation Failed"),
        ("POST /repos/acme/shop/labels", b'{"name":"Bug"}', 422, "Validation Failed"),
        ("GET /app", None, 401, "A JSON web token could not be decoded"),
    ],
)
def test_errors_are_githubs(
    sandbox: GitHubSandbox, request_line: str, body: bytes | None, status: int, message: str
) -> None:
    sandbox.open_issue(SHOP, "Crash")
    headers = {"Authorization": f"Bearer {sandbox.token}"}
    method, path = request_line.split()
    answer = requests.request(method, sandbox.api_url + path, data=body, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert answer.json()["documentation_url"]
    assert int(answer.headers["X-RateLimit-Remaining"]) > 0


def test_a_body_longer_than_githubs_limit_is_refused(sandbox: GitHubSandbox) -> None:
    issue = shop(sandbox).get_issue(sandbox.open_issue(SHOP, "Crash"))
    issue.create_comment("错" * 65_536)
    with pytest.raises(GithubException) as caught:
        issue.create_comment("错" * 65_537)
    assert caught.value.status == 422
    assert "maximum is 65536 characters" in str(caught.value.data)


@pytest.mark.parametrize("header", ["", "token wrong", "Basic abc", "Bearer a.b.c"])
def test_nobody_gets_in_without_an_accepted_token(sandbox: GitHubSandbox, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    answer = requests.get(f"{sandbox.api_url}/repos/{SHOP}", headers=headers, timeout=5)
    assert answer.status_code == 401


def test_the_app_gets_a_token_for_its_installation(sandbox: GitHubSandbox) -> None:
    installation = app(sandbox).get_repo_installation("acme", "shop")
    acting = app(sandbox).get_github_for_installation(installation.id)
    acting.get_repo(SHOP).get_issue(sandbox.open_issue(SHOP, "Crash")).create_comment("Hello")
    comment = sandbox.issue(SHOP, 1)["comments"][0]
    assert comment["user"]["login"] == "agent-flows[bot]"
    assert comment["performed_via_github_app"]["id"] == sandbox.app_id


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "1", "iat": 0, "exp": 60},
        {"iss": "{app}", "iat": -120, "exp": -60},
        {"iss": "{app}", "iat": 0, "exp": 3600},
        {"iss": "{app}", "exp": 60},
    ],
)
def test_a_jwt_that_github_would_refuse_is_refused(
    sandbox: GitHubSandbox, claims: dict[str, Any]
) -> None:
    moment = int(time.time())
    shifted = {key: moment + value for key, value in claims.items() if key != "iss"}
    issuer = claims["iss"].format(app=sandbox.app_id)
    token = jwt.encode({"iss": issuer, **shifted}, sandbox.private_key, algorithm="RS256")
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{sandbox.api_url}/app", headers=headers, timeout=5).status_code == 401
