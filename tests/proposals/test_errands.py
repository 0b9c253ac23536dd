"""Errands in Slack: proposed exactly, done once when a person says yes, linked in the thread."""

from collections.abc import Iterator

import pytest

from infra.local.sandbox.slack.workspace import BOB
from shared.database import Database
from tests.proposals.errand_workspace import SHOP, ErrandWorkspace, buttons, errand_workspace


@pytest.fixture
def it(database: Database) -> Iterator[ErrandWorkspace]:
    with errand_workspace(database) as it:
        it.hub.open_issue(SHOP, "Login: umlauts")
        yield it


def labels(it: ErrandWorkspace, number: int = 1) -> list[str]:
    return [label["name"] for label in it.hub.issue(SHOP, number)["labels"]]


def test_a_label_is_added_when_a_person_presses_and_the_result_is_linked(
    it: ErrandWorkspace,
) -> None:
    it.says("label #1 bug")
    asked = it.asked()
    text = asked["blocks"][0]["text"]
    assert "Add labels to acme/shop#1?" in text
    assert "issue: `Login: umlauts`" in text
    assert "labels: `bug`" in text
    assert labels(it) == []
    it.press(asked, user=BOB)
    assert labels(it) == ["bug"]
    [done] = it.texts()
    assert done.startswith("✅ Approved by bob and done: [acme/shop#1](http")
    assert not buttons(it.slack.thread("C0SUPPORT", it.ts)[-1])


def test_an_issue_is_opened_from_the_thread(it: ErrandWorkspace) -> None:
    it.talks("Checkout fails with error 500 for guests.")
    it.talks("Only since the release of Monday.", BOB)
    it.says("open an issue for this thread")
    assert len(it.hub.issues(SHOP)) == 1
    it.press(it.asked())
    opened = it.hub.issue(SHOP, 2)
    assert "Checkout fails" in opened["title"]
    assert "this conversation in Slack](https://slack.com/app_redirect?" in opened["body"]
    assert "[acme/shop#2](" in it.texts()[-1]


def test_a_review_is_done_with_the_rights_of_who_said_yes_and_linked_when_it_is_done(
    it: ErrandWorkspace,
) -> None:
    files = {"shop/pay.py": "def pay(cart):\n    return cart == None\n"}
    pull = it.hub.open_pull_request(SHOP, "Pay", "It.", head="pay", files=files)
    it.says(f"review PR {pull}")
    asked = it.asked()
    assert f"Review acme/shop#{pull}?" in asked["blocks"][0]["text"]
    assert not it.hub.issue(SHOP, pull)["comments"]
    it.press(asked)
    card, done = it.texts()
    assert card.startswith("✅ Approved by alice. I review it, and link the result here.")
    assert done.startswith(f"✅ Reviewed [acme/shop#{pull}](http")
    assert it.hub.issue(SHOP, pull)["comments"]
    [event] = [one for one in it.runner.published if one.type == "proposal.approved.review"]
    assert event.audience.startswith(("repo:", "public"))  # nothing of the channel goes there
    assert event.thread_target is None
