"""A chat in the sandbox Slack about a repository in the sandbox GitHub."""

from collections.abc import Iterator

import pytest

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.slack import SlackSandbox
from shared.database import Database
from tests.evidence.team import Team
from tests.infra.local.conftest import fresh, sandbox

__all__ = ["fresh", "sandbox"]


@pytest.fixture
def team(sandbox: GitHubSandbox, database: Database) -> Iterator[Team]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as slack:
        yield Team(sandbox, slack, database)
