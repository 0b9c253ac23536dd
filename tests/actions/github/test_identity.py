"""The adapter acts as the app or the token that the settings name."""

import base64
from collections.abc import Callable

import pytest

from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Mark
from shared.actions.github.actions import Comment, ListLabels
from shared.actions.github.adapter import GitHubAdapter
from shared.actions.github.queries import RepositoryHead
from shared.actions.platforms import Platforms
from shared.errors import ActionRejected, ActionUnavailable, SettingsError
from shared.settings import Settings
from tests.actions.github.sandbox_issue import MARK, SHOP, SandboxIssue, as_app, comment_fails


def test_an_installation_token_serves_many_requests(target_as_app: SandboxIssue) -> None:
    for number in range(3):
        target_as_app.adapter.perform(
            Comment(target_as_app.issue, f"{number}"), Mark(f"k{number}", "triage", 1), None
        )
    tokens = [one for one in target_as_app.requests if "/access_tokens" in one]
    assert (len(tokens), len(target_as_app.requests)) == (1, 5)


def test_a_token_that_ended_early_is_replaced(target_as_app: SandboxIssue) -> None:
    target = target_as_app
    target.adapter.perform(Comment(target.issue, "One"), MARK, None)
    target.sandbox.end_installation_tokens()
    target.adapter.perform(Comment(target.issue, "Two"), Mark("k2", "triage", 1), None)
    assert target.comments == ["One", "Two"]


def test_a_repository_without_the_app_is_refused_with_a_reason(target_as_app: SandboxIssue) -> None:
    target_as_app.sandbox.add_repository("other/lib", installed=False)
    with pytest.raises(ActionRejected) as caught:
        target_as_app.adapter.read(ListLabels("other/lib"))
    assert "find the app's installation on other/lib: 404" in str(caught.value)
    assert "GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY" in str(caught.value)


def test_getting_a_token_never_counts_as_having_acted(target_as_app: SandboxIssue) -> None:
    target_as_app.sandbox.fail_next(502, path="/access_tokens")
    err = comment_fails(target_as_app)
    assert isinstance(err, ActionUnavailable)
    assert not err.sent


def test_queries_for_reading_only_get_a_token_that_cannot_write(
    target_as_app: SandboxIssue,
) -> None:
    target, query = target_as_app, RepositoryHead(SHOP)
    adapter = Platforms([], [RepositoryHead], as_app(target.sandbox))(query)
    assert adapter.read(query)["full_name"] == SHOP
    with pytest.raises(ActionRejected, match="403"):
        adapter.perform(Comment(target.issue, "Hello"), MARK, None)
    assert target.comments == []


def test_another_apps_key_is_refused(sandbox: GitHubSandbox) -> None:
    with GitHubSandbox("", "secret") as other:
        settings = as_app(sandbox)._replace(github_app_private_key=other.private_key)
        with pytest.raises(ActionRejected, match="check GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY"):
            GitHubAdapter(settings).read(ListLabels(SHOP))


@pytest.mark.parametrize(
    "write",
    [
        lambda key: key,
        lambda key: key.replace("\n", "\\n"),
        lambda key: base64.b64encode(key.encode()).decode(),
        lambda key: base64.encodebytes(key.encode()).decode(),
    ],
)
def test_the_key_may_be_written_in_several_ways(
    sandbox: GitHubSandbox, write: Callable[[str], str]
) -> None:
    settings = as_app(sandbox)._replace(github_app_private_key=write(sandbox.private_key))
    assert GitHubAdapter(settings).read(ListLabels(SHOP))


def test_a_broken_key_is_named(sandbox: GitHubSandbox) -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nnonsense\n-----END RSA PRIVATE KEY-----"
    adapter = GitHubAdapter(as_app(sandbox)._replace(github_app_private_key=key))
    with pytest.raises(ActionRejected, match="GITHUB_APP_PRIVATE_KEY is not an RSA key"):
        adapter.read(ListLabels(SHOP))


def test_the_app_goes_before_the_token(sandbox: GitHubSandbox) -> None:
    settings = as_app(sandbox)._replace(github_token="of-another-tool")
    assert GitHubAdapter(settings).read(ListLabels(SHOP))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(), "GITHUB_TOKEN is not set"),
        (Settings(github_app_id="1"), "GITHUB_APP_PRIVATE_KEY is not set"),
        (
            Settings(github_app_private_key=base64.b64encode(b"-----BEGIN x").decode()),
            "GITHUB_APP_ID is not set",
        ),
        (Settings(github_app_id="1", github_app_private_key="?"), "is not a PEM key"),
        (Settings(github_token="t", github_api_url="api.github.com"), "GITHUB_API_URL"),
    ],
)
def test_settings_that_name_nobody_are_refused(settings: Settings, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        GitHubAdapter(settings)
