"""Undo in Slack: an answer goes with its sign and its turn, until somebody answers it."""

import threading
from collections.abc import Iterator

import pytest

from flows.control import control
from infra.local.sandbox.slack.workspace import ALICE, BOB, BOT_USER, SUPPORT, TEAM
from shared.events import Actor, Event
from shared.perception.commands import spoken
from tests.actions.slack.chat_runner import ONCE, ChatRunner
from tests.models.scripted_server import Says
from tests.stopping.undoing import lines

THANKS = "Deleted what I said."
SIGN = "Took :eyes: off the message."


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


def undo(runner: ChatRunner, asked: Event, text: str = "undo", user: str = ALICE) -> list[str]:
    """Let a person say it in the thread, and return the lines of the answer."""
    ts = runner.slack.say(SUPPORT, f"<@{BOT_USER}> {text}", user, thread_ts=asked.thread.ts)
    order = text.partition(" ")[2]
    event = asked._replace(
        id=f"slack:{TEAM}:{SUPPORT}:{ts}",
        type="slack.command.undo",
        actor=Actor(user, user.lower(), role="member"),
        text=order,
        message_target=asked.message._replace(ts=ts),
        received_at=2_000_000_000.0,
    )
    before = len(runner.replies(asked))
    for _ in range(3):
        assert runner.deliver(event, control)
    *_, last = runner.replies(asked)
    assert len(runner.replies(asked)) <= before + 1
    return lines(last) or [last]


def answered(runner: ChatRunner, text: str = "What do we know?") -> Event:
    event = runner.asked(text)
    assert runner.deliver(event)
    assert runner.replies(event)
    return event


def test_an_answer_goes_with_its_sign_and_its_turn(runner: ChatRunner) -> None:
    event = answered(runner)
    assert len(runner.recorded("select 1 from turns where role = 'assistant'")) == 1
    assert undo(runner, event) == [THANKS, SIGN]
    [told] = runner.replies(event)
    assert told.startswith("↩ Took back run `") and "` of chat:" in told
    [root, *_] = runner.slack.thread(SUPPORT, event.thread.ts)
    assert not root.get("reactions")
    assert runner.recorded("select role from turns") == [("user",)]


def test_an_answer_of_many_messages_goes_whole(runner: ChatRunner) -> None:
    runner.model.says(Says("\n\n".join(f"{'x' * 3_000}{number}" for number in range(12))))
    event = runner.asked()
    assert runner.deliver(event, pace=ONCE)
    assert len(runner.replies(event)) > 2
    assert undo(runner, event) == [THANKS, SIGN]
    assert len(runner.replies(event)) == 1


@pytest.mark.parametrize("how", ["answered", "reacted"])
def test_what_people_took_up_stays(runner: ChatRunner, how: str) -> None:
    event = answered(runner)
    (said,) = runner.slack.thread(SUPPORT, event.thread.ts)[1:]
    if how == "answered":
        runner.slack.say(SUPPORT, "Are you sure?", BOB, thread_ts=event.thread.ts)
    else:
        runner.slack.react(SUPPORT, said["ts"], "heart", BOB)
    first, second = undo(runner, event)
    assert first.startswith("What I said")
    assert first.endswith(f"stays: somebody {how}{' to it' * (how == 'reacted')}.")
    assert second == SIGN
    assert runner.recorded("select 1 from turns where role = 'assistant'")
    assert said["ts"] in {one["ts"] for one in runner.slack.thread(SUPPORT, event.thread.ts)}


def test_commands_are_no_answers(runner: ChatRunner) -> None:
    event = answered(runner)
    refused = undo(runner, event, user="U0NOBODY")
    assert refused == ["I did nothing here to take back."]
    assert undo(runner, event) == [THANKS, SIGN]
    again = undo(runner, event)
    assert [line.rpartition(" was ")[2] for line in again] == ["taken back before."] * 2


def test_a_guest_takes_back_what_they_asked_for_and_no_more(runner: ChatRunner) -> None:
    event = answered(runner)
    guest = event._replace(actor=Actor("U0GUEST", "guest", role="none"), id="slack:guest")
    [run] = [row[0] for row in runner.recorded("select id from runs where flow = 'chat'")]
    assert "not allowed" in undo(runner, event, f"undo {run}", "U0GUEST")[0]
    assert runner.deliver(guest)
    assert undo(runner, event, user="U0GUEST")[0] == THANKS


def test_another_channel_has_no_such_run(runner: ChatRunner) -> None:
    event = answered(runner)
    [run] = [row[0] for row in runner.recorded("select id from runs where flow = 'chat'")]
    channel = runner.slack.workspace.add_channel("elsewhere")
    ts = runner.slack.say(channel, "Hello")
    there = event._replace(
        conversation=f"slack:{TEAM}:{channel}:{ts}",
        thread_target=event.thread._replace(channel=channel, ts=ts),
        message_target=event.message._replace(channel=channel, ts=ts),
        id="slack:there",
        type="slack.command.undo",
        text=run,
        received_at=2_000_000_000.0,
    )
    assert runner.deliver(there, control)
    assert runner.replies(there) == [f"Nothing called `{run}` ran here."]
    assert runner.replies(event)


def test_two_at_once_take_each_effect_back_once(runner: ChatRunner) -> None:
    event = answered(runner)
    deletes = len(runner.slack.calls("chat.delete"))

    def one(user: str) -> None:
        order = event._replace(
            id=f"slack:{user}", type="slack.command.undo", text="",
            actor=Actor(user, user.lower(), role="member"), received_at=2_000_000_000.0,
            message_target=event.message._replace(ts="2000000000.1"),
        )  # fmt: skip
        assert runner.deliver(order, control)

    threads = [threading.Thread(target=one, args=(user,)) for user in (ALICE, BOB)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(runner.slack.calls("chat.delete")) == deletes + 1
    assert len(runner.slack.calls("reactions.remove")) == 1
    told = sorted(line for text in runner.replies(event) for line in lines(text))
    assert len(told) == 4
    assert {THANKS, SIGN} < set(told)


def test_how_people_say_it() -> None:
    for text in (
        *("undo", "/undo", "undo 0f3a9c1b2d4e5f607182", "Undo that.", "please undo what you did"),
        *("take that back!", "Take back what you've just done"),
    ):
        order = spoken(text)
        assert order and order.name == "undo", text
    for text in ("undo the last migration?", "undo our work", "take it back?", "take it"):
        assert spoken(text) is None
