"""Who proved a GitHub account may through Slack what GitHub says of that account; others what their
membership says."""

from collections.abc import Iterator

import pytest

from infra.local.sandbox.slack.workspace import ALICE, BOB, SUPPORT, TEAM
from shared.actions.github.actions import SubmitReview
from shared.database import Database
from shared.errors import ActionRejected
from shared.people.store import LinkedPerson, PeopleTable
from tests.proposals.errand_workspace import SHOP, ErrandWorkspace, buttons, errand_workspace


@pytest.fixture
def it(database: Database) -> Iterator[ErrandWorkspace]:
    with errand_workspace(database, github_client_id="Iv1") as it:
        it.hub.open_issue(SHOP, "Login: umlauts")
        it.hub.set_permission(SHOP, "tess", "triage")
        it.hub.set_permission(SHOP, "li", "write")
        yield it


def links(it: ErrandWorkspace, person: str, login: str) -> None:
    it.hub.person_token(login)
    account = str(it.hub.registration._state.account(login)["id"])
    proved = LinkedPerson(TEAM, person, account, login)
    assert PeopleTable(it.runner.database).link("github:acme", proved)


def labels(it: ErrandWorkspace) -> list[str]:
    return [label["name"] for label in it.hub.issue(SHOP, 1)["labels"]]


def test_an_account_that_may_not_write_proposes_nothing(it: ErrandWorkspace) -> None:
    links(it, ALICE, "tess")
    it.says("label #1 bug")
    assert not any(buttons(one) for one in it.slack.thread(SUPPORT, it.ts))
    assert labels(it) == []


def test_an_account_that_may_not_write_says_yes_to_nothing(it: ErrandWorkspace) -> None:
    it.says("label #1 bug")
    links(it, BOB, "tess")
    it.press(it.asked(), user=BOB)
    assert labels(it) == []
    assert buttons(it.asked())  # somebody who may can still answer
    links(it, ALICE, "li")
    it.press(it.asked(), user=ALICE)
    assert labels(it) == ["bug"]


def test_without_a_link_membership_tells(it: ErrandWorkspace) -> None:
    it.says("label #1 bug")
    it.press(it.asked(), user=BOB)
    assert labels(it) == ["bug"]


def test_a_review_that_fails_for_good_is_told_where_it_was_asked_for(it: ErrandWorkspace) -> None:
    files = {"shop/pay.py": "def pay(cart):\n    return cart == None\n"}
    pull = it.hub.open_pull_request(SHOP, "Pay", "It.", head="pay", files=files)
    it.says(f"review PR {pull}")
    it.mortal.refuses = (SubmitReview, ActionRejected("github: 403"))
    it.press(it.asked())
    _, told = it.texts()
    assert told.startswith("⚠️ ")
    assert "Run `" in told
    assert "\n" not in told.strip().partition("\n\n_")[0]
