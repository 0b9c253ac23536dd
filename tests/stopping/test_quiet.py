"""What is paused does nothing by itself, in every flow, until somebody resumes it; what people ask
for by a command works."""

from typing import Any

import pytest

from flows.control import control
from flows.ingest import ingest
from flows.memory import memory
from shared.actions.github.actions import Comment
from shared.actions.slack.actions import Reply
from shared.actions.timers import SetTimer
from shared.agent import Agent, flow
from shared.agent.flow import Flow
from shared.agent.timers import Timers
from shared.database import Row, Statement
from shared.events import Actor, Event, Issue, ResponseUrl, SlackMessage, Thread
from shared.memory.control.following import SQL as FOLLOWING
from shared.testing import FlowRunner
from tests.events.made import an_event

PAUSE = an_event(id="github:p", type="github.command.pause", text="", received_at=1_000.0)
RESUME = PAUSE._replace(id="github:r", type="github.command.resume", received_at=3_000.0)
OPENED = an_event(id="github:o", received_at=2_000.0)
STRANGER = Actor("66", "mallory", role="none")


@flow(
    "github.issues.opened",
    "github.pull_request.synchronize",
    "github.issue_comment.created",
    "github.command.triage",
    "schedule.digest",
    "timer.remind",
    may=[Comment.at_most(1), SetTimer.at_most(1)],
)
def works(event: Event, agent: Agent) -> None:
    if event.type == "github.issue_comment.created":
        agent.desk(Timers).at(event.received_at + 5, "timer.remind")
    else:
        agent.act(Comment(Issue("acme/shop", 7), f"for {event.type}"))


@flow("slack.app_mention", "slack.message.im", "slack.message.channels", may=[Reply.at_most(1)])
def chats(event: Event, agent: Agent) -> None:
    agent.act(Reply(event.thread, "Hello."))


def rows(it: FlowRunner, sql: str, tenant: str = "github:acme") -> list[Row]:
    return it.database.run(tenant, [Statement(sql, {})])[0]


def said(it: FlowRunner) -> list[str]:
    return [str(getattr(one, "body", getattr(one, "text", ""))) for one in it.platform.done]


def did(it: FlowRunner, event: Event, of: Flow = works) -> int:
    """Deliver an event; return how many acts came of it."""
    before = len(it.platform.done)
    assert it.deliver(of, event) == []
    return len(it.platform.done) - before


@pytest.mark.parametrize("kind", ["github.issues.opened", "github.pull_request.synchronize"])
def test_what_comes_by_itself_is_silent_until_it_is_resumed(runner: FlowRunner, kind: str) -> None:
    assert did(runner, PAUSE, control) == 1
    assert said(runner) == ["⏸ I do nothing by myself here until `resume`. Commands still work."]
    event = OPENED._replace(type=kind)
    assert did(runner, event) == 0
    [run] = rows(runner, "select state, reason from runs where flow = 'works'")
    assert run == {"state": "done", "reason": "people paused me here"}
    assert did(runner, RESUME, control) == 1
    assert said(runner)[-1] == "▶ I act by myself again."
    assert did(runner, event) == 0  # it is over, and does not come back
    assert did(runner, event._replace(id="github:later")) == 1


def test_commands_still_work(runner: FlowRunner) -> None:
    did(runner, PAUSE, control)
    assert did(runner, OPENED._replace(type="github.command.triage")) == 1
    assert did(runner, OPENED._replace(id="h", type="github.command.help", text=""), memory) == 1
    assert did(runner, OPENED._replace(id="c", type="github.command.cancel", text=""), control) == 1


def test_a_timer_that_was_set_before_is_silent(runner: FlowRunner) -> None:
    did(runner, OPENED._replace(type="github.issue_comment.created", received_at=500.0))
    did(runner, PAUSE, control)
    runner.fire(works)
    assert len(runner.platform.done) == 1
    assert rows(runner, "select state from runs where reason <> ''") == [{"state": "cancelled"}]


def test_elsewhere_everything_goes_on(runner: FlowRunner) -> None:
    did(runner, PAUSE, control)
    other = OPENED._replace(
        id="1", conversation="github:acme/shop#8", issue_target=Issue("acme/shop", 8)
    )
    longer = OPENED._replace(
        id="2", conversation="github:acme/shop#77", issue_target=Issue("acme/shop", 77)
    )
    tenant = OPENED._replace(id="3", tenant="github:other")
    assert [did(runner, event) for event in (other, longer, tenant)] == [1, 1, 1]


def test_what_nobody_sees_goes_on(runner: FlowRunner) -> None:
    did(runner, PAUSE, control)
    comment = OPENED._replace(
        type="github.issue_comment.created", text="It is red.", payload={"comment": {"id": 5}}
    )
    assert runner.deliver(ingest, comment) == []
    assert rows(runner, "select text from memories") == [{"text": "It is red."}]


def test_what_runs_is_stopped_and_what_waits_does_not_begin(runner: FlowRunner) -> None:
    @flow("github.issues.opened", may=[Comment.at_most(2)])
    def long(event: Event, agent: Agent) -> None:
        agent.act(Comment(event.issue, "one"))
        did(runner, PAUSE, control)
        agent.act(Comment(event.issue, "two"))

    assert runner.deliver(long, OPENED._replace(received_at=500.0)) == []
    assert "Stopping long" in said(runner)[1]
    assert "two" not in said(runner)
    waiting = OPENED._replace(id="w", received_at=600.0)
    assert did(runner, waiting) == 0


