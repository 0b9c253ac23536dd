"""Checks of the sandbox GitHub: for Apps only, complete with their suite, within limits."""

from typing import Any

import pytest
from github import Github, GithubException

from infra.local.sandbox.github import GitHubSandbox
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.sandbox.github.clients import app, client
from tests.infra.local.sandbox.github.receiver import Receiver


def _bot(sandbox: GitHubSandbox, level: str = "write") -> Github:
    """The App with checks and statuses at this level."""
    sandbox.grant_permissions({"checks": "write", "statuses": "write"})
    sandbox.limit_permissions({"checks": level, "statuses": level})
    token = app(sandbox).get_access_token(sandbox.account_id("acme")).token
    return client(sandbox, token)


@pytest.fixture
def sha(sandbox: GitHubSandbox) -> str:
    sandbox.open_pull_request(SHOP, "Mend it", head="fix", files={"a.py": "1\n"})
    return sandbox.branches(SHOP)["fix"]


_OUTPUT = {"title": "T", "summary": "S"}
_LINE = {"path": "a.py", "start_line": 1, "end_line": 1, "annotation_level": "failure"}
_NOTE: dict[str, object] = {**_LINE, "message": "No"}


def _noted(*notes: dict[str, object]) -> dict[str, object]:
    return {"output": {**_OUTPUT, "annotations": list(notes)}}


_REFUSED: list[tuple[dict[str, object], str]] = [
    ({"head_sha": "0" * 40}, "No commit found for SHA"),
    ({"name": ""}, '"name" wasn\'t supplied'),
    ({"status": "completed"}, '"conclusion" wasn\'t supplied'),
    ({"status": "done"}, "done is not a member of"),
    ({"conclusion": "bad"}, "bad is not a member of"),
    ({"conclusion": ["failure"]}, "is not a member of"),
    ({"output": {}}, '"title", "summary" weren\'t supplied'),
    ({"output": "x"}, "not an object"),
    ({"output": {**_OUTPUT, "text": "x" * 65_536}}, "65535 characters"),
    (_noted(*[_NOTE] * 51), "No more than 50 items are allowed; 51 were supplied."),
    (_noted({**_LINE}), '"message" wasn\'t supplied'),
    (_noted({**_NOTE, "annotation_level": "error"}), "error is not a member of"),
    (_noted({**_NOTE, "start_line": 2}), "The lines are not numbers"),
    (_noted({**_NOTE, "start_line": "1"}), "The lines are not numbers"),
    (_noted({**_NOTE, "end_line": 2, "start_column": 1}), "Columns are for"),
    ({"actions": [{}] * 4}, "No more than 3 items"),
]


@pytest.mark.parametrize(("fields", "reason"), _REFUSED)
def test_what_github_refuses(
    sandbox: GitHubSandbox, sha: str, fields: dict[str, object], reason: str
) -> None:
    repository = _bot(sandbox).get_repo(SHOP)
    asked = {"name": "lint", "head_sha": sha, **fields}
    with pytest.raises(GithubException) as refusal:
        repository.requester.requestJsonAndCheck(
            "POST", f"{repository.url}/check-runs", input=asked
        )
    assert (refusal.value.status, reason in refusal.value.data["message"]) == (422, True)
    assert sandbox.checks(SHOP, sha) == []


def test_a_person_has_no_checks(sandbox: GitHubSandbox, sha: str) -> None:
    for by in (client(sandbox), client(sandbox, sandbox.person_token("maria"))):
        with pytest.raises(GithubException) as refusal:
            by.get_repo(SHOP).create_check_run("lint", sha)
        assert refusal.value.status == 403
        assert refusal.value.data["message"] == "You must authenticate via a GitHub App."
        assert list(by.get_repo(SHOP).get_commit(sha).get_check_runs()) == []


