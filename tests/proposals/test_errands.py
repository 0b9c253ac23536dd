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