def test_twice_is_once_and_resume_says_if_nothing_was_paused(runner: FlowRunner) -> None:
    assert did(runner, RESUME, control) == 1
    assert said(runner) == ["Nothing is paused here."]
    did(runner, PAUSE, control)
    did(runner, PAUSE._replace(id="again"), control)
    assert said(runner)[-1].startswith("⏸ Still paused: ")
    did(runner, PAUSE, control)
    assert len(said(runner)) == 3
    assert len(rows(runner, "select place from quiet_places")) == 1


def test_who_may_not_write_pauses_and_resumes_nothing(runner: FlowRunner) -> None:
    did(runner, PAUSE._replace(actor=STRANGER), control)
    assert rows(runner, "select place from quiet_places") == []
    did(runner, PAUSE._replace(id="q"), control)
    did(runner, RESUME._replace(actor=STRANGER), control)
    assert len(rows(runner, "select place from quiet_places")) == 1


@pytest.mark.parametrize("dies_at", [1, 2])
def test_a_crash_and_the_retry_pause_once(runner: FlowRunner, dies_at: int) -> None:
    runner.dies(at=1)
    with pytest.raises(KeyboardInterrupt):
        runner.run(control, PAUSE)
    for _ in range(dies_at):
        runner.run(control, PAUSE)
    assert len(rows(runner, "select place from quiet_places")) == len(runner.platform.done) == 1


# Slack


def in_slack(ts: str, root: str = "", channel: str = "C1", **changes: Any) -> Event:
    """A message in a thread, or in the channel itself."""
    event = an_event(
        id=f"slack:{channel}:{ts}",
        type="slack.message.im" if channel.startswith("D") else "slack.app_mention",
        source="slack",
        tenant="slack:T1",
        conversation=f"slack:T1:{channel}:{root or ts}",
        audience=f"channel:{channel}",
        text="hello",
        issue_target=None,
        thread_target=Thread("T1", channel, root or ts),
        message_target=SlackMessage("T1", channel, ts),
        received_at=float(ts),
    )
    return event._replace(**changes)


def told(event: Event, name: str) -> Event:
    return event._replace(id=f"{event.id}:{name}", type=f"slack.command.{name}", text="")


@pytest.mark.parametrize(
    ("paused", "heard"),
    [
        (in_slack("2.1", "1.1"), {"other thread", "channel", "other channel"}),
        (in_slack("2.1"), {"other channel"}),
        (in_slack("2.1", channel="D1"), {"thread", "other thread", "channel", "other channel"}),
    ],
)
def test_a_thread_or_a_whole_channel_is_quiet(
    runner: FlowRunner, paused: Event, heard: set[str]
) -> None:
    events = {
        "thread": in_slack("5.1", "1.1"),
        "other thread": in_slack("5.2", "3.1"),
        "channel": in_slack("5.3"),
        "other channel": in_slack("5.4", channel="C11"),
    }
    if paused.thread.channel == "D1":
        assert did(runner, in_slack("5.5", channel="D1"), chats) == 1
    did(runner, told(paused, "pause"), control)
    if paused.thread.channel == "D1":
        assert did(runner, in_slack("5.6", channel="D1"), chats) == 0
    assert {name for name, event in events.items() if did(runner, event, chats)} == heard
    did(runner, told(paused._replace(received_at=9.0), "resume"), control)
    again = [event._replace(id=f"{event.id}!") for event in events.values()]
    assert [did(runner, event, chats) for event in again] == [1, 1, 1, 1]


def test_a_thread_says_that_its_channel_is_paused(runner: FlowRunner) -> None:
    thread, channel = in_slack("2.1", "1.1"), in_slack("3.1")
    did(runner, told(thread, "pause"), control)
    did(runner, told(channel, "pause"), control)
    for _ in range(2):
        thread = thread._replace(id=f"{thread.id}!", received_at=9.0)
        did(runner, told(thread, "resume"), control)
        assert said(runner)[-1].startswith("⏸ The whole channel is paused")
    did(runner, told(channel._replace(received_at=9.0), "resume"), control)
    assert said(runner)[-1] == "▶ I act by myself again."
    did(runner, told(thread._replace(id="last"), "resume"), control)
    assert said(runner)[-1] == "Nothing is paused here."


def test_a_slash_command_pauses_the_channel(runner: FlowRunner) -> None:
    response = ResponseUrl("T1", "C1", "https://hooks.slack.com/commands/T1/1/x")
    slash = in_slack("2.1", thread_target=None, message_target=None, response_target=response)
    slash = told(slash._replace(conversation="slack:T1:C1"), "pause")
    assert did(runner, slash, control) == 1
    assert did(runner, in_slack("5.3"), chats) == 0


# What becomes of it


def test_it_follows_a_repository_to_its_new_name(runner: FlowRunner) -> None:
    did(runner, PAUSE, control)
    values = {"tenant": "github:acme", "place": "github:acme/shop", "became": "github:acme/store"}
    runner.database.run("github:acme", [Statement(FOLLOWING["move_quiet"], values)])
    assert rows(runner, "select place from quiet_places") == [{"place": "github:acme/store#7"}]


def test_it_holds_when_people_have_the_place_forgotten(runner: FlowRunner) -> None:
    did(runner, PAUSE, control)
    wish = OPENED._replace(id="f", type="github.command.forget", text="source:github:acme/shop")
    assert did(runner, wish, memory) == 1
    assert did(runner, OPENED._replace(id="later")) == 0
    assert len(rows(runner, "select place from quiet_places")) == 1


def test_a_claim_costs_no_round_trip_more(
    runner: FlowRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    real = type(runner.database).run

    def counted(self: Any, *arguments: Any) -> Any:
        turns.append(1)
        return real(self, *arguments)

    did(runner, PAUSE, control)
    monkeypatch.setattr(type(runner.database), "run", counted)
    did(runner, OPENED)
    assert len(turns) == 2  # its claim, and its end
