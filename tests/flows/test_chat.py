"""Chat: direct messages, mentions, and the threads that the agent is part of; nothing else."""

from typing import Any

import pytest

from flows.chat import chat
from shared.actions.slack.actions import React, Reply
from shared.events import Actor, Event, SlackMessage, Thread
from shared.testing import FlowRunner
from tests.events.made import an_event

ROOT = "1700000000.000100"


def said(text: str, kind: str = "app_mention", ts: str = ROOT, **changes: Any) -> Event:
    """What a person says in the thread of `ROOT`."""
    event = an_event(
        id=f"slack:T1:C1:{ts}",
        type=f"slack.{kind}",
        source="slack",
        conversation=f"slack:T1:C1:{ROOT}",
        actor=Actor("U1", "ada"),
        text=text,
        audience="team:T1",
        issue_target=None,
        thread_target=Thread("T1", "C1", ROOT),
        message_target=SlackMessage("T1", "C1", ts),
    )
    return event._replace(**changes)


def replies(runner: FlowRunner) -> list[str]:
    return [action.text for action in runner.platform.done if isinstance(action, Reply)]


def test_a_mention_is_seen_and_answered_in_its_thread(runner: FlowRunner) -> None:
    runner.deliver(chat, said("When do we deploy?"))
    seen, reply = runner.platform.done
    assert seen == React(SlackMessage("T1", "C1", ROOT), "eyes")
    assert isinstance(reply, Reply)
    assert reply.thread == Thread("T1", "C1", ROOT)
    assert "don't know" in reply.text


def test_a_follow_up_needs_no_mention_where_the_agent_has_spoken(runner: FlowRunner) -> None:
    runner.deliver(chat, said("We deploy on Tuesdays."))
    runner.deliver(chat, said("When do we deploy?", "message.channels", "1700000001.000100"))
    assert "Tuesdays" in replies(runner)[1]


def test_people_among_themselves_are_left_alone(runner: FlowRunner) -> None:
    assert runner.deliver(chat, said("Lunch?", "message.channels")) == []
    assert runner.platform.done == []


def test_the_same_message_twice_is_answered_once(runner: FlowRunner) -> None:
    for _ in range(2):
        runner.deliver(chat, said("Hello"))
    assert len(replies(runner)) == 1


def twins(text: str, ts: str = ROOT) -> tuple[Event, Event]:
    """The two events of one message: a message that does not show the mention, and the mention."""
    plain = said(text, "message.channels", ts)
    return plain, said(text, ts=ts, id=f"{plain.id}:mention")


@pytest.mark.parametrize("engaged", [False, True])
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 1, 0), (1, 0, 0, 1)])
def test_a_mention_that_was_edited_in_or_not_seen_is_answered_once(
    runner: FlowRunner, order: tuple[int, ...], engaged: bool
) -> None:
    if engaged:
        runner.deliver(chat, said("We deploy on Tuesdays.", ts="1699999999.000100"))
    before = len(replies(runner))
    events = twins("When do we deploy?", "1700000002.000100")
    for number in order:
        assert runner.deliver(chat, events[number]) == []
    assert len(replies(runner)) == before + 1


def test_the_next_message_is_nobodys_twin(runner: FlowRunner) -> None:
    for ts in (ROOT, "1700000002.000100"):
        runner.deliver(chat, *twins("Hello", ts))
    assert len(replies(runner)) == 2


def test_a_failure_in_the_middle_repeats_neither_answer_nor_turn(runner: FlowRunner) -> None:
    runner.platform.fails[2] = RuntimeError("lost")
    mention = said("We deploy on Tuesdays.")
    assert runner.deliver(chat, mention) == [mention.id]
    assert runner.deliver(chat, mention, receives=2) == []
    assert len(replies(runner)) == 1
    assert len([action for action in runner.platform.done if isinstance(action, React)]) == 1


def test_after_a_failure_the_rest_of_the_conversation_waits_its_turn(runner: FlowRunner) -> None:
    runner.platform.fails[2] = RuntimeError("lost")
    first, second = said("One"), said("Two", ts="1700000001.000100")
    other = said("Three", ts="1700000002.000100", conversation="slack:T1:C1:other")
    assert runner.deliver(chat, first, second, other) == [first.id, second.id]
    assert len(replies(runner)) == 1
