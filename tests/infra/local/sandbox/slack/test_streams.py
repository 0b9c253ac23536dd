"""Streams, statuses and sessions in the sandbox Slack, as slack_sdk's client meets them."""

from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk import WebClient

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, BOB, DM, GENERAL, TEAM
from tests.infra.local.sandbox.slack.test_sandbox import connect, refusal

Arguments = dict[str, Any]
TO: Arguments = {"recipient_team_id": TEAM, "recipient_user_id": ALICE}


@pytest.fixture
def slack() -> Iterator[SlackSandbox]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as slack:
        yield slack


@pytest.fixture
def client(slack: SlackSandbox) -> WebClient:
    return connect(slack)


def test_slack_ends_a_stream_after_five_minutes_whatever_comes(
    slack: SlackSandbox, client: WebClient
) -> None:
    root = slack.say(DM, "explain")
    ts = client.chat_startStream(channel=DM, thread_ts=root, markdown_text="one")["ts"]
    about: Arguments = {"channel": DM, "ts": ts}
    assert refusal(client.chat_update, **about, text="x") == "streaming_state_conflict"
    slack.pass_time(290)
    client.chat_appendStream(**about, markdown_text=", two")
    slack.pass_time(11)
    over = "message_not_in_streaming_state"
    assert refusal(client.chat_appendStream, **about, markdown_text="x") == over
    assert refusal(client.chat_stopStream, **about) == over
    assert slack.seen(DM, root) == ["one, two"]
    client.chat_update(**about, text="three")
    assert slack.seen(DM, root) == ["three"]


def test_in_a_channel_one_person_sees_a_stream_grow(slack: SlackSandbox, client: WebClient) -> None:
    root = slack.say(GENERAL, "explain")
    start = client.chat_startStream(channel=GENERAL, thread_ts=root, markdown_text="one", **TO)
    about: Arguments = {"channel": GENERAL, "ts": start["ts"]}
    client.chat_appendStream(**about, markdown_text=", two")
    assert slack.seen(GENERAL, root, ALICE) == ["one, two"]
    assert slack.seen(GENERAL, root, BOB) == ["one"]
    client.chat_stopStream(**about)
    assert slack.seen(GENERAL, root, BOB) == ["one, two"]


def test_a_stream_takes_12_000_characters(slack: SlackSandbox, client: WebClient) -> None:
    root = slack.say(DM, "explain")
    ts = client.chat_startStream(channel=DM, thread_ts=root, markdown_text="a" * 11_999)["ts"]
    assert (
        refusal(client.chat_appendStream, channel=DM, ts=ts, markdown_text="bc") == "msg_too_long"
    )
    chunk = [{"type": "markdown_text", "text": "b"}]
    client.chat_stopStream(channel=DM, ts=ts, chunks=chunk)
    assert slack.seen(DM, root) == ["a" * 11_999 + "b"]
    wrong = [{"type": "song"}]
    assert refusal(client.chat_startStream, channel=DM, thread_ts=root, chunks=wrong) == (
        "invalid_chunks"
    )


def test_the_status_goes_when_the_app_replies_and_after_two_minutes(
    slack: SlackSandbox, client: WebClient
) -> None:
    root = slack.say(DM, "explain")
    about: Arguments = {"channel_id": DM, "thread_ts": root}
    status: Arguments = {"status": "is thinking", "loading_messages": ["Reading"]}
    for end in ("reply", "stream", "time", "empty"):
        client.assistant_threads_setStatus(**about, **status)
        shown = slack.status(DM, root)
        assert (shown["status"], shown["loading_messages"]) == ("is thinking", ["Reading"])
        if end == "reply":
            client.chat_postMessage(channel=DM, thread_ts=root, text="Well")
        elif end == "stream":
            client.chat_startStream(channel=DM, thread_ts=root, markdown_text="Well")
        elif end == "time":
            slack.pass_time(121)
        else:
            client.assistant_threads_setStatus(**about, status="")
        assert slack.status(DM, root) == {}, end
    put = client.assistant_threads_setStatus
    assert refusal(put, channel_id=DM, thread_ts="1.1", status="x") == "invalid_thread_ts"
    assert refusal(put, channel_id="C0NONE", thread_ts="1.1", status="x") == "channel_not_found"
    many = ["x"] * 11
    assert refusal(put, **about, status="x", loading_messages=many) == "invalid_arguments"


def test_a_session_is_of_an_agent_and_stays_as_it_is_set(
    slack: SlackSandbox, client: WebClient
) -> None:
    root = slack.say(DM, "explain")
    about: Arguments = {"channel_id": DM, "thread_ts": root}
    put, rename = client.agents_sessions_setStatus, client.agents_sessions_rename
    assert refusal(rename, **about, title="Deploys") == "session_not_found"
    assert put(**about, status="processing", title="Explain")["title"] == "Explain"
    assert put(**about, status="processing", title="Other")["title"] == "Explain"
    rename(**about, title="Deploys")
    assert refusal(put, **about, status="busy") == "invalid_arguments"
    ts = client.chat_startStream(channel=DM, thread_ts=root, markdown_text="one")["ts"]
    slack.stop_agent(DM, root)
    assert slack.session(DM, root) == "processing"
    append = client.chat_appendStream
    assert refusal(append, channel=DM, ts=ts, markdown_text="x") == "stopped_by_user"
    put(**about, status="active")
    assert slack.session(DM, root) == "active"
    slack.workspace.is_agent = False
    assert refusal(put, **about, status="active") == "not_authorized"
    assert refusal(rename, **about, title="x") == "not_authorized"


def test_stopping_a_stream_sets_the_session(slack: SlackSandbox, client: WebClient) -> None:
    for given, then in ((None, "active"), ("suspended", "suspended")):
        root = slack.say(DM, "explain")
        client.agents_sessions_setStatus(channel_id=DM, thread_ts=root, status="processing")
        ts = client.chat_startStream(channel=DM, thread_ts=root, markdown_text="one")["ts"]
        client.chat_stopStream(channel=DM, ts=ts, session_status=given)
        assert slack.session(DM, root) == then


def test_an_agents_prompts_stand_in_the_conversation(
    slack: SlackSandbox, client: WebClient
) -> None:
    root = slack.say(DM, "hello")
    prompts = [{"title": "Help", "message": "help"}]
    put = client.assistant_threads_setSuggestedPrompts
    put(channel_id=DM, thread_ts=root, prompts=prompts)  # silently nothing, for an agent
    assert slack.workspace.shown("prompts", DM) is None
    put(channel_id=DM, prompts=prompts, title="Try")
    assert slack.workspace.shown("prompts", DM) == {"title": "Try", "prompts": prompts}
    assert refusal(put, channel_id=DM, prompts=prompts * 5) == "invalid_arguments"
    client.assistant_threads_setTitle(channel_id=DM, thread_ts=root, title="Hello")
    assert slack.workspace.shown("titles", f"{DM}/{root}") == {"title": "Hello"}
