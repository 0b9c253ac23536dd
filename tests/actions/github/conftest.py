"""The adapter before a sandbox GitHub, with a token and as an app."""

import pytest

from infra.local.sandbox.github import GitHubSandbox
from tests.actions.github.sandbox_issue import SandboxIssue, as_app, as_token, open_in
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]


@pytest.fixture(params=[as_token, as_app])
def target(sandbox: GitHubSandbox, request: pytest.FixtureRequest) -> SandboxIssue:
    return open_in(sandbox, request.param)


@pytest.fixture
def target_with_token(sandbox: GitHubSandbox) -> SandboxIssue:
    return open_in(sandbox, as_token)


@pytest.fixture
def target_as_app(sandbox: GitHubSandbox) -> SandboxIssue:
    return open_in(sandbox, as_app)
