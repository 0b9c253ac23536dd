"""Retry under a failed answer: the event comes once more, for the flow that failed, once."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from flows.control import control
from infra.local.sandbox.slack.workspace import ALICE, BOB, OTHER_TEAM, STRANGER, TEAM
from shared.actions.slack.actions import React, Reply
from shared.agent import Agent, flow
from shared.aws.bus import Bus
from shared.errors import ModelRejected, NotPermitted
from shared.events import Event
from shared.perception import slack
from shared.stopping.retrying import ONLY_FOR
from tests.actions.slack.chat_runner import ChatRunner
from tests.models.scripted_server import Fails, Says


class Published:
    """A bus that keeps what it took."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def publish(self, event: Event, again: str = "") -> None:
        if event.id not in {one.id for one in self.events}:
            self.events.append(Event.from_json(event.to_json()))


@pytest.fixture
def bus() -> Published:
    return Published()


@pytest.fixture
def runner(database_url: str, bus: Published) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        runner.services = {Bus: lambda: bus}
        yield runner


def press(runner: ChatRunner, event: Event, user: str = ALICE, *, run: str = "") -> Event:
    """What Slack sends when somebody presses Retry under the notice of a run, the last one."""
    notice = next(one for one in reversed(runner.thread(event)) if run in str(one))
    (button,) = notice["blocks"][-1]["elements"]
    url = runner.slack._url(runner.slack._responses.invite(event.channel, user, notice["ts"]))
    body: dict[str, Any] = {
        "type": "block_actions",
        "team": {"id": TEAM},
        "user": {"id": user, "name": user, "team_id": OTHER_TEAM if user == STRANGER else TEAM},
        "channel": {"id": event.channel, "name": "support"},
        "container": {"message_ts": notice["ts"], "channel_id": event.channel},
        "message": notice,
        "actions": [{"type": "button", "action_id": "retry", "value": button["value"]}],
        "response_url": url,
        "trigger_id": secrets.token_hex(8),
    }
    tenants = {f"slack:{TEAM}": "github:acme"}
    return slack.to_event(json.dumps(body).encode(), {}, tenants, 2_000_000_000.0)


def whispers(runner: ChatRunner, event: Event) -> list[str]:
    rows = runner.slack.workspace.whispers(event.channel)
    return [row["blocks"][0]["text"] for row in rows]


@pytest.mark.parametrize("direct", [False, True])
def test_a_press_tries_it_again_once(runner: ChatRunner, bus: Published, direct: bool) -> None:
    event = runner.asked_directly() if direct else runner.asked()
    runner.model.says(Fails(401), Says("On Tuesdays."))
    assert runner.deliver(event)
    [(run,)] = runner.recorded("select id from runs where flow = 'chat'")
    assert f"Run `{run}`" in runner.said(event)[-1]
    pressed = press(runner, event)
    assert (pressed.type, pressed.text) == ("slack.retry", run)
    for one in (pressed, press(runner, event), pressed):
        assert runner.deliver(one, control)
    (again,) = bus.events
    assert (again.type, again.payload[ONLY_FOR], again.text) == (event.type, "chat", event.text)
    for _ in range(2):
        assert runner.deliver(again)
    assert runner.said(event)[-1] == "On Tuesdays."
    assert [text for text in runner.said(event) if "Tuesdays" in text] == ["On Tuesdays."]
    assert runner.deliver(press(runner, event, run=run), control)
    assert whispers(runner, event) == [
        "I try it again.",
        "I try it again.",
        "It was tried again already.",
    ]


def test_who_may_press_it(runner: ChatRunner, bus: Published) -> None:
    event = runner.asked()
    runner.model.says(Fails(401))
    assert runner.deliver(event)
    assert runner.deliver(press(runner, event, STRANGER), control)
    assert bus.events == []
    assert runner.deliver(press(runner, event, BOB), control)
    assert len(bus.events) == 1
    told = whispers(runner, event)
    assert told[0].startswith("Only who asked, or somebody with write permission")


def test_a_stale_press_is_answered_in_a_line(runner: ChatRunner, bus: Published) -> None:
    event = runner.asked()
    runner.model.says(Fails(401))
    assert runner.deliver(event)
    pressed = press(runner, event)
    runner.recorded("delete from runs returning id")
    assert runner.deliver(pressed, control)
    assert bus.events == []
    (line,) = whispers(runner, event)
    assert "Please ask again." in line


def test_another_flow_leaves_it_alone(runner: ChatRunner, bus: Published) -> None:
    event = runner.asked()
    runner.model.says(Fails(401))
    assert runner.deliver(event)
    assert runner.deliver(press(runner, event), control)
    assert runner.deliver(bus.events[0], other)
    assert runner.recorded("select 1 from runs where flow = 'other'") == []


@flow("slack.app_mention", may=[Reply.at_most(1)])
def other(event: Event, agent: Agent) -> None:
    agent.act(Reply(event.thread, "Hello"))


@flow("slack.app_mention", may=[React.at_most(1), Reply.at_most(2)])
def failing_halfway(event: Event, agent: Agent) -> None:
    agent.act(React(event.message, "eyes"))
    if "twice" in event.text:
        agent.act(Reply(event.thread, "The first half."))
    raise ModelRejected("no")


@pytest.mark.parametrize(("text", "offered"), [("once", True), ("twice", False)])
def test_what_would_be_done_twice_is_not_offered_again(
    runner: ChatRunner, text: str, offered: bool
) -> None:
    event = runner.asked(text)
    assert runner.deliver(event, failing_halfway)
    message = runner.thread(event)[-1]
    assert "Run `" in str(message["blocks"])
    assert any(block["type"] == "actions" for block in message["blocks"]) is offered


errors: list[Exception] = []


@flow("slack.app_mention", may=[Reply.at_most(1)])
def failing(event: Event, agent: Agent) -> None:
    raise errors[-1]


@pytest.mark.parametrize(
    ("error", "offered"), [(ModelRejected("no"), True), (NotPermitted("no"), False)]
)
def test_the_button_stands_where_it_makes_sense(
    runner: ChatRunner, error: Exception, offered: bool
) -> None:
    errors.append(error)
    event = runner.asked()
    assert runner.deliver(event, failing)
    (message,) = runner.thread(event)
    assert any(block["type"] == "actions" for block in message["blocks"]) is offered
