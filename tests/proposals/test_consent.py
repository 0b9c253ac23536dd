"""A yes is for exactly what was shown, of somebody who may, in time, and counts once: whoever
presses how often, and whenever the function dies."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from flows.plan import plan
from infra.local.sandbox.slack.workspace import ALICE, BOB, GUEST, OTHER_TEAM, SUPPORT
from shared.database import Database
from tests.proposals.errand_workspace import (
    SHOP,
    ErrandWorkspace,
    Mortal,
    buttons,
    errand_workspace,
)


@pytest.fixture
def it(database: Database) -> Iterator[ErrandWorkspace]:
    with errand_workspace(database) as it:
        it.hub.open_issue(SHOP, "Login: umlauts")
        yield it


def comments(it: ErrandWorkspace) -> list[str]:
    return [comment["body"] for comment in it.hub.issue(SHOP, 1)["comments"]]


def asked(it: ErrandWorkspace, words: str = "comment #1 Looks good") -> dict[str, Any]:
    it.says(words)
    return it.asked()


def test_a_double_press_and_a_third_later_count_once(it: ErrandWorkspace) -> None:
    message = asked(it)
    presses = [Thread(target=it.press, args=(message,)) for _ in range(3)]
    for press in presses:
        press.start()
    for press in presses:
        press.join()
    assert len(comments(it)) == 1
    assert it.whispers() == ["This was answered before, by alice. Your answer changed nothing."] * 2


def test_of_two_people_the_first_counts(it: ErrandWorkspace) -> None:
    message = asked(it)
    it.press(message, "drop", BOB)
    it.press(message)
    assert comments(it) == []
    assert "answered before, by bob" in it.whispers()[-1]
    assert it.texts()[-1].startswith("❌ Dropped by bob")


def test_a_press_that_is_delivered_twenty_times_counts_once(it: ErrandWorkspace) -> None:
    it.press(asked(it))
    press = it.events[-1]
    for _ in range(20):
        it.runner.deliver(plan, press)
    assert len(comments(it)) == 1
    assert it.whispers() == []


def test_a_yes_that_is_late_does_nothing(it: ErrandWorkspace) -> None:
    message = asked(it)
    it.rows("update proposals set expires_at = now() - interval '1 second'")
    it.press(message)
    assert comments(it) == []
    assert it.whispers() == ["The time to answer this is over. Nothing was done."]


def test_a_yes_is_only_for_what_was_shown(it: ErrandWorkspace) -> None:
    message = asked(it)
    it.rows(
        "update proposals set payload = replace(payload::text, 'Looks good', 'Looks bad')::json"
    )
    it.press(message)
    assert comments(it) == []


@pytest.mark.parametrize(("user", "team"), [(GUEST, "T0SANDBOX"), (BOB, OTHER_TEAM)])
def test_whoever_may_not_write_changes_nothing(it: ErrandWorkspace, user: str, team: str) -> None:
    message = asked(it)
    it.press(message, user=user, team=team)
    assert comments(it) == []
    assert "not allowed" in it.whispers()[-1]
    it.press(message)
    assert len(comments(it)) == 1


def test_words_in_the_thread_do_as_a_button(it: ErrandWorkspace) -> None:
    message = asked(it)
    it.says("approve")
    assert len(comments(it)) == 1
    assert not buttons(next(m for m in it.slack.thread(SUPPORT, it.ts) if m["ts"] == message["ts"]))
    it.says("comment #1 Second")
    it.says("reject")
    assert len(comments(it)) == 1
    it.says("approve")  # nothing is open any more
    assert len(comments(it)) == 1


def test_of_two_proposals_one_must_be_named(it: ErrandWorkspace) -> None:
    asked(it, "comment #1 First")
    second = asked(it, "comment #1 Second")
    it.says("approve")
    assert comments(it) == []
    assert "Several questions are open here" in it.texts()[-1]
    name = second["blocks"][0]["text"].split("`approve ")[1][:8]
    it.says(f"approve {name}")
    assert len(comments(it)) == 1
    assert comments(it)[0].startswith("Second")


def test_somebody_else_must_say_yes_where_the_setting_wants_that(database: Database) -> None:
    with errand_workspace(database, approver_differs="on") as it:
        it.hub.open_issue(SHOP, "Login: umlauts")
        message = asked(it)
        it.press(message)
        assert comments(it) == []
        assert "Somebody else must approve it" in it.whispers()[-1]
        it.press(message, user=BOB)
        assert len(comments(it)) == 1


def test_a_channel_that_works_elsewhere_by_now_does_nothing(it: ErrandWorkspace) -> None:
    message = asked(it)
    it.repositories = {f"channel:{SUPPORT}": "acme/website"}
    it.press(message)
    assert comments(it) == []
    assert "Nobody works on acme/shop from here any more" in it.texts()[-1]


def test_what_github_refuses_is_said(it: ErrandWorkspace) -> None:
    message = asked(it)
    it.hub.archive(SHOP)
    it.press(message)
    assert it.texts()[-1].startswith("❌ Approved by alice, but it cannot be done: ")


REFUSED = {
    "label #1 nonsense": "has no label `nonsense`. It has `bug`",
    "label #99 bug": "I cannot find acme/shop#99.",
    "label #1": None,
    "label acme/website#1 bug": "From here I work on acme/shop only.",
    "review #1": "acme/shop#1 is an issue; I review pull requests.",
    "review #99": "I cannot find acme/shop#99.",
    "/label": "Which issue or pull request?",
    "/comment #1": "What should the comment say?",
    f"comment #1 {'y' * 4_000}": "That is too long",
}


@pytest.mark.parametrize("words", REFUSED, ids=lambda words: words[:24])
def test_what_cannot_be_done_is_answered_in_a_line(it: ErrandWorkspace, words: str) -> None:
    it.says(words)
    [told] = it.texts()
    assert (REFUSED[words] or "") in told
    assert not any(buttons(m) for m in it.slack.thread(SUPPORT, it.ts))


def test_a_channel_without_a_repository_says_so(it: ErrandWorkspace) -> None:
    it.repositories = {}
    it.says("label #1 bug")
    assert "No repository belongs to this channel" in it.texts()[0]


def test_a_slash_command_gets_a_thread(it: ErrandWorkspace) -> None:
    it.slack.command("/agent", "label #1 bug", SUPPORT)
    assert it.slack.settle()
    [opening] = [m for m in it.slack.messages(SUPPORT) if "wants: label" in str(m["blocks"])]
    it.ts = opening["ts"]
    it.press(it.asked(), user=ALICE)
    assert [one["name"] for one in it.hub.issue(SHOP, 1)["labels"]] == ["bug"]


@pytest.mark.parametrize(
    "place", [f"{when}:{act}" for act in (1, 2, 3) for when in ("before", "after")]
)
@pytest.mark.parametrize("words", ["comment #1 Looks good", "/issue Pay fails"])
def test_it_is_done_once_whenever_the_function_dies(
    it: ErrandWorkspace, words: str, place: str
) -> None:
    it.mortal = Mortal(place)
    it.press(asked(it, words))
    assert it.mortal.at == ""
    assert len(comments(it)) + len(it.hub.issues(SHOP)) == 2
    assert len(it.texts()) == 1
    assert it.texts()[0].startswith("✅ Approved by alice and done")
