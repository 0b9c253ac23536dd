"""What the sandbox Slack tells the app, and how often."""

import hmac
import json
import urllib.request
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web import WebClient

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import (
    ALICE,
    APP,
    BOB,
    BOT,
    BOT_USER,
    DM,
    GENERAL,
    TEAM,
)
from tests.infra.local.sandbox.slack.front_door import SECRET, Planned, RecordingFrontDoor
from tests.waiting import wait_for


@pytest.fixture
def door() -> Iterator[RecordingFrontDoor]:
    with RecordingFrontDoor() as door:
        yield door


@pytest.fixture
def slack(door: RecordingFrontDoor) -> Iterator[SlackSandbox]:
    with SlackSandbox(door.url, SECRET, pace=0.0) as sandbox:
        yield sandbox


def connect(slack: SlackSandbox) -> WebClient:
    return WebClient(token=slack.bot_token, base_url=slack.api_url)


def attempts(slack: SlackSandbox) -> list[tuple[int, str, int]]:
    assert slack.settle()
    return [(attempt.number, attempt.reason, attempt.status) for attempt in slack.attempts]


def test_the_published_signature_is_made() -> None:
    """https://docs.slack.dev/authentication/verifying-requests-from-slack"""
    body = (
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
        "&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
        "&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
        "%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
        "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    made = SignatureVerifier(SECRET).generate_signature(timestamp="1531420618", body=body)
    assert made == "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def test_what_is_posted_is_signed_over_its_bytes(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    slack.say(DM, "你好 😀 " + "x" * 40_000)
    assert slack.settle()
    (posted,) = door.posted  # the front door keeps only what is signed
    assert posted.path == "/base/slack/events"
    assert posted.event["text"].startswith("你好 😀 ")
    stamp = posted.headers["x-slack-request-timestamp"]
    raw = json.dumps(posted.body, ensure_ascii=False).encode()
    digest = hmac.new(SECRET.encode(), f"v0:{stamp}:".encode() + raw, sha256).hexdigest()
    assert posted.headers["x-slack-signature"] == f"v0={digest}"


def test_the_envelope_names_the_app_and_its_bot(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    slack.say(DM, "hello")
    assert slack.settle()
    body = door.posted[0].body
    assert (body["type"], body["team_id"], body["api_app_id"]) == ("event_callback", TEAM, APP)
    assert body["event_id"].startswith("Ev")
    assert abs(body["event_time"] - float(body["event"]["ts"])) < 60
    (authorization,) = body["authorizations"]
    assert (authorization["user_id"], authorization["is_bot"]) == (BOT_USER, True)


def test_a_mention_in_a_channel_makes_two_events(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    ts = slack.say(GENERAL, f"<@{BOT_USER}> help")
    assert slack.settle()
    (mention,), (message,) = door.events("app_mention"), door.events("message")
    assert (mention["ts"], message["ts"]) == (ts, ts)
    assert message["channel_type"] == "channel"
    assert "channel_type" not in mention
    assert len({posted.body["event_id"] for posted in door.posted}) == 2


def test_a_direct_message_makes_one_event_also_with_a_mention(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    slack.say(DM, f"<@{BOT_USER}> help")
    assert slack.settle()
    assert [posted.event["type"] for posted in door.posted] == ["message"]
    assert door.posted[0].event["channel_type"] == "im"


def test_a_reply_names_its_thread(slack: SlackSandbox, door: RecordingFrontDoor) -> None:
    root = slack.say(GENERAL, "root")
    slack.say(GENERAL, "reply", user=BOB, thread_ts=root)
    assert slack.settle()
    reply = door.events("message")[1]
    assert (reply["thread_ts"], reply["parent_user_id"], reply["user"]) == (root, ALICE, BOB)


def test_edits_deletions_and_reactions_are_told(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    ts = slack.say(GENERAL, "helo")
    slack.edit(GENERAL, ts, "hello")
    slack.react(GENERAL, ts, "eyes", user=BOB)
    slack.delete(GENERAL, ts)
    assert slack.settle()
    _, changed, deleted = door.events("message")
    assert (changed["subtype"], changed["message"]["text"]) == ("message_changed", "hello")
    assert (changed["previous_message"]["text"], changed["message"]["ts"]) == ("helo", ts)
    assert changed["ts"] != ts
    assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", ts)
    (reaction,) = door.events("reaction_added")
    assert reaction["item"] == {"type": "message", "channel": GENERAL, "ts": ts}
    assert (reaction["reaction"], reaction["user"], reaction["item_user"]) == ("eyes", BOB, ALICE)


def test_the_bots_own_doings_are_told_too(slack: SlackSandbox, door: RecordingFrontDoor) -> None:
    client = connect(slack)
    metadata = {"event_type": "x", "event_payload": {"a": 1}}
    client.chat_postMessage(channel=GENERAL, text=f"I am <@{BOT_USER}>", metadata=metadata)
    assert slack.settle()
    (event,) = door.events("message")
    assert (event["bot_id"], event["app_id"], event["user"]) == (BOT, APP, BOT_USER)
    assert "metadata" not in event
    assert door.events("app_mention") == []


def test_nothing_is_told_of_a_channel_without_the_bot(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    slack.say(slack.workspace.add_channel("other", member=False), f"<@{BOT_USER}>?")
    assert slack.settle()
    assert door.posted == []


def test_events_of_a_conversation_come_in_their_order(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    said = [slack.say(GENERAL, str(n)) for n in range(20)]
    assert slack.settle()
    assert [event["ts"] for event in door.events("message")] == said


def test_a_failed_event_is_sent_three_times_more(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    door.plan = [Planned(500)] * 4
    slack.say(DM, "hello")
    assert attempts(slack) == [(n, "http_error", 500) for n in range(4)]
    assert len({posted.body["event_id"] for posted in door.posted}) == 1
    told = [
        (p.headers.get("x-slack-retry-num"), p.headers.get("x-slack-retry-reason"))
        for p in door.posted
    ]
    assert told == [(None, None), *((str(n), "http_error") for n in (1, 2, 3))]


def test_a_late_answer_is_no_answer(door: RecordingFrontDoor) -> None:
    door.plan = [Planned(delay=60.0)]  # until the door stops
    with SlackSandbox(door.url, SECRET, pace=0.0, patience=1.0) as slack:
        slack.say(DM, "hello")
        assert attempts(slack) == [(0, "http_timeout", 0), (1, "", 200)]
    assert door.posted[1].headers["x-slack-retry-reason"] == "http_timeout"


def test_the_app_can_ask_for_no_retry(slack: SlackSandbox, door: RecordingFrontDoor) -> None:
    door.plan = [Planned(500, headers=(("X-Slack-No-Retry", "1"),))]
    slack.say(DM, "hello")
    assert attempts(slack) == [(0, "http_error", 500)]


def test_a_redirect_is_a_failure(slack: SlackSandbox, door: RecordingFrontDoor) -> None:
    door.plan = [Planned(302)]
    slack.say(DM, "hello")
    assert attempts(slack) == [(0, "too_many_redirects", 302), (1, "", 200)]


def test_an_app_that_is_away_is_tried_again() -> None:
    with SlackSandbox("http://127.0.0.1:9", SECRET, pace=0.0) as slack:
        slack.say(DM, "hello")
        assert attempts(slack) == [(n, "connection_failed", 0) for n in range(4)]


def test_a_retry_that_waits_holds_up_nothing(door: RecordingFrontDoor) -> None:
    with SlackSandbox(door.url, SECRET) as slack:  # a minute before the second retry
        door.plan = [Planned(500), Planned(500)]
        slack.say(DM, "first")
        wait_for(lambda: len(slack.attempts) == 2)
        slack.say(DM, "second")
        wait_for(lambda: len(slack.attempts) == 3)
        assert not slack.settle(0.0)
    texts = [event["text"] for event in door.events("message")]
    assert texts == ["first", "first", "second"]


def test_a_command_comes_as_a_form_and_its_answer_is_a_whisper(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    door.plan = [Planned(headers=(("Content-Type", "text/plain"),), body="好的".encode())]
    slack.command("/agent", "help 我")
    assert attempts(slack) == [(0, "", 200)]
    (posted,) = door.posted
    assert posted.path == "/base/slack/commands"
    assert (posted.body["command"], posted.body["text"]) == ("/agent", "help 我")
    assert (posted.body["user_id"], posted.body["channel_id"]) == (ALICE, GENERAL)
    assert [w["text"] for w in slack.workspace.whispers(GENERAL)] == ["好的"]


def test_a_failed_command_is_not_sent_again(slack: SlackSandbox, door: RecordingFrontDoor) -> None:
    door.plan = [Planned(500)]
    slack.command("/agent")
    assert attempts(slack) == [(0, "http_error", 500)]


def test_a_click_comes_as_a_payload_and_can_be_answered(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    button = {"type": "button", "action_id": "yes", "value": "42", "text": _plain("Yes")}
    blocks = [{"type": "actions", "block_id": "ask", "elements": [button]}]
    ts = connect(slack).chat_postMessage(channel=GENERAL, text="Sure?", blocks=blocks)["ts"]
    slack.click(GENERAL, ts, "yes", user=BOB)
    assert slack.settle()
    posted = door.posted[-1]
    assert posted.path == "/base/slack/interactive"
    (action,) = posted.body["actions"]
    assert (action["action_id"], action["value"], action["block_id"]) == ("yes", "42", "ask")
    assert (posted.body["user"]["id"], posted.body["container"]["message_ts"]) == (BOB, ts)
    _answer(posted.body["response_url"], {"replace_original": True, "text": "Done"})
    assert slack.messages(GENERAL)[0]["text"] == "Done"


def test_opening_the_home_tab_is_told(slack: SlackSandbox, door: RecordingFrontDoor) -> None:
    slack.workspace.open_home(ALICE)
    assert slack.settle()
    (event,) = door.events("app_home_opened")
    assert (event["user"], event["channel"], event["tab"]) == (ALICE, DM, "home")


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def _answer(url: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=5) as response:
        assert response.status == 200
