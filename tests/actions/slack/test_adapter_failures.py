"""What the Slack adapter makes of refusals, silences and garbled answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

import pytest

from infra.local.sandbox.slack.workspace import GENERAL, TEAM
from shared.actions.slack.actions import React, Reply
from shared.errors import (
    ActionRejected,
    ActionUnavailable,
    EffectUnknown,
    SettingsError,
)
from shared.events import SlackMessage, Thread
from tests.actions.slack.sandbox_thread import MARK, SandboxThread, connect
from tests.waiting import PATIENCE


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("invalid_auth", "SLACK_BOT_TOKEN"),
        ("token_revoked", "SLACK_BOT_TOKEN"),
        ("not_in_channel", "/invite"),
        ("channel_not_found", "/invite"),
        ("is_archived", "unarchive the channel"),
        ("missing_scope", "add the scope channels:history"),
        ("no_text", "give the reply a text"),
        ("ekm_access_denied", "docs.slack.dev"),
    ],
)
def test_a_refusal_says_what_to_do(target: SandboxThread, error: str, advice: str) -> None:
    target.slack.fail_next("chat.postMessage", error)
    with pytest.raises(ActionRejected) as caught:
        target.adapter.perform(Reply(target.thread, "a secret"), MARK, None)
    assert f"could not post to {target.thread.ref}: {error}; " in str(caught.value)
    assert advice in str(caught.value)
    assert "a secret" not in str(caught.value)
    assert target.slack.bot_token not in str(caught.value)


def test_an_empty_reply_is_refused(target: SandboxThread) -> None:
    with pytest.raises(ActionRejected, match="no_text; give the reply a text"):
        target.adapter.perform(Reply(target.thread, " \n"), MARK, None)


def test_a_refused_reaction_says_what_to_do(target: SandboxThread) -> None:
    with pytest.raises(ActionRejected, match="invalid_name; use the name of an emoji"):
        target.adapter.perform(React(target.message, "No!"), MARK, None)


def test_a_reaction_to_what_was_deleted_meanwhile_is_no_failure(
    target: SandboxThread, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer goes on, and the log says why there is no emoji."""
    target.adapter.perform(React(SlackMessage(TEAM, GENERAL, "1.1"), "eyes"), MARK, None)
    assert "message_not_found; the message was deleted" in capsys.readouterr().out


def test_what_slack_will_not_show_cannot_be_told(target: SandboxThread) -> None:
    target.slack.fail_next("conversations.replies", "missing_scope")
    with pytest.raises(EffectUnknown, match="add the scope channels:history"):
        target.adapter.find(Reply(target.thread, "Hello"), MARK)


@pytest.mark.parametrize(
    ("fault", "sent", "retry_after"),
    [
        ({"status": 429, "retry_after": 7}, False, 7.0),
        ({"error": "ratelimited"}, False, None),
        ({"error": "rate_limited"}, False, None),
        ({"error": "request_timeout"}, False, None),
        ({"error": "internal_error"}, True, None),
        ({"error": "fatal_error"}, True, None),
        ({"error": "service_unavailable"}, True, None),
        ({"status": 500}, True, None),
        ({"status": 503}, True, None),
        ({"status": 502, "after": True}, True, None),
        ({}, True, None),
        ({"after": True}, True, None),
    ],
)
def test_what_passes_can_be_tried_again(
    target: SandboxThread, fault: dict[str, object], sent: bool, retry_after: float | None
) -> None:
    target.slack.fail_next("chat.postMessage", **fault)  # type: ignore[arg-type]
    with pytest.raises(ActionUnavailable) as caught:
        target.adapter.perform(Reply(target.thread, "Hello"), MARK, None)
    assert (caught.value.sent, caught.value.retry_after) == (sent, retry_after)
    found = target.adapter.find(Reply(target.thread, "Hello"), MARK)
    assert (found is not None) == bool(fault.get("after"))


def test_an_answer_that_is_not_slacks_is_named(target: SandboxThread) -> None:
    target.slack.fail_next("chat.postMessage", status=404)
    with pytest.raises(ActionRejected, match="HTTP 404; check SLACK_API_URL"):
        target.adapter.perform(Reply(target.thread, "Hello"), MARK, None)


def test_a_late_answer_leaves_open_what_happened(target: SandboxThread) -> None:
    target.slack.slow_next("chat.postMessage", 30)
    reply = Reply(target.thread, "Hello")
    hasty = connect(target.slack.api_url, timeout=1)
    with pytest.raises(ActionUnavailable, match="TimeoutError; no answer") as caught:
        hasty.perform(reply, MARK, None)
    assert caught.value.sent
    assert target.adapter.find(reply, MARK) is not None


def test_a_lookup_that_fails_sent_nothing(target: SandboxThread) -> None:
    target.slack.fail_next("conversations.replies")
    with pytest.raises(ActionUnavailable) as caught:
        target.adapter.find(Reply(target.thread, "Hello"), MARK)
    assert not caught.value.sent


def test_a_server_that_is_away_got_nothing() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    away = connect(f"http://127.0.0.1:{port}/api/")
    with pytest.raises(ActionUnavailable, match="ConnectionRefusedError; no connection") as caught:
        away.perform(Reply(Thread(TEAM, GENERAL, "1.1"), "Hello"), MARK, None)
    assert not caught.value.sent


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"ok": tr',
        b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>Hi</html>",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n\xff\xfe",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"SSH-2.0-OpenSSH\r\n",
    ],
)
def test_a_garbled_answer_leaves_open_what_happened(answer: bytes) -> None:
    with _answering(answer) as (url, _), pytest.raises(ActionUnavailable) as caught:
        connect(url).perform(Reply(Thread(TEAM, GENERAL, "1.1"), "Hello"), MARK, None)
    assert caught.value.sent
    assert "html" not in str(caught.value)


def test_an_answer_that_stops_in_the_middle_leaves_no_connection_open() -> None:
    begun = b'HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{"ok": tr'
    with _answering(begun, then_silent=True) as (url, closed):
        with pytest.raises(ActionUnavailable, match="TimeoutError; no answer") as caught:
            hasty = connect(url, timeout=1)
            hasty.perform(Reply(Thread(TEAM, GENERAL, "1.1"), "Hello"), MARK, None)
        assert closed.wait(PATIENCE)
    assert caught.value.sent  # the error and its traceback were there all the time


def test_a_missing_token_is_named() -> None:
    with pytest.raises(SettingsError, match="SLACK_BOT_TOKEN"):
        connect("http://127.0.0.1:9/api/", token="")


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match="SLACK_API_URL is 'slack'"):
        connect("slack")


@contextmanager
def _answering(
    answer: bytes, *, then_silent: bool = False
) -> Iterator[tuple[str, threading.Event]]:
    """A server that says `answer` to one request, whatever it is, and then nothing, or that this
    was all. The event tells that the client closed the connection."""
    closed = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.settimeout(6)
                connection.recv(65536)
                connection.sendall(answer)
                if not then_silent:
                    connection.shutdown(socket.SHUT_WR)
                with suppress(TimeoutError):
                    while connection.recv(65536):
                        pass
                    closed.set()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/api/", closed
        thread.join()
