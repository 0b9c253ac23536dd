"""The status under a thread, and the session of the agent, are true at every moment and every
end."""

import threading
from collections.abc import Iterator

import pytest
from slack_sdk import WebClient

from flows.control import control
from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, DM, SUPPORT
from shared.actions.slack.actions import Reply
from shared.agent import Agent, flow
from shared.errors import ModelRejected, ModelUnavailable
from shared.events import Event
from tests.actions.slack.chat_runner import ChatRunner, Json
from tests.models.scripted_server import Says
from tests.stopping.test_in_slack import button, wrote
from tests.waiting import wait_for

ANSWER = "We deploy on Tuesdays, at ten, and Ada has the key."


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def ask(runner: ChatRunner, place: str) -> Event:
    return runner.asked_directly() if place == DM else runner.asked()


def session(runner: ChatRunner, event: Event) -> str:
    return runner.slack.session(event.thread.channel, event.thread.ts)


def status(runner: ChatRunner, event: Event) -> str:
    found = runner.slack.status(event.thread.channel, event.thread.ts)
    return str(found.get("status", ""))


@pytest.mark.parametrize("place", [DM, SUPPORT])
def test_it_thinks_until_it_answers(runner: ChatRunner, place: str) -> None:
    runner.model.says(Says(ANSWER, pause=0.05))
    event = ask(runner, place)
    working = threading.Thread(target=runner.deliver, args=(event,))
    working.start()
    wait_for(lambda: session(runner, event) == "processing")
    working.join()
    assert (status(runner, event), session(runner, event)) == ("", "active")
    [shown] = runner.slack.calls("assistant.threads.setStatus")
    assert shown["status"] == "is thinking…"
    assert 1 <= len(shown["loading_messages"]) <= 10
    titles = [call.get("title") for call in runner.slack.calls("agents.sessions.setStatus")]
    assert titles[0] == "What do we know?"
    assert runner.said(event) == [ANSWER]


def test_the_status_is_the_first_sign(runner: ChatRunner) -> None:
    event = runner.asked_directly()
    assert runner.deliver(event)
    acts = [one for one in runner.slack.called if one.startswith(("chat.", "reac", "assis"))]
    assert acts[0] == "assistant.threads.setStatus"


ends: list[BaseException] = []


@flow("slack.app_mention", "slack.message.im", may=[Reply.at_most(1)])
def ending(event: Event, agent: Agent) -> None:
    if ends:
        raise ends.pop()


@pytest.mark.parametrize("place", [DM, SUPPORT])
@pytest.mark.parametrize("how", ["silent", "failed", "died", "outage"])
def test_it_is_cleared_at_every_end(runner: ChatRunner, place: str, how: str) -> None:
    errors: dict[str, list[BaseException]] = {
        "silent": [],
        "failed": [ModelRejected("no")],
        "died": [RuntimeError(), RuntimeError(), RuntimeError()],
        "outage": [ModelUnavailable("the model is away")],
    }
    ends[:] = errors[how]
    event = ask(runner, place)
    while not runner.deliver(event, ending) and ends:
        assert session(runner, event) == "processing"  # it is tried again soon
    waits = how == "outage"
    expected = ("is waiting…", "suspended") if waits else ("", "active")
    assert (status(runner, event), session(runner, event)) == expected
    if waits:
        runner.recorded("update runs set due_at = now() returning id")
        assert runner.deliver(event, ending, receives=2)
        assert (status(runner, event), session(runner, event)) == ("", "active")


@pytest.mark.parametrize("place", [DM, SUPPORT])
def test_a_stop_by_slacks_button_ends_it(runner: ChatRunner, place: str) -> None:
    event = ask(runner, place)._replace(received_at=1.0)
    runner.model.says(Says(ANSWER, pause=0.1))
    working = threading.Thread(target=runner.deliver, args=(event,))
    working.start()
    wait_for(lambda: runner.said(event))
    runner.slack.stop_agent(place, event.thread.ts)
    stop = button(event.thread.ts, place)
    assert runner.deliver(stop, control)
    assert session(runner, event) == "active"
    wait_for(lambda: any("⏹ Stopped by" in text for text in runner.said(event)))
    working.join()
    assert (status(runner, event), session(runner, event)) == ("", "active")
    assert not runner.is_growing(event)


def test_the_button_heals_a_session_that_a_crash_left(runner: ChatRunner) -> None:
    event = runner.asked_directly()
    client = WebClient(SlackSandbox.bot_token, base_url=runner.slack.api_url)
    about = {"channel_id": DM, "thread_ts": event.thread.ts}
    client.agents_sessions_setStatus(status="processing", **about)
    assert runner.deliver(button(event.thread.ts, DM), control)
    assert session(runner, event) == "active"
    assert runner.said(event) == []


def test_a_parked_run_that_is_stopped_is_over(runner: ChatRunner) -> None:
    ends[:] = [ModelUnavailable("the model is away")]
    event = runner.asked()._replace(received_at=1.0)
    runner.deliver(event, ending)
    assert session(runner, event) == "suspended"
    assert runner.deliver(wrote("stop", event.thread.ts), control)
    assert (status(runner, event), session(runner, event)) == ("", "active")


def test_an_app_that_is_no_agent_is_asked_once(runner: ChatRunner) -> None:
    runner.slack.workspace.is_agent = False
    event = runner.asked_directly()
    assert runner.deliver(event)
    assert len(runner.slack.calls("agents.sessions.setStatus")) == 1
    assert len(runner.slack.calls("assistant.threads.setStatus")) == 1
    assert runner.said(event) == ["ok"]


@pytest.mark.parametrize("fault", [{"status": 429}, {"status": 500}, {}, {"error": "invalid_auth"}])
def test_a_status_that_fails_fails_nothing(runner: ChatRunner, fault: Json) -> None:
    for method in ("assistant.threads.setStatus", "agents.sessions.setStatus"):
        runner.slack.fail_next(method, times=9, **fault)
    event = runner.asked_directly()
    assert runner.deliver(event)
    assert runner.said(event) == ["ok"]


def test_what_does_not_speak_to_it_shows_nothing(runner: ChatRunner) -> None:
    event = runner.asked()._replace(type="slack.message.channels")
    assert runner.deliver(event)
    assert runner.deliver(wrote(f"<@{BOT_USER}> stop", event.thread.ts, ALICE), control)
    assert runner.slack.calls("assistant.threads.setStatus") == []
    assert session(runner, event) == ""
