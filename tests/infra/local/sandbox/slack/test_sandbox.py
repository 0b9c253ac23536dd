"""The sandbox Slack as slack_sdk sees it."""

import json
import os
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import (
    ALICE,
    BOB,
    BOT,
    BOT_USER,
    DM,
    GENERAL,
    GUEST,
    SUPPORT,
    TEAM,
)

#: Nobody listens there; these tests are about the Web API.
NOWHERE = "http://127.0.0.1:9"
METADATA = {"event_type": "agent_flows_effect", "event_payload": {"effect": "k1", "depth": 1}}


@pytest.fixture
def slack() -> Iterator[SlackSandbox]:
    with SlackSandbox(NOWHERE, "secret", pace=0.0) as sandbox:
        yield sandbox


@pytest.fixture
def client(slack: SlackSandbox) -> WebClient:
    return connect(slack)


def connect(slack: SlackSandbox, token: str | None = None, timeout: int = 5) -> WebClient:
    token = slack.bot_token if token is None else token
    return WebClient(token=token, base_url=slack.api_url, timeout=timeout, retry_handlers=[])


def refusal(method: Any, **arguments: Any) -> str:
    """Slack's word for why it refused."""
    with pytest.raises(SlackApiError) as caught:
        method(**arguments)
    return str(caught.value.response["error"])


def test_the_bot_learns_who_it_is(client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == (TEAM, BOT_USER, BOT)


def test_a_token_is_asked_for(slack: SlackSandbox) -> None:
    assert refusal(connect(slack, "").auth_test) == "not_authed"
    assert refusal(connect(slack, "xoxb-other").auth_test) == "invalid_auth"
    assert refusal(connect(slack, slack.app_token).auth_test) == "not_allowed_token_type"
    assert refusal(connect(slack).apps_connections_open, app_token="xapp-no") == "invalid_auth"
    assert refusal(connect(slack).api_call, api_method="chat.sing") == "unknown_method"


def test_a_message_is_posted_into_a_thread_and_read_back(
    slack: SlackSandbox, client: WebClient
) -> None:
    root = slack.say(GENERAL, "What is up?")
    blocks = [{"type": "markdown", "text": "**All** 好 😀"}]
    answer = client.chat_postMessage(
        channel=GENERAL, thread_ts=root, text="All 好 😀", blocks=blocks, metadata=METADATA
    )
    assert answer["message"]["thread_ts"] == root
    first, reply = slack.thread(GENERAL, root)
    assert (first["reply_count"], first["reply_users"]) == (1, [BOT_USER])
    assert (reply["text"], reply["bot_id"], reply["ts"]) == ("All 好 😀", BOT, answer["ts"])
    assert reply["blocks"][0]["text"] == "**All** 好 😀"


def test_metadata_is_shown_only_to_who_asks(slack: SlackSandbox, client: WebClient) -> None:
    root = slack.say(GENERAL, "Hello")
    client.chat_postMessage(channel=GENERAL, thread_ts=root, text="Hi", metadata=METADATA)
    bare = client.conversations_replies(channel=GENERAL, ts=root)["messages"]
    full = client.conversations_replies(channel=GENERAL, ts=root, include_all_metadata=True)
    assert "metadata" not in bare[1]
    assert full["messages"][1]["metadata"] == METADATA


def test_history_is_newest_first_and_without_replies(
    slack: SlackSandbox, client: WebClient
) -> None:
    stamps = [slack.say(GENERAL, f"message {n}") for n in range(5)]
    slack.say(GENERAL, "a reply", thread_ts=stamps[0])
    read: list[str] = []
    for page in client.conversations_history(channel=GENERAL, limit=2):
        read += [message["ts"] for message in page["messages"]]
    assert read == stamps[::-1]
    newer = client.conversations_history(channel=GENERAL, oldest=stamps[2])["messages"]
    assert [message["ts"] for message in newer] == [stamps[4], stamps[3]]


def test_replies_come_in_pages(slack: SlackSandbox, client: WebClient) -> None:
    root = slack.say(GENERAL, "root")
    stamps = [root, *(slack.say(GENERAL, str(n), thread_ts=root) for n in range(7))]
    read: list[str] = []
    for page in client.conversations_replies(channel=GENERAL, ts=root, limit=3):
        read += [message["ts"] for message in page["messages"]]
    assert read == stamps
    assert (
        refusal(client.conversations_replies, channel=GENERAL, ts=root, cursor="?")
        == "invalid_cursor"
    )
    read_thread = client.conversations_replies
    assert refusal(read_thread, channel=GENERAL, ts=root, limit="no") == "invalid_limit"


@pytest.mark.parametrize(
    ("body", "error"), [("{", "invalid_json"), ("[1]", "json_not_object"), ("", "not_authed")]
)
def test_a_body_that_is_no_call_is_refused(slack: SlackSandbox, body: str, error: str) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"{slack.api_url}auth.test", body.encode(), headers)
    with urllib.request.urlopen(request, timeout=5) as response:
        assert json.load(response) == {"ok": False, "error": error}


