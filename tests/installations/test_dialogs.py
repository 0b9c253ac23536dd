"""The front door opens dialogs with its one token: in that token's workspace, and in no other."""

import json

import pytest

from infra.apps.slack_manifest import manifest
from infra.local.sandbox.slack import SlackSandbox
from shared.events import Event
from shared.forms.table import opened_by
from shared.perception.slack import to_event
from shared.web.dialogs import opened
from tests.installations.installed import ONE, Installed


def _pressed(team: str) -> Event:
    """Return the event of a shortcut that opens a form."""
    listed = manifest("Agent")["features"]["shortcuts"]
    wanted = {"type": "shortcut", "message": "message_action"}
    for one in listed:
        payload = {
            "type": wanted.get(one["type"], "shortcut"),
            "callback_id": one["callback_id"],
            "team": {"id": team},
            "user": {"id": "U0ALICE", "team_id": team},
            "channel": {"id": "C0GENERAL", "name": "general"},
            "message": {"ts": "1.0", "text": "It crashes", "user": "U0ALICE"},
            "message_ts": "1.0",
            "trigger_id": "1.2.abc",
        }
        if opened_by(payload):
            return to_event(json.dumps(payload).encode(), {}, {}, 1.0)
    raise AssertionError("no shortcut opens a form")


@pytest.mark.parametrize("is_distributed", [False, True])
def test_a_dialog_opens_in_the_workspace_of_the_token_alone(
    world: Installed, *, is_distributed: bool
) -> None:
    settings = world.settings._replace(slack_bot_token=SlackSandbox.bot_token)
    if not is_distributed:
        settings = settings._replace(slack_client_id="")
    before = len(world.slack.calls("views.open"))
    own = opened(settings, _pressed("T0SANDBOX"), lambda type_: True)
    assert own.text != "another_workspace"
    assert len(world.slack.calls("views.open")) == before + 1
    if is_distributed:
        other = opened(settings, _pressed(ONE), lambda type_: True)
        assert (other.type, other.text) == ("slack.press.refused", "another_workspace")
        assert len(world.slack.calls("views.open")) == before + 1
