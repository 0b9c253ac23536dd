"""Socket Mode, with the sandbox as Slack and a recording front door as the ingress."""

from collections.abc import Iterator

import pytest
from slack_sdk.web import WebClient

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import BOT_USER, DM, GENERAL
from infra.local.socket_mode import SocketMode
from shared.errors import SettingsError
from shared.settings import Settings
from tests.infra.local.sandbox.slack.front_door import SECRET, Planned, RecordingFrontDoor


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackSandbox]:
    """Its own way to the app leads nowhere, so what arrives came through the websocket."""
    with SlackSandbox("http://127.0.0.1:9", SECRET, pace=0.0, patience=2.0) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def connected_door(slack: SlackSandbox) -> Iterator[RecordingFrontDoor]:
    with RecordingFrontDoor() as door, SocketMode(settings(slack), door.url):
        yield door


@pytest.fixture
def door(connected_door: RecordingFrontDoor) -> RecordingFrontDoor:
    connected_door.posted.clear()
    return connected_door


def settings(slack: SlackSandbox, **changes: str) -> Settings:
    known = Settings(
        slack_bot_token=slack.bot_token,
        slack_app_token=slack.app_token,
        slack_api_url=slack.api_url,
        slack_signing_secret=SECRET,
    )
    return known._replace(**changes)


def test_events_arrive_signed_and_in_order(slack: SlackSandbox, door: RecordingFrontDoor) -> None:
    said = [slack.say(DM, f"你好 😀 {n}") for n in range(5)]
    assert slack.settle()
    assert [posted.path for posted in door.posted] == ["/base/slack/events"] * 5
    assert [event["ts"] for event in door.events("message")] == said
    assert door.posted[0].body["api_app_id"]
    assert "x-slack-retry-num" not in door.posted[0].headers


def test_a_very_long_message_arrives_whole(slack: SlackSandbox, door: RecordingFrontDoor) -> None:
    slack.say(DM, "字" * 40_000)
    assert slack.settle()
    assert door.events("message")[0]["text"] == "字" * 40_000


def test_an_event_is_acknowledged_only_after_the_front_door_took_it(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    door.plan = [Planned(503)]
    slack.say(DM, "hello")
    assert slack.settle()
    first, second = door.posted
    assert first.body["event_id"] == second.body["event_id"]
    assert second.headers["x-slack-retry-num"] == "1"
    assert second.headers["x-slack-retry-reason"] == "http_timeout"


def test_the_bots_own_messages_arrive_too(slack: SlackSandbox, door: RecordingFrontDoor) -> None:
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    client.chat_postMessage(channel=GENERAL, text="Hello")
    assert slack.settle()
    assert door.events("message")[0]["user"] == BOT_USER


def test_a_command_is_answered_through_the_socket(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    door.plan = [Planned(headers=(("Content-Type", "application/json"),), body=b'{"text": "Hi"}')]
    slack.command("/agent", "help")
    assert slack.settle()
    (posted,) = door.posted
    assert (posted.path, posted.body["text"]) == ("/base/slack/commands", "help")
    assert slack.workspace.whispers(GENERAL)[-1]["text"] == "Hi"


def test_a_click_arrives_as_a_payload(slack: SlackSandbox, door: RecordingFrontDoor) -> None:
    button = {"type": "button", "action_id": "yes", "text": {"type": "plain_text", "text": "Yes"}}
    blocks = [{"type": "actions", "elements": [button]}]
    client = WebClient(token=slack.bot_token, base_url=slack.api_url)
    ts = client.chat_postMessage(channel=GENERAL, text="Sure?", blocks=blocks)["ts"]
    slack.click(GENERAL, ts, "yes")
    assert slack.settle()
    (clicked,) = [posted for posted in door.posted if posted.path == "/base/slack/interactive"]
    assert clicked.body["actions"][0]["action_id"] == "yes"


@pytest.mark.parametrize(
    ("setting", "token"), [("slack_bot_token", "xoxb-wrong"), ("slack_app_token", "xapp-wrong")]
)
def test_a_token_that_slack_refuses_is_named(slack: SlackSandbox, setting: str, token: str) -> None:
    wrong = SocketMode(settings(slack, **{setting: token}), "http://127.0.0.1:9")
    with pytest.raises(SettingsError, match="invalid_auth; check SLACK_BOT_TOKEN"):
        wrong.start()


@pytest.mark.parametrize("setting", ["slack_bot_token", "slack_app_token", "slack_signing_secret"])
def test_a_missing_setting_is_named(slack: SlackSandbox, setting: str) -> None:
    with pytest.raises(SettingsError, match=setting.upper()):
        SocketMode(settings(slack, **{setting: ""}), "http://127.0.0.1:9")


def test_a_slack_that_is_away_is_named(slack: SlackSandbox) -> None:
    away = SocketMode(
        settings(slack, slack_api_url="http://127.0.0.1:9/api/"), "http://127.0.0.1:9"
    )
    with pytest.raises(SettingsError, match=r"no connection to http://127\.0\.0\.1:9/api/"):
        away.start()