def test_a_reply_to_a_message_that_is_gone_lands_in_the_channel(
    slack: SlackSandbox, client: WebClient
) -> None:
    root = slack.say(GENERAL, "never mind")
    slack.delete(GENERAL, root)
    answer = client.chat_postMessage(channel=GENERAL, thread_ts=root, text="Hi")
    assert "thread_ts" not in answer["message"]
    assert refusal(client.conversations_replies, channel=GENERAL, ts=root) == "thread_not_found"


def test_a_deleted_message_with_replies_leaves_a_tombstone(slack: SlackSandbox) -> None:
    root = slack.say(GENERAL, "root")
    slack.say(GENERAL, "reply", thread_ts=root)
    slack.delete(GENERAL, root)
    assert [message["text"] for message in slack.thread(GENERAL, root)] == [
        "This message was deleted.",
        "reply",
    ]


def test_what_cannot_be_posted_is_refused_as_slack_does(
    slack: SlackSandbox, client: WebClient
) -> None:
    old = slack.workspace.add_channel("old", archived=True)
    other = slack.workspace.add_channel("other", member=False)
    too_long = [{"type": "markdown", "text": "x" * 12_001}]
    swollen = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2_900}}] * 5
    cases: list[tuple[dict[str, Any], str]] = [
        ({"channel": "C404", "text": "x"}, "channel_not_found"),
        ({"channel": old, "text": "x"}, "is_archived"),
        ({"channel": other, "text": "x"}, "not_in_channel"),
        ({"channel": GENERAL, "text": "x", "blocks": "{"}, "invalid_blocks_format"),
        ({"channel": GENERAL, "text": "x", "blocks": [{"type": "no"}]}, "invalid_blocks"),
        ({"channel": GENERAL, "text": "x", "blocks": too_long}, "invalid_blocks"),
        ({"channel": GENERAL, "text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"channel": GENERAL, "text": "x", "blocks": swollen}, "msg_blocks_too_long"),
        ({"channel": GENERAL, "markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"channel": GENERAL, "text": "x", "markdown_text": "x"}, "markdown_text_conflict"),
        ({"channel": GENERAL, "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
    ]
    for arguments, error in cases:
        assert refusal(client.chat_postMessage, **arguments) == error
    empty = {"channel": GENERAL, "text": " "}  # the SDK's own method warns of it
    assert refusal(client.api_call, api_method="chat.postMessage", json=empty) == "no_text"
    assert slack.messages(GENERAL) == []


def test_a_very_long_text_is_cut(slack: SlackSandbox, client: WebClient) -> None:
    client.chat_postMessage(channel=GENERAL, text="字" * 50_000)
    assert slack.messages(GENERAL)[0]["text"] == "字" * 40_000


def test_only_the_bots_own_messages_are_changed(slack: SlackSandbox, client: WebClient) -> None:
    hers = slack.say(GENERAL, "mine")
    his = client.chat_postMessage(channel=GENERAL, text="draft")["ts"]
    client.chat_update(channel=GENERAL, ts=his, text="done")
    assert slack.messages(GENERAL)[1]["text"] == "done"
    assert slack.messages(GENERAL)[1]["edited"]["user"] == BOT_USER
    update, delete = client.chat_update, client.chat_delete
    assert refusal(update, channel=GENERAL, ts=hers, text="x") == "cant_update_message"
    assert refusal(update, channel=GENERAL, ts=his, text="x" * 4_001) == "msg_too_long"
    assert refusal(delete, channel=GENERAL, ts=hers) == "cant_delete_message"
    assert refusal(delete, channel=GENERAL, ts="1.1") == "message_not_found"
    client.chat_delete(channel=GENERAL, ts=his)
    assert [message["ts"] for message in slack.messages(GENERAL)] == [hers]


def test_a_whisper_is_no_message(slack: SlackSandbox, client: WebClient) -> None:
    client.chat_postEphemeral(channel=GENERAL, user=BOB, text="psst")
    whisper = slack.workspace.whispers(GENERAL)[0]
    assert (whisper["to"], whisper["text"]) == (BOB, "psst")
    assert slack.messages(GENERAL) == []


def test_reactions_are_kept_by_user(slack: SlackSandbox, client: WebClient) -> None:
    ts = slack.say(GENERAL, "look")
    slack.react(GENERAL, ts, "eyes", user=BOB)
    client.reactions_add(channel=GENERAL, timestamp=ts, name="eyes")
    add, remove = client.reactions_add, client.reactions_remove
    assert refusal(add, channel=GENERAL, timestamp=ts, name="eyes") == "already_reacted"
    assert refusal(add, channel=GENERAL, timestamp=ts, name="No!") == "invalid_name"
    assert refusal(add, channel=GENERAL, timestamp="1.1", name="eyes") == "message_not_found"
    assert refusal(remove, channel=GENERAL, timestamp=ts, name="tada") == "no_reaction"
    reactions = client.reactions_get(channel=GENERAL, timestamp=ts)["message"]["reactions"]
    assert reactions == [{"name": "eyes", "users": [BOB, BOT_USER], "count": 2}]
    client.reactions_remove(channel=GENERAL, timestamp=ts, name="eyes")
    reactions = client.reactions_get(channel=GENERAL, timestamp=ts)["message"]["reactions"]
    assert reactions == [{"name": "eyes", "users": [BOB], "count": 1}]


def test_people_and_conversations_are_there(client: WebClient) -> None:
    assert client.users_info(user=GUEST)["user"]["is_restricted"]
    assert client.users_info(user=BOT_USER)["user"]["is_bot"]
    assert refusal(client.users_info, user="U404") == "user_not_found"
    names = [channel["name"] for channel in client.conversations_list()["channels"]]
    assert names == ["general", "support"]
    ims = client.conversations_list(types="im")["channels"]
    assert [im["user"] for im in ims] == [ALICE]
    assert client.conversations_open(users=ALICE)["channel"]["id"] == DM
    assert client.conversations_open(users=BOB)["channel"]["id"] == "D0BOB"
    assert client.conversations_info(channel=SUPPORT)["channel"]["name"] == "support"


def test_a_stream_grows_until_it_stops(slack: SlackSandbox, client: WebClient) -> None:
    root = slack.say(GENERAL, "explain")
    to = {"recipient_team_id": TEAM, "recipient_user_id": ALICE}
    stream = client.chat_stream(channel=GENERAL, thread_ts=root, buffer_size=1, **to)
    stream.append(markdown_text="**one**")
    ts = slack.thread(GENERAL, root)[1]["ts"]
    stream.append(markdown_text=", two")
    assert slack.thread(GENERAL, root)[1]["text"] == "**one**, two"
    stream.stop(markdown_text=", three", metadata=METADATA)
    message = slack.thread(GENERAL, root)[1]
    assert (message["text"], message["metadata"]) == ("**one**, two, three", METADATA)
    append, start = client.chat_appendStream, client.chat_startStream
    assert (
        refusal(append, channel=GENERAL, ts=ts, markdown_text="x")
        == "message_not_in_streaming_state"
    )
    assert refusal(start, channel=GENERAL, thread_ts=root) == "missing_recipient_team_id"
    assert refusal(start, channel=GENERAL, thread_ts="1.1", **to) == "invalid_thread_ts"


def test_a_home_view_is_published(slack: SlackSandbox, client: WebClient) -> None:
    view = {"type": "home", "blocks": [{"type": "divider"}]}
    client.views_publish(user_id=ALICE, view=view)
    shown = slack.workspace.shown("views", ALICE)
    assert shown is not None
    assert shown["blocks"][0]["type"] == "divider"
    publish = client.views_publish
    assert refusal(publish, user_id=ALICE, view={"type": "modal"}) == "invalid_arguments"


def test_a_call_fails_as_often_as_was_asked(slack: SlackSandbox, client: WebClient) -> None:
    slack.fail_next("chat.postMessage", "fatal_error", times=2)
    slack.fail_next("chat.postMessage", status=429, retry_after=7)
    slack.fail_next("chat.postMessage", status=503)
    post = client.chat_postMessage
    assert refusal(post, channel=GENERAL, text="x") == "fatal_error"
    assert refusal(post, channel=GENERAL, text="x") == "fatal_error"
    with pytest.raises(SlackApiError) as caught:
        post(channel=GENERAL, text="x")
    response = caught.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["Retry-After"] == "7"
    with pytest.raises(SlackApiError) as caught:
        post(channel=GENERAL, text="x")
    assert caught.value.response.status_code == 503
    assert slack.messages(GENERAL) == []
    assert post(channel=GENERAL, text="x")["ok"]


@pytest.mark.parametrize(("after", "posted"), [(False, 0), (True, 1)])
def test_a_connection_breaks_before_or_after_the_change(
    slack: SlackSandbox, client: WebClient, after: bool, posted: int
) -> None:
    slack.fail_next("chat.postMessage", after=after)
    with pytest.raises(ConnectionError):
        client.chat_postMessage(channel=GENERAL, text="x")
    assert len(slack.messages(GENERAL)) == posted


def test_a_slow_answer_comes_after_the_change(slack: SlackSandbox) -> None:
    slack.slow_next("chat.postMessage", 30)
    with pytest.raises(TimeoutError):
        connect(slack, timeout=1).chat_postMessage(channel=GENERAL, text="x")
    assert len(slack.messages(GENERAL)) == 1


def test_everything_survives_a_restart(tmp_path: Path) -> None:
    with SlackSandbox(NOWHERE, "secret", tmp_path, pace=0.0) as slack:
        client = connect(slack)
        root = slack.say(GENERAL, "Hello 好")
        client.chat_postMessage(channel=GENERAL, thread_ts=root, text="Hi", metadata=METADATA)
        client.reactions_add(channel=GENERAL, timestamp=root, name="eyes")
        gone = slack.say(GENERAL, "oops")
        slack.delete(GENERAL, gone)
        slack.workspace.add_channel("random")
        before = slack.thread(GENERAL, root)
    with SlackSandbox(NOWHERE, "secret", tmp_path, pace=0.0) as slack:
        assert slack.thread(GENERAL, root) == before
        assert len(slack.messages(GENERAL)) == 2
        assert "C0RANDOM" in slack.workspace.channels
        assert slack.say(GENERAL, "again") > before[-1]["ts"]


def test_a_write_that_was_cut_short_loses_only_itself(tmp_path: Path) -> None:
    with SlackSandbox(NOWHERE, "secret", tmp_path, pace=0.0) as slack:
        kept = slack.say(GENERAL, "kept")
        slack.say(GENERAL, "torn")
    file = tmp_path / "slack.jsonl"
    os.truncate(file, file.stat().st_size - 9)
    with SlackSandbox(NOWHERE, "secret", tmp_path, pace=0.0) as slack:
        assert [message["ts"] for message in slack.messages(GENERAL)] == [kept]
        slack.say(GENERAL, "after")
    assert all(json.loads(line) for line in file.read_text().splitlines())
    with SlackSandbox(NOWHERE, "secret", tmp_path, pace=0.0) as slack:
        assert [message["text"] for message in slack.messages(GENERAL)] == ["kept", "after"]


def test_a_channel_is_also_known_by_its_name(slack: SlackSandbox, client: WebClient) -> None:
    ts = slack.say("#support", "Hello")
    client.chat_postMessage(channel="#support", thread_ts=ts, text="Hi")
    assert [m["text"] for m in slack.thread("#support", ts)] == ["Hello", "Hi"]
    assert slack.messages(SUPPORT) == slack.messages("#support")
