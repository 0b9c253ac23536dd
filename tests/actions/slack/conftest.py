"""The fixtures that the tests of the Slack adapter share."""

from collections.abc import Iterator

import pytest

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import GENERAL, TEAM
from shared.events import Thread
from tests.actions.slack.sandbox_thread import SandboxThread, connect


@pytest.fixture
def target() -> Iterator[SandboxThread]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as slack:
        thread = Thread(TEAM, GENERAL, slack.say(GENERAL, "Hello?"))
        yield SandboxThread(slack, connect(slack.api_url), thread)
