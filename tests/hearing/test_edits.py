"""Edited and deleted messages: what is answered is what the message says when the answer begins;
later edits of the newest question change the answer that it has."""

import threading
from collections.abc import Iterator

import pytest

from flows.background.uninstall import uninstall
from flows.control import control
from infra.local.sandbox.slack.workspace import ALICE, BOB, BOT_USER, DM, SUPPORT
from shared.events import RETRY, Event
from tests.actions.slack.chat_runner import ChatRunner
from tests.crash.test_streaming import KilledProcesses
from tests.hearing.spoken import (
    MENTION,
    asked_of,
    changed,
    deletes,
    edits,
    says,
    states,
)
from tests.hearing.test_in_a_row import bot_says, in_a_row
from tests.models.scripted_server import Fails, Says
from tests.waiting import wait_for


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


@pytest.fixture(params=["thread", "direct message"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_edit_before_the_answer_begins_is_what_is_answered(
    runner: ChatRunner, place: str
) -> None:
    first, second = in_a_row(runner, place, "When do we ship?", "To Sweden?")
    events = [edits(runner, first, "When do we SAIL?"), edits(runner, second, "To Norway?")]
    for event in (first, second, *events):
        assert runner.deliver(event)
    assert len(bot_says(runner, first.message.channel)) == len(runner.model.seen) == 1
    assert "When do we SAIL?" in asked_of(runner)
    assert "To Norway?" in asked_of(runner)
    turns = runner.recorded("select text from turns where role = 'user' order by seq")
    assert turns == [("When do we SAIL?",), ("To Norway?",)]


def test_an_edit_after_the_answer_edits_the_answer(runner: ChatRunner, place: str) -> None:
    first, second = in_a_row(runner, place, "When do we ship?", "To Sweden?")
    runner.model.says(Says("On Monday."), Says("On Tuesday."), Says("On Friday."))
    for event in (first, second):
        assert runner.deliver(event)
    ts = [m["ts"] for m in runner.slack.messages(first.message.channel) if m["user"] == BOT_USER]
    for text, answer in (("To Norway?", "On Tuesday."), ("To Mars?", "On Friday.")):
        edit = edits(runner, second, text)
        for _ in range(3):
            assert runner.deliver(edit)
        assert bot_says(runner, first.message.channel) == [answer]
        assert text in asked_of(runner)
        assert "ship?" in asked_of(runner)
        asked = str(runner.model.seen[-1].body["messages"])
        assert "On Monday." not in asked
        assert "Sweden" not in asked
    now = [m["ts"] for m in runner.slack.messages(first.message.channel) if m["user"] == BOT_USER]
    assert now == ts
    assert len(runner.model.seen) == 3
    turns = runner.recorded("select role, text from turns order by seq")
    said = ["When do we ship?", "To Mars?"]
    assert turns == [*(("user", one) for one in said), ("assistant", "On Friday.")]


def test_an_edit_that_takes_the_mention_away_leaves_no_second_question(runner: ChatRunner) -> None:
    first = says(runner, f"{MENTION} When do we ship?")
    runner.model.says(Says("On Monday."), Says("On Tuesday."), Says("On Friday."))
    assert runner.deliver(first)
    for text in ("When do we sail?", f"{MENTION} When do we fly?"):
        assert runner.deliver(edits(runner, first, text))
        assert "On Monday." not in str(runner.model.seen[-1].body["messages"])
    turns = runner.recorded("select role, text from turns order by seq")
    assert turns == [("user", "When do we fly?"), ("assistant", "On Friday.")]


@pytest.mark.parametrize("fails", ["model", "reply"])
def test_an_edit_after_a_retry_leaves_one_question(
    runner: ChatRunner, place: str, fails: str
) -> None:
    """The first attempt failed before there was an answer, or with one that Slack did not take."""
    mention, channel = (f"{MENTION} ", SUPPORT) if place == "thread" else ("", DM)
    first = says(runner, f"{mention}When do we ship?", channel)
    runner.model.says(*([Fails(401)] if fails == "model" else [Says("On Sunday.")]))
    if fails == "reply":
        for method in ("chat.postMessage", "chat.startStream"):
            runner.slack.fail_next(method, "restricted_action", times=9)
    runner.deliver(first)
    runner.slack.forget_faults()
    named = runner.recorded("select id from runs where flow = 'chat' and state = 'failed'")
    again = first._replace(id=f"{first.id}{RETRY}{named[0][0]}")
    # An answer that Slack did not take is in the prompt cache.
    runner.model.says(*([Says("On Sunday.")] if fails == "model" else []), Says("On Tuesday."))
    assert runner.deliver(again)
    assert runner.replies(first)[-1] == "On Sunday."
    assert runner.deliver(edits(runner, first, f"{mention}When do we sail?"))
    assert runner.replies(first)[-1] == "On Tuesday."
    assert "On Sunday." not in str(runner.model.seen[-1].body["messages"])
    turns = runner.recorded("select role, text from turns order by seq")
    assert turns == [("user", "When do we sail?"), ("assistant", "On Tuesday.")]


def test_two_edits_in_a_row_are_answered_once(runner: ChatRunner) -> None:
    first = says(runner, f"{MENTION} One?")
    assert runner.deliver(first)
    one, two = edits(runner, first, "Two?"), edits(runner, first, "Three?")
    for event in (one, two):
        assert runner.deliver(event)
    assert len(runner.model.seen) == 2
    assert "Three?" in asked_of(runner)


def test_a_longer_and_a_shorter_answer_take_the_places_of_the_first(runner: ChatRunner) -> None:
    first = says(runner, f"{MENTION} One?")
    long = "\n\n".join(f"Paragraph {n} {'x' * 900}." for n in range(30))
    runner.model.says(Says("Short."), Says(long), Says("Short again."))
    assert runner.deliver(first)
    assert runner.deliver(edits(runner, first, "Tell me all."))
    whole = "".join(runner.replies(first))
    assert all(f"Paragraph {n} " in whole for n in range(30))
    assert "Short." not in whole
    assert runner.deliver(edits(runner, first, "Be short."))
    assert runner.replies(first) == ["Short again."]


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message", "message_not_found"])
def test_what_slack_changes_no_more_is_posted_anew(runner: ChatRunner, code: str) -> None:
    first = says(runner, f"{MENTION} One?")
    runner.model.says(Says("Old."), Says("New."))
    assert runner.deliver(first)
    runner.slack.fail_next("chat.update", code)
    assert runner.deliver(edits(runner, first, "Two?"))
    assert "New." in runner.replies(first)
    assert len(runner.replies(first)) <= 2


def test_what_is_no_new_question_changes_nothing(runner: ChatRunner) -> None:
    old = says(runner, f"{MENTION} Old?")
    runner.model.says(Says("Old."), Says("New."))
    assert runner.deliver(old)
    new = says(runner, "New?", thread=old.message.ts)
    assert runner.deliver(new)
    others = says(runner, "Lunch?", user=BOB)
    message = runner.slack.workspace.message(SUPPORT, new.message.ts)
    link = {"attachments": [{"title": "A page", "from_url": "https://a.test"}]}
    counted = {"reply_count": 2, "latest_reply": "1.1"}
    events = [
        edits(runner, old, "Older?"),
        edits(runner, new, "New, says an admin?", by=BOB),
        edits(runner, others, "Lunch at noon?", by=BOB),
        *(
            changed(SUPPORT, "message_changed", previous_message=message, message=message | more)
            for more in (link, counted, {})
        ),
    ]
    assert [event.type for event in events[3:]] == ["slack.message_unfurled"] * 3
    before = len(runner.slack.calls("chat.update")), bot_says(runner, SUPPORT)
    for event in events:
        assert runner.deliver(event)
    assert (len(runner.slack.calls("chat.update")), bot_says(runner, SUPPORT)) == before
    assert len(runner.model.seen) == 2


def test_a_question_that_becomes_a_command_is_not_answered_again(runner: ChatRunner) -> None:
    first = says(runner, "One?", DM)
    assert runner.deliver(first)
    assert runner.deliver(edits(runner, first, "/forget me"))
    assert len(runner.model.seen) == 1


def test_a_deleted_question_ends_without_an_answer(runner: ChatRunner, place: str) -> None:
    first, second = in_a_row(runner, place, "One?", "Two?")
    gone = deletes(runner, first)
    assert gone.type == "slack.message_deleted"
    assert runner.deliver(gone, control)
    for event in (first, second):
        assert runner.deliver(event)
    told = bot_says(runner, first.message.channel)
    assert "One?" not in str([seen.body for seen in runner.model.seen])
    assert len(told) == (1 if place == "direct message" else 0)


def test_a_deletion_that_nobody_told_of_yet_is_seen(runner: ChatRunner, place: str) -> None:
    (first,) = in_a_row(runner, place, "One?")
    deletes(runner, first)
    assert runner.deliver(first)
    assert runner.model.seen == []
    assert bot_says(runner, first.message.channel) == []
    assert [state for state, _ in states(runner)] == ["done"]


@pytest.mark.parametrize("which", ["first", "second"])
def test_deleted_while_it_is_answered(runner: ChatRunner, which: str) -> None:
    """The draft goes, and the other messages in the row get their answer."""
    first, second = in_a_row(runner, "thread", "One?", "Two?")
    runner.model.says(Says("We deploy on Tuesdays, and Ada has the key.", pause=0.1))
    working = threading.Thread(target=runner.deliver, args=(first,))
    working.start()
    wait_for(lambda: runner.slack.calls("chat.postMessage"))
    event = {"first": first, "second": second}[which]
    assert runner.deliver(deletes(runner, event), control)
    working.join()
    runner.model.says(Says("Two."))
    assert runner.deliver(second)
    if which == "first":
        assert [state for state, _ in states(runner)] == ["superseded", "done"]
        assert bot_says(runner, SUPPORT) == []  # where nobody was answered, nobody is engaged
    else:
        assert len(bot_says(runner, SUPPORT)) == 1


def test_an_edit_by_killed_processes_leaves_one_answer(runner: ChatRunner) -> None:
    with KilledProcesses(runner) as processes:
        for number in (4, 8, 11, 14, 17):
            first = says(runner, f"{MENTION} One {number}?")
            assert processes.deliver(first) == "done"
            edit: Event = edits(runner, first, f"Two {number}?", by=ALICE)
            end = processes.deliver(edit, number)
            for receives in range(2, 6):
                if end == "done":
                    break
                end = processes.deliver(edit, receives=receives)
            assert len(runner.replies(first)) == 1, number


@pytest.mark.parametrize("how", ["edited", "deleted"])
def test_memory_follows_what_was_taken_together(runner: ChatRunner, place: str, how: str) -> None:
    first, second = in_a_row(runner, place, "We ship on Monday.", "The password is zebrafish.")
    runner.model.says(Says("Monday, with zebrafish."), Says("ok"))
    assert runner.deliver(first)
    event = edits(runner, second, "Never mind.") if how == "edited" else deletes(runner, second)
    assert runner.deliver(event, uninstall)
    said = [text for (text,) in runner.recorded("select text from turns order by seq")]
    assert "zebrafish" not in str(said)
    assert said[0] == "We ship on Monday."