def test_an_app_needs_the_permission(sandbox: GitHubSandbox, sha: str) -> None:
    reader = _bot(sandbox, "read").get_repo(SHOP)
    for change in (
        lambda: reader.create_check_run("lint", sha),
        lambda: reader.get_commit(sha).create_status("success"),
    ):
        with pytest.raises(GithubException) as refusal:
            change()
        assert refusal.value.status == 403
    assert list(reader.get_commit(sha).get_check_runs()) == []
    stranger = _bot(sandbox, "").get_repo(SHOP)
    for look in (
        lambda: list(stranger.get_commit(sha).get_check_runs()),
        lambda: list(stranger.get_commit(sha).get_check_suites()),
        lambda: stranger.get_commit(sha).get_combined_status(),
    ):
        with pytest.raises(GithubException) as refusal:
            look()
        assert refusal.value.status == 403


def test_a_suite_ends_with_its_last_run(
    sandbox: GitHubSandbox, sha: str, receiver: Receiver
) -> None:
    sandbox.webhook_url = receiver.url
    repository = _bot(sandbox).get_repo(SHOP)
    one = repository.create_check_run("lint", sha, status="in_progress")
    two = repository.create_check_run("tests", sha)
    one.edit(conclusion="success")
    (suite,) = repository.get_commit(sha).get_check_suites()
    assert [suite.status, suite.conclusion] == ["queued", None]
    output: Any = {**_OUTPUT, "annotations": [_NOTE] * 50}
    two.edit(status="in_progress", output=output)
    two.edit(conclusion="failure", output=output)
    assert sandbox.settle()
    assert receiver.seen == [
        *("check_run.created", "check_run.created"),
        *("check_run.completed", "check_run.completed", "check_suite.completed"),
    ]
    told = receiver.payloads[-1]["check_suite"]
    assert (told["conclusion"], told["head_branch"], told["head_sha"]) == ("failure", "fix", sha)
    assert [pull["number"] for pull in told["pull_requests"]] == [1]
    assert receiver.payloads[-1]["sender"]["login"] == "agent-flows[bot]"
    # Annotations add up, and come in pages.
    assert len(list(repository.get_check_run(two.id).get_annotations())) == 100


def test_failing_checks_of_others_are_found(sandbox: GitHubSandbox, sha: str) -> None:
    output = {**_OUTPUT, "annotations": [_NOTE]}
    sandbox.check(SHOP, sha, "tests", "failure", output=output)
    sandbox.check(SHOP, sha, "tests", "failure", output=output)  # run again
    sandbox.check(SHOP, sha, "lint")
    sandbox.check(SHOP, sha, "slow", "")
    bot = _bot(sandbox).get_repo(SHOP)
    runs = list(bot.get_commit("fix").get_check_runs())
    assert [(one.name, one.conclusion) for one in runs] == [
        *(("tests", "failure"), ("lint", "success"), ("slow", None))
    ]
    assert {one.app.slug for one in runs} == {"github-actions"}
    assert len(list(bot.get_commit(sha).get_check_runs(filter="all"))) == 4
    assert [one.name for one in bot.get_commit(sha).get_check_runs(check_name="lint")] == ["lint"]
    assert [one.name for one in bot.get_commit(sha).get_check_runs(status="in_progress")] == [
        "slow"
    ]
    assert next(iter(runs[0].get_annotations())).message == "No"
    with pytest.raises(GithubException) as refusal:
        runs[0].edit(conclusion="success")
    assert (refusal.value.status, "Invalid app_id" in refusal.value.data["message"]) == (403, True)


def test_statuses_add_up(sandbox: GitHubSandbox, sha: str, receiver: Receiver) -> None:
    sandbox.webhook_url = receiver.url
    commit = client(sandbox).get_repo(SHOP).get_commit(sha)
    assert commit.get_combined_status().state == "pending"
    for states, combined in (
        ({"ci": "success"}, "success"),
        ({"lint": "pending"}, "pending"),
        ({"lint": "error"}, "failure"),
        ({"lint": "success"}, "success"),
    ):
        for context, state in states.items():
            commit.create_status(state, description="So", context=context)
        assert commit.get_combined_status().state == combined
    assert commit.get_combined_status().total_count == 2
    for fields in ({"state": "good"}, {"state": "success", "description": "x" * 141}):
        with pytest.raises(GithubException) as refusal:
            commit.create_status(**fields)
        assert refusal.value.status == 422
    assert sandbox.settle()
    assert [payload["state"] for payload in receiver.payloads] == [
        *("success", "pending", "error", "success")
    ]
    assert receiver.payloads[0]["branches"][0]["name"] == "fix"
