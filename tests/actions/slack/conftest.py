"""The fixtures that the tests of the Slack adapter share."""

from collections.abc import Iterator

import pytest

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import GENERAL, TEAM
from shared.events import Thread
from tests.actions.slack.place import Place, connect


@pytest.fixture
def place() -> Iterator[Place]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as slack:
        thread = Thread(TEAM, GENERAL, slack.say(GENERAL, "Hello?"))
        yield Place(slack, connect(slack.api_url), thread)
