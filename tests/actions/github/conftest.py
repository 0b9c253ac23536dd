"""The adapter before a sandbox GitHub, with a token and as an app."""

import pytest

from infra.local.sandbox.github import GitHubSandbox
from tests.actions.github.desk import Desk, as_app, as_token, at_desk
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]


@pytest.fixture(params=[as_token, as_app])
def desk(sandbox: GitHubSandbox, request: pytest.FixtureRequest) -> Desk:
    return at_desk(sandbox, request.param)


@pytest.fixture
def desk_with_token(sandbox: GitHubSandbox) -> Desk:
    return at_desk(sandbox, as_token)


@pytest.fixture
def desk_as_app(sandbox: GitHubSandbox) -> Desk:
    return at_desk(sandbox, as_app)
