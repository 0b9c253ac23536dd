"""The front door opens dialogs in every workspace where the app is installed, with the token of
that workspace, which whoever keeps it hands over; and in no other."""

import json
from collections.abc import Iterator

import pytest

from flows.background.uninstall import uninstall
from flows.press import press
from infra.apps.slack_manifest import manifest
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE
from shared.actions.platforms import Platforms
from shared.aws.parameters import Parameters
from shared.events import Event
from shared.forms.table import opened_by
from shared.installations import Workspace
from shared.perception.slack import to_event
from shared.testing import FlowRunner
from shared.web.dialogs import opened
from shared.web.workspace_tokens import HandedToken
from tests.installations.installed import ONE, ORG, TWO, Installed
from tests.installations.test_removal import GONE, leaving
from tests.moto_server import moto_server

PATH = "/agents/slack-tokens"


@pytest.fixture
def handed(world: Installed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parameters]:
    """Parameter Store, from which the front door reads and into which all others write."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setattr("shared.aws.parameters.TIMEOUT", 10.0)  # moto loads as it is asked first
    HandedToken._kept.clear()
    world.settings = world.settings._replace(token_path=PATH)
    with moto_server() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", url)
        yield Parameters(PATH)


def _pressed(world: Installed, team: str, org: str = "") -> Event:
    """Return the event of a shortcut that opens a form, as Alice uses it in a workspace."""
    there = world.slack.neighbours.open(team, org).workspace
    if team == "T0SANDBOX":
        there = world.slack.workspace
    listed = manifest("Agent")["features"]["shortcuts"]
    wanted = {"type": "shortcut", "message": "message_action"}
    for one in listed:
        payload = {
            "type": wanted.get(one["type"], "shortcut"),
            "callback_id": one["callback_id"],
            "team": {"id": team},
            "enterprise": {"id": org} if org else None,
            "is_enterprise_install": bool(org),
            "user": {"id": ALICE, "team_id": team},
            "channel": {"id": "C0GENERAL", "name": "general"},
            "message": {"ts": "1.0", "text": "It crashes", "user": ALICE},
            "message_ts": "1.0",
            "trigger_id": there.views.trigger(ALICE),
        }
        if opened_by(payload):
            return to_event(json.dumps(payload).encode(), {}, {}, 1.0)
    raise AssertionError("no shortcut opens a form")


def _open(world: Installed, team: str, org: str = "") -> str:
    """Press there; return why nothing opened, or nothing."""
    before = world.slack.neighbours.open(team, org).workspace.views.of(ALICE)
    event = opened(world.settings, _pressed(world, team, org), lambda type_: True)
    if event.type == "slack.press.refused":
        return event.text
    shown = world.slack.neighbours.open(team, org).workspace.views.of(ALICE)
    assert shown and shown != before, "nothing opened in that workspace"
    return ""


@pytest.mark.parametrize("is_distributed", [False, True])
def test_a_dialog_opens_with_the_given_token_in_its_own_workspace_alone(
    world: Installed, *, is_distributed: bool
) -> None:
    world.settings = world.settings._replace(slack_bot_token=SlackSandbox.bot_token)
    if not is_distributed:
        world.settings = world.settings._replace(slack_client_id="")
    event = opened(world.settings, _pressed(world, "T0SANDBOX"), lambda type_: True)
    assert event.type != "slack.press.refused"
    assert len(world.slack.calls("views.open")) == 1
    if is_distributed:
        other = opened(world.settings, _pressed(world, ONE), lambda type_: True)
        assert (other.type, other.text) == ("slack.press.refused", "another_workspace")
        assert len(world.slack.calls("views.open")) == 1


def test_a_dialog_opens_in_each_workspace_with_its_own_token(
    world: Installed, handed: Parameters
) -> None:
    assert _open(world, ONE) == "another_workspace"
    HandedToken._kept.clear()
    tokens = {team: world.install(team) for team in (ONE, TWO, ORG)}
    assert [handed.read(place) for place in tokens] == [*tokens.values()]
    assert [_open(world, ONE), _open(world, TWO), _open(world, "T0OFORG", ORG)] == ["", "", ""]
    assert _open(world, "T0NEVER") == "another_workspace"


def test_a_token_that_was_replaced_is_handed_over_and_read_again(
    world: Installed, handed: Parameters
) -> None:
    first = world.install(ONE, rotates=True)
    assert _open(world, ONE) == ""
    clock = world.slack.apps.installed.clock
    world.slack.apps.installed.clock = lambda: clock() + 50_000
    assert _open(world, ONE) == "token_expired"  # nothing happened there for half a day
    found = world.table.find(Workspace(ONE, "", f"slack:{ONE}"))
    assert found
    world.table.rotated(found, found._replace(expires_at=1.0, version=2))
    credential = world.installations().credential(Workspace(ONE, "", f"slack:{ONE}"))
    assert credential and credential.value != first
    assert handed.read(ONE) == credential.value
    assert _open(world, ONE) == ""


def test_a_token_that_comes_too_late_is_handed_to_nobody(
    world: Installed, handed: Parameters
) -> None:
    world.install(ONE, rotates=True)
    found = world.table.find(Workspace(ONE, "", f"slack:{ONE}"))
    assert found
    handed.delete(ONE)
    world.table.rotated(found._replace(version=9), found)  # as if another were kept by now
    assert handed.read(ONE) == ""


def test_who_presses_where_the_front_door_lacks_the_token_gives_it_the_token(
    world: Installed, handed: Parameters
) -> None:
    token = world.install(ONE)
    handed.delete(ONE)
    refused = opened(world.settings, _pressed(world, ONE), lambda type_: True)
    assert refused.text == "another_workspace"
    runner = FlowRunner(world.database, **world.settings._asdict())
    runner.adapters = Platforms(press.may, press.reads, world.settings, world.database)
    assert runner.deliver(press, refused) == []
    assert handed.read(ONE) == token
    [told] = world.slack.neighbours.open(ONE).workspace.whispers("C0GENERAL")
    assert "press again" in told["text"]
    HandedToken._kept.clear()
    assert _open(world, ONE) == ""


@pytest.mark.parametrize(("place", "org"), [(ONE, ""), (ORG, ORG)])
def test_a_token_goes_with_the_app(
    world: Installed, handed: Parameters, place: str, org: str
) -> None:
    world.install(place)
    world.install(TWO)
    runner = FlowRunner(world.database, token_path=PATH)
    runner.run(uninstall, leaving(GONE, "" if org else place, org))
    assert handed.read(place) == "" and handed.read(TWO)


def test_without_parameter_store_the_app_is_installed_all_the_same(
    world: Installed, handed: Parameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SSM", "http://127.0.0.1:9")
    token = world.install(ONE)
    found = world.table.find(Workspace(ONE, "", f"slack:{ONE}"))
    assert found and found.token == token
    assert _open(world, ONE) == "another_workspace"
