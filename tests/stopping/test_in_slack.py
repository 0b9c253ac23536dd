"""Stops in Slack: words, an emoji, Slack's own button; a growing answer ends with one line."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from flows.control import control
from infra.local.sandbox.slack.workspace import ALICE, BOB, BOT_USER, SUPPORT, TEAM
from shared.events import Event
from shared.perception import slack
from tests.actions.slack.chat_runner import ChatRunner
from tests.models.scripted_server import Says
from tests.waiting import wait_for

LATER = 2_000_000_000.0


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def envelope(**event: Any) -> Event:
    """The event that Slack makes of it, in the tenant of the runner's questions."""
    row = {"team_id": TEAM, "user_id": BOT_USER, "is_bot": True}
    body: dict[str, Any] = {"type": "event_callback", "team_id": TEAM, "authorizations": [row]}
    body |= {"event_id": f"Ev{abs(hash(json.dumps(event)))}", "is_ext_shared_channel": False}
    body["event"] = {"channel_type": "channel", "team": TEAM, "event_ts": "2.0"} | event
    tenants = {f"slack:{TEAM}": "github:acme"}
    return slack.to_event(json.dumps(body).encode(), {}, tenants, LATER)


def reacted(ts: str, emoji: str = "x", owner: str = BOT_USER, user: str = ALICE) -> Event:
    item = {"type": "message", "channel": SUPPORT, "ts": ts}
    return envelope(type="reaction_added", user=user, reaction=emoji, item=item, item_user=owner)


def wrote(text: str, thread: str = "", user: str = ALICE, ts: str = "1999999999.000100") -> Event:
    more = {"thread_ts": thread} if thread else {}
    return envelope(type="message", channel=SUPPORT, user=user, text=text, ts=ts, **more)


def button(thread: str, channel: str = SUPPORT) -> Event:
    kind = "agent_session_stopped"
    return envelope(
        type=kind, channel=channel, user=ALICE, thread_ts=thread, streaming_message_ts=[]
    )


def test_what_is_a_stop() -> None:
    thread = "1782234671.392669"
    for event in (
        reacted("1.1"),
        reacted("1.1", "octagonal_sign"),
        reacted("1.1", owner=ALICE),
        wrote("stop", thread),
        wrote("Please stop it now!", thread),
        wrote("cancel that", thread),
        button(thread),
    ):
        assert (event.type, event.stops, event.group) == ("slack.stop", True, event.id), event.text
    for text in ("stop", "/stop", "/cancel", "please stop", "cancel"):
        assert wrote(f"<@{BOT_USER}> {text}", thread).type == "slack.command.cancel"
    for event in (
        reacted("1.1", "eyes"),
        reacted("1.1", owner=BOB),
        wrote("stop"),
        wrote("stop the build on main", thread),
        wrote("stop?", thread),
        wrote("how do we stop it", thread),
    ):
        assert not event.stops, event.text
        assert event.group == event.conversation


@pytest.mark.parametrize("way", ["emoji", "own emoji", "word", "button", "mention", "top level"])
def test_a_growing_answer_ends_with_one_line(runner: ChatRunner, way: str) -> None:
    event = runner.asked()._replace(received_at=1.0)
    runner.model.says(Says("We deploy on Tuesdays, and Ada has the key.", pause=0.1))
    working = threading.Thread(target=runner.deliver, args=(event,))
    working.start()
    (draft,) = wait_for(lambda: runner.slack.thread(SUPPORT, event.thread.ts)[1:])
    stop = {
        "emoji": lambda: reacted(draft["ts"]),
        "own emoji": lambda: reacted(event.thread.ts, owner=ALICE),
        "word": lambda: wrote("stop", event.thread.ts),
        "button": lambda: button(event.thread.ts),
        "mention": lambda: wrote(f"<@{BOT_USER}> stop", event.thread.ts),
        "top level": lambda: wrote(f"<@{BOT_USER}> stop"),
    }[way]()
    assert runner.deliver(stop, control)
    working.join()
    shown = runner.replies(event)
    (answer,) = [text for text in shown if text.startswith("We")]
    assert answer.endswith("\n\n⏹ Stopped by U0ALICE.")
    assert " …" not in answer
    found = runner.recorded("select state, reason from runs where flow = 'chat'")
    assert found == [("cancelled", "Stopped by U0ALICE.")]
    assert runner.recorded("select 1 from turns where role = 'assistant'") == []
    paid = runner.recorded("select output_tokens from steps where name = 'converse'")
    assert paid == [(5,)]


def test_outside_of_threads_others_work_goes_on(runner: ChatRunner) -> None:
    event = runner.asked()._replace(received_at=1.0)
    assert runner.deliver(wrote(f"<@{BOT_USER}> stop", user=BOB), control)
    assert runner.deliver(event)
    assert runner.replies(event) == ["ok"]
    assert runner.recorded("select state from runs where flow = 'chat'") == [("done",)]


def test_a_strangers_sign_stops_nothing_and_is_not_answered(runner: ChatRunner) -> None:
    event = runner.asked()._replace(received_at=1.0)
    runner.model.says(Says("We deploy on Tuesdays, and Ada has the key.", pause=0.1))
    working = threading.Thread(target=runner.deliver, args=(event,))
    working.start()
    (draft,) = wait_for(lambda: runner.slack.thread(SUPPORT, event.thread.ts)[1:])
    assert runner.deliver(reacted(draft["ts"], user="U0NOBODY"), control)
    working.join()
    assert runner.replies(event) == ["We deploy on Tuesdays, and Ada has the key."]


def test_a_sign_that_stops_nothing_is_not_answered(runner: ChatRunner) -> None:
    event = runner.asked()._replace(received_at=1.0)
    assert runner.deliver(event)
    calls = len(runner.slack.calls("chat.postMessage")) + len(runner.slack.calls("reactions.add"))
    for stop in (reacted(event.thread.ts, owner=ALICE), wrote("stop", event.thread.ts)):
        assert runner.deliver(stop, control)
    after = len(runner.slack.calls("chat.postMessage")) + len(runner.slack.calls("reactions.add"))
    assert after == calls
