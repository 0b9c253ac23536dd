"""An open issue in the sandbox GitHub, and an adapter that acts there."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from infra.local.sandbox.github import GitHubSandbox
from shared.actions import Mark
from shared.actions.github.actions import Comment
from shared.actions.github.adapter import GitHubAdapter
from shared.errors import ActionError, ActionRejected, ActionUnavailable
from shared.events import Issue
from shared.settings import Settings

SHOP = "acme/shop"
MARK = Mark("a1b2c3", "triage", 1)


@dataclass
class SandboxIssue:
    """A sandbox with one open issue, and an adapter that acts there."""

    sandbox: GitHubSandbox
    adapter: GitHubAdapter
    issue: Issue

    @property
    def labels(self) -> list[str]:
        return [label["name"] for label in self.sandbox.issue(SHOP, self.issue.number)["labels"]]

    @property
    def comments(self) -> list[str]:
        """The comments without their hidden marks."""
        comments = self.sandbox.issue(SHOP, self.issue.number)["comments"]
        return [comment["body"].partition("\n\n<!--")[0] for comment in comments]

    @property
    def requests(self) -> list[str]:
        return [f"{one.method} {one.path}" for one in self.sandbox.exchanges()]


def as_token(sandbox: GitHubSandbox) -> Settings:
    return Settings(github_token=sandbox.token, github_api_url=sandbox.api_url)


def as_app(sandbox: GitHubSandbox) -> Settings:
    return Settings(
        github_app_id=str(sandbox.app_id),
        github_app_private_key=sandbox.private_key,
        github_api_url=sandbox.api_url,
    )


def open_in(sandbox: GitHubSandbox, settings: Callable[[GitHubSandbox], Settings]) -> SandboxIssue:
    number = sandbox.open_issue(SHOP, "It crashes", "At checkout.")
    return SandboxIssue(sandbox, GitHubAdapter(settings(sandbox), timeout=10), Issue(SHOP, number))


def comment_fails(target: SandboxIssue) -> ActionUnavailable | ActionRejected:
    """Comment, and return the error that must come of it."""
    with pytest.raises(ActionError) as caught:
        target.adapter.perform(Comment(target.issue, "Hello"), MARK, None)
    assert isinstance(caught.value, ActionUnavailable | ActionRejected)
    return caught.value
