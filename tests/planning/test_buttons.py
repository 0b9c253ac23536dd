"""Plans in Slack: people watch one message, and answer with buttons that are good for exactly what
they were shown with."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from threading import Thread

import pytest

from infra.local.sandbox.slack.workspace import ALICE, BOB, GUEST, TEAM
from shared.agent.flow import Flow
from shared.database import Database
from shared.planning.plan import Plan
from shared.planning.validation import Limits
from tests.planning.plans import Drafts, planned, step
from tests.planning.slack_workspace import SlackWorkspace, slack_workspace

Open = Callable[[Flow], SlackWorkspace]

HELLO = Plan((replace(step("s1", "reply", text="Hello <!channel> `x`"), approve=True),))
BYE = Plan((replace(step("s2", "reply", text="Bye"), approve=True),))
QUIET = Plan((step("s1", "reply", text="One"), step("s2", "reply", text="Two", after=["s1"])))


@pytest.fixture
def opened(database_url: str) -> Iterator[Open]:
    with ExitStack() as stack:
        database = stack.enter_context(Database(database_url, patience=5))
        yield lambda flow: stack.enter_context(slack_workspace(database, flow))


def test_a_click_approves_and_the_message_shows_who_did(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    plan = it.plan()
    asked = it.asked()
    assert "**Reply** on T0SANDBOX/C0SUPPORT/" in asked["blocks"][0]["text"]
    assert "<!channel>" not in asked["blocks"][0]["text"]
    assert "Until 20" in asked["blocks"][0]["text"]
    it.press(asked, "approve", BOB)
    assert it.it.ended(plan).state == "done"
    live, answered, hello, report = it.thread()
    assert [block["type"] for block in answered["blocks"]] == ["markdown"]
    assert answered["blocks"][0]["text"].startswith("✅ Approved by bob, 20")
    assert hello["blocks"][0]["text"].startswith("Hello")
    assert "✅ Done." in live["blocks"][0]["text"]
    assert "- ✅ [reply s1](https://slack.com/" in live["blocks"][0]["text"]
    assert "✅ Done." in report["blocks"][0]["text"]
    assert it.whispers() == []


def test_a_click_rejects(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    plan = it.plan()
    it.press(it.asked(), "reject")
    assert it.it.ended(plan).state == "failed"
    live, answered, _ = it.texts()
    assert answered.startswith("❌ Rejected by alice, 20")
    assert "❌ Rejected by alice." in live


def test_the_button_of_an_older_version_does_nothing_and_says_so(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO, BYE)))
    plan = it.plan()
    first = it.asked()
    it.press(first, "change")
    assert it.whispers()[0] == (
        ALICE,
        "Say what to change: mention me here with `change` and a sentence.",
    )
    it.says("change say bye")
    second = it.it.wait_for(lambda: (m := it.asked())["ts"] != first["ts"] and m)
    it.press(first, "approve")
    assert "answered before, by U0ALICE" in it.whispers()[1][1]
    assert it.it.situation(plan).state == "waiting"
    it.press(second, "approve")
    assert it.it.ended(plan).state == "done"
    assert not any(text.startswith("Hello") for text in it.texts())
    assert "Bye" in it.texts()


def test_of_two_clicks_at_once_one_counts(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    plan = it.plan()
    asked = it.asked()
    presses = [
        Thread(target=it.press, args=(asked, "approve", ALICE)),
        Thread(target=it.press, args=(asked, "reject", BOB)),
    ]
    for press in presses:
        press.start()
    for press in presses:
        press.join()
    state = it.it.ended(plan).state
    winner = it.it.situation(plan).approvals[0].decided_by
    assert (winner, state) in {("alice", "done"), ("bob", "failed")}
    ((loser, told),) = it.whispers()
    assert loser == (BOB if winner == "alice" else ALICE)
    assert f"answered before, by {winner}" in told


def test_a_double_click_counts_once(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    plan = it.plan()
    asked = it.asked()
    it.press(asked, "approve")
    it.press(asked, "approve")
    assert it.it.ended(plan).state == "done"
    assert len([text for text in it.texts() if text.startswith("Hello")]) == 1


def test_a_stranger_and_a_guest_are_told_that_the_click_did_nothing(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    plan = it.plan()
    it.press(it.asked(), "approve", BOB, team="T0OTHER")
    it.press(it.asked(), "approve", GUEST, team=TEAM)
    assert [who for who, _ in it.whispers()] == [BOB, GUEST]
    assert all("not allowed" in told for _, told in it.whispers())
    assert it.it.situation(plan).state == "waiting"
    it.press(it.asked(), "reject")
    assert it.it.ended(plan).state == "failed"


def test_a_click_after_the_time_is_over_does_nothing(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO), limits=Limits(approval=1)))
    plan = it.plan()
    asked = it.asked()
    assert it.it.ended(plan).state == "failed"
    it.press(asked, "approve")
    assert len(it.whispers()) == 1
    assert it.texts()[1].startswith("⌛ Nobody answered in time.")
    assert not any(text.startswith("Hello") for text in it.texts())


def test_a_button_works_after_a_restart(opened: Open) -> None:
    it = opened(planned(Drafts(HELLO)))
    plan = it.plan()
    asked = it.asked()
    before = it.it.situation(plan).approvals[0].token
    it.it.restart()
    it.it.wait_for(lambda: it.it.situation(plan).approvals[0].token != before)
    it.press(asked, "approve")
    assert it.it.ended(plan).state == "done"
    assert len(it.thread()) == 4


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, 6))
def test_a_crash_at_any_edit_leaves_each_message_once(opened: Open, when: str, number: int) -> None:
    it = opened(planned(Drafts(HELLO)))
    it.adapter.dies = [f"{when}:{number}"]
    plan = it.plan()
    it.press(it.asked(), "approve")
    assert it.it.ended(plan).state == "done"
    assert it.adapter.dies == []
    live, answered, hello, _ = it.texts()
    assert "✅ Done." in live
    assert answered.startswith("✅ Approved by alice")
    assert hello.startswith("Hello")


def test_a_long_text_is_cut_visibly_and_stands_whole_in_the_thread(opened: Open) -> None:
    text = "\n".join(f"line {number}" for number in range(2000))
    long = Plan((replace(step("s1", "reply", text=text), approve=True),))
    it = opened(planned(Drafts(long)))
    plan = it.plan()
    asked = it.asked()["blocks"][0]["text"]
    assert "more characters; the whole text stands above" in asked
    assert len(asked) < 9_000
    whole = "".join(it.texts()[1:-1])
    assert all(f"line {number}" in whole for number in range(2000))
    it.says("cancel")
    assert it.it.ended(plan).state == "cancelled"
    shown = [text for text in it.texts() if text.startswith("⏹ The plan ended by U0ALICE")]
    assert len(shown) == 1


def test_a_platform_that_fails_to_show_stops_no_plan(opened: Open) -> None:
    it = opened(planned(Drafts(QUIET)))
    it.slack.fail_next("chat.update", "ratelimited", status=429, times=3, retry_after=0)
    assert it.it.ended(it.plan()).state == "done"
    assert "✅ Done." in it.texts()[0]
