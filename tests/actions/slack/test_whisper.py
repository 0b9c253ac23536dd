"""The answer to a slash command: seen by who gave it, refused once it is too late."""

import pytest

from infra.local.sandbox.slack.workspace import ALICE, GENERAL, TEAM
from shared.actions.slack.actions import Whisper
from shared.errors import ActionRejected, ActionUnavailable
from shared.events import ResponseUrl
from tests.actions.slack.sandbox_thread import MARK, SandboxThread


def a_response(target: SandboxThread) -> ResponseUrl:
    token = target.slack._responses.invite(GENERAL, ALICE)
    return ResponseUrl(TEAM, GENERAL, target.slack._url(token))


def test_only_who_gave_the_command_sees_the_answer(target: SandboxThread) -> None:
    target.adapter.perform(Whisper(a_response(target), "**Hello** <!channel>"), MARK, None)
    [whisper] = target.slack.workspace.whispers(GENERAL)
    assert whisper["to"] == ALICE
    assert "<!channel>" not in str(whisper)


def test_an_address_that_is_used_up_is_a_refusal_and_a_dead_one_a_failure(
    target: SandboxThread,
) -> None:
    response = a_response(target)
    used = response._replace(url=response.url + "x")
    with pytest.raises(ActionRejected, match="HTTP 404; the command is older than 30 minutes"):
        target.adapter.perform(Whisper(used, "Hello"), MARK, None)
    dead = response._replace(url="http://127.0.0.1:9/")
    with pytest.raises(ActionUnavailable, match="no connection") as caught:
        target.adapter.perform(Whisper(dead, "Hello"), MARK, None)
    assert not caught.value.sent
