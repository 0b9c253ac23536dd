"""Reminders in the sandbox Slack: set, shown once, put off, listed, cancelled, and for others only
when a person says yes."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from flows.errands import errands
from flows.memory import memory
from infra.local.sandbox.slack.workspace import ALICE, BOB, BOT_USER, GENERAL, GUEST, SUPPORT
from shared.database import Database
from tests.proposals.errand_workspace import (
    ErrandDeath,
    ErrandWorkspace,
    Mortal,
    buttons,
    errand_workspace,
)


@pytest.fixture
def it(database: Database) -> Iterator[ErrandWorkspace]:
    with errand_workspace(database) as it:
        it.zone(ALICE, "Europe/Berlin")
        yield it


def local(it: ErrandWorkspace) -> str:
    """When the next timer comes, in Berlin."""
    at = datetime.fromtimestamp(it.runner.timers[0].received_at, ZoneInfo("Europe/Berlin"))
    return f"{at:%A %H:%M}"


def fire(it: ErrandWorkspace) -> None:
    it.runner.fire(errands)


def test_a_reminder_comes_in_its_thread_once_in_the_zone_of_the_person(
    it: ErrandWorkspace,
) -> None:
    it.says("remind me on Monday at 10 to check <!channel> `deploy`")
    [said] = it.texts()
    assert "I remind you on Monday" in said
    assert "10:00 (Europe/Berlin)" in said
    assert local(it) == "Monday 10:00"
    timer = it.runner.timers[0]
    assert "deploy" not in str(timer.payload)  # forgetting the row forgets all of it
    fire(it)
    for _ in range(20):
        it.runner.deliver(errands, timer)
    shown = it.texts()[1:]
    assert len(shown) == 1
    assert "Reminder for alice" in shown[0]
    assert "<!channel>" not in shown[0]
    assert it.runner.timers == []


def test_one_that_recurs_comes_again_until_it_is_stopped(it: ErrandWorkspace) -> None:
    it.says("remind me every weekday at 9 to write the standup")
    assert "every weekday at 9:00, first on" in it.texts()[0]
    for _ in range(3):
        fire(it)
        assert len(it.runner.timers) == 1
    assert len(it.texts()) == 4
    it.press(it.asked(), "stop")
    assert "Stopped. It does not come again." in it.texts()[-1]
    assert it.runner.timers == []


@pytest.mark.parametrize("button", ["in 1 hour", "tomorrow"])
def test_a_press_puts_it_off_once(it: ErrandWorkspace, button: str) -> None:
    it.says("remind me in 2 hours to call")
    fire(it)
    came = it.asked()
    for _ in range(2):
        it.press(came, button)
    assert len(it.runner.timers) == 1
    assert "Put off: it comes again on" in it.texts()[-1]
    fire(it)
    assert "> call" in it.texts()[-1]


def test_one_that_was_put_off_and_cancelled_is_not_said_to_come(it: ErrandWorkspace) -> None:
    it.says("remind me in 2 hours to call")
    fire(it)
    question = it.asked()
    it.press(question, "in 1 hour")
    [later] = [row["id"] for row in it.rows("select id from reminders where state = 'active'")]
    it.says(f"reminders cancel {later}")
    it.press(question, "in 1 hour")
    told = [*it.texts(), *it.whispers()]
    assert "It was put off before, and does not come again." in told
    assert not any("It was put off before: it comes" in one for one in told)


def test_only_those_concerned_change_a_reminder(it: ErrandWorkspace) -> None:
    it.says("remind me every day at 9 to call")
    fire(it)
    it.press(it.asked(), "stop", BOB)
    assert it.whispers()[-1] == "This is a reminder of alice; only they can change it."
    assert len(it.runner.timers) == 1


def test_they_are_listed_where_they_may_be_read_and_cancelled(it: ErrandWorkspace) -> None:
    it.says("remind me tomorrow at 9 to buy flowers")
    id_ = it.texts()[0].split("`reminders cancel ")[1].split("`")[0]
    it.says("reminders")
    assert f"`{id_}` on" in it.texts()[1]
    assert "buy flowers" in it.texts()[1]
    it.says(f"reminders cancel {id_}", BOB)
    assert f"You have no reminder `{id_}`" in it.texts()[2]
    it.says(f"cancel reminder {id_}")
    assert f"Reminder `{id_}` does not come" in it.texts()[3]
    assert it.runner.timers == []


def test_one_that_is_cancelled_from_elsewhere_comes_for_nothing(it: ErrandWorkspace) -> None:
    it.says("remind me tomorrow at 9 to buy flowers")
    id_ = it.texts()[0].split("`reminders cancel ")[1].split("`")[0]
    it.slack.command("/agent", f"reminders cancel {id_}", SUPPORT)
    assert it.slack.settle()
    assert "does not come" in it.whispers()[-1]
    while it.runner.timers:
        fire(it)
    assert len(it.texts()) == 1


def test_what_was_said_elsewhere_is_not_listed_to_others(it: ErrandWorkspace) -> None:
    it.says("remind me tomorrow at 9 to buy flowers")
    other = it.slack.say(SUPPORT, f"<@{BOT_USER}> reminders", ALICE)
    assert it.slack.settle()
    told = it.slack.thread(SUPPORT, other)[-1]["blocks"][0]["text"]
    assert "flowers" not in told
    assert "1 more of other conversations" in told
    it.slack.command("/agent", "reminders", SUPPORT)
    assert it.slack.settle()
    assert "flowers" in it.whispers()[-1]


def test_one_for_another_person_waits_for_a_yes_and_comes_to_them(it: ErrandWorkspace) -> None:
    it.says(f"remind <@{BOB}> in 2 hours to call")
    assert it.runner.timers == []
    asked = it.asked()
    assert "Remind" in asked["blocks"][0]["text"]
    assert "text: `call`" in asked["blocks"][0]["text"]
    it.press(asked)
    assert len(it.runner.timers) == 1
    fire(it)
    direct = it.slack.workspace.channel(BOB)["id"]
    [came] = it.slack.workspace.messages(direct)
    assert "Reminder for bob, by alice" in came["blocks"][0]["text"]
    assert buttons(came)


def test_one_for_a_channel_waits_for_a_yes(it: ErrandWorkspace) -> None:
    it.says(f"remind <#{GENERAL}|general> tomorrow at 9 of the standup")
    it.press(it.asked(), "drop")
    assert it.runner.timers == []
    assert "❌ Dropped by alice. Nothing was done." in it.texts()[-1]


@pytest.mark.parametrize("is_in", [(), (BOB,), (ALICE,)], ids=["nobody", "bob", "alice"])
def test_nobody_lets_it_speak_in_a_channel_that_they_do_not_read(
    it: ErrandWorkspace, is_in: tuple[str, ...]
) -> None:
    private = it.slack.workspace.add_channel("private", private=True)
    it.slack.workspace.limit(private, *is_in)
    it.says(f"remind <#{private}|private> in 2 hours of the standup")
    if ALICE in is_in:
        assert "Remind #private" in it.asked()["blocks"][0]["text"]
        return
    assert "only where both you and I are in it" in it.texts()[-1]
    assert not buttons(it.slack.thread(SUPPORT, it.ts)[-1])


@pytest.mark.parametrize("words", ["remind me to call", "remind me today at 0:00 to call"])
def test_without_a_time_it_asks(it: ErrandWorkspace, words: str) -> None:
    it.says(words)
    assert len(it.texts()) == 1
    assert it.runner.timers == []


def test_a_guest_reminds_themselves_and_nobody_else(it: ErrandWorkspace) -> None:
    it.says("remind me in 2 hours to call", GUEST)
    assert len(it.runner.timers) == 1
    it.says(f"remind <@{BOB}> in 2 hours to call", GUEST)
    assert "not allowed" in it.texts()[-1]
    assert not buttons(it.slack.thread(SUPPORT, it.ts)[-1])


DEATHS = [f"{when}:{act}" for act in (1, 2, 3) for when in ("before", "after")]


@pytest.mark.parametrize("place", DEATHS)
def test_it_comes_once_whenever_the_function_dies(it: ErrandWorkspace, place: str) -> None:
    it.mortal = Mortal(place)
    it.says("remind me every day at 9 to call")
    for _ in range(2):
        try:
            fire(it)
        except ErrandDeath:
            fire(it)
    assert it.mortal.at == ""
    said = it.texts()
    assert len(said) == 3
    assert len({text.split("Next on")[-1] for text in said[1:]}) == 2
    assert len(it.runner.timers) == 1


def test_forget_me_deletes_reminders(it: ErrandWorkspace) -> None:
    it.says("remind me every day at 9 to call")
    it.says(f"remind <@{BOB}> in 2 hours to call")
    it.flows = [*it.flows, memory]
    it.says("/forget me")
    assert it.rows("select 1 from reminders") == []
    fire(it)
    assert not any("Reminder for" in text for text in it.texts())


def test_far_reminders_go_there_in_hops(it: ErrandWorkspace) -> None:
    it.says("remind me in 3 years to renew the domain")
    hops = 0
    while it.runner.timers:
        fire(it)
        hops += 1
    assert hops == 4
    assert len(it.texts()) == 2


def direct(it: ErrandWorkspace) -> list[str]:
    """What the agent says to Alice alone."""
    place = it.slack.workspace.channel(ALICE)["id"]
    return [m["blocks"][0]["text"] for m in it.slack.workspace.messages(place)]


def test_one_that_is_set_by_a_slash_command_comes_to_the_person(it: ErrandWorkspace) -> None:
    it.slack.command("/agent", "remind me in 2 hours to call", SUPPORT)
    assert it.slack.settle()
    assert "I remind you on" in it.whispers()[-1]
    fire(it)
    [came] = direct(it)
    assert "Reminder for alice" in came


def test_where_the_thread_is_closed_it_comes_to_who_set_it(it: ErrandWorkspace) -> None:
    it.says("remind me in 2 hours to call")
    row = it.slack.workspace.channel(SUPPORT)
    it.slack.workspace._records.put("channels", SUPPORT, row | {"is_archived": True})
    fire(it)
    [came] = direct(it)
    assert "> call" in came


def test_forget_of_a_text_deletes_the_reminders_that_say_it(it: ErrandWorkspace) -> None:
    it.says("remind me every day at 9 to tell the kangaroo")
    it.says("remind me every day at 10 to call")
    it.says("remind me every day at 11 about the kangaroos")
    it.flows = [*it.flows, memory]
    it.says("/forget the kangaroo")
    assert [row["text"] for row in it.rows("select text from reminders order by next_at")] == [
        "call",
        "the kangaroos",
    ]
    assert "1 reminder" in it.texts()[-1]


def test_forget_of_a_text_leaves_others_reminders_elsewhere(it: ErrandWorkspace) -> None:
    it.says("remind me every day at 9 to feed the kangaroo", BOB)
    it.flows = [*it.flows, memory]
    it.ts = ""
    it.says("/forget kangaroo", channel=GENERAL)
    assert len(it.rows("select 1 from reminders")) == 1


def test_slack_is_asked_once_where_a_person_lives(it: ErrandWorkspace) -> None:
    it.says("remind me in 2 hours to call")
    before = len(it.slack.calls("users.info"))
    for number in range(3):
        it.says(f"remind me in {number + 3} hours to call")
    it.says("summarize since yesterday")
    assert len(it.slack.calls("users.info")) == before
