"""What a model proposes in a conversation is shown to people, and nothing else comes of it."""

from collections.abc import Iterator

import pytest

from infra.local.sandbox.slack.workspace import GUEST
from shared.database import Database
from shared.models import ToolCall
from tests.proposals.errand_workspace import SHOP, ErrandWorkspace, buttons, errand_workspace


@pytest.fixture
def it(database: Database) -> Iterator[ErrandWorkspace]:
    with errand_workspace(database) as it:
        it.hub.open_issue(SHOP, "Login: umlauts")
        yield it


CALLS = {
    "issue": ToolCall("1", "propose_issue", {"title": "Pay", "body": "It fails."}),
    "labels": ToolCall("1", "propose_labels", {"number": 1, "labels": ["Bug"]}),
    "comment": ToolCall("1", "propose_comment", {"number": 1, "text": "Hello @all"}),
    "plan": ToolCall("1", "propose_plan", {"goal": "tidy up"}),
    "reminder": ToolCall("1", "propose_reminder", {"when": "tomorrow at 9", "text": "call"}),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_proposal_of_the_model_is_a_card_and_nothing_more(it: ErrandWorkspace, name: str) -> None:
    it.runner.answers(CALLS[name], "I propose that.")
    it.says("What would you do about the login?")
    assert buttons(it.asked())
    assert "I propose that." in it.texts()
    assert len(it.hub.issues(SHOP)) == 1
    assert it.hub.issue(SHOP, 1)["labels"] == []
    assert it.hub.issue(SHOP, 1)["comments"] == []
    assert it.runner.timers == []
    it.press(it.asked(), "drop")
    assert "❌ Dropped by alice" in it.texts()[-1]


def test_what_it_proposes_is_done_when_a_person_presses(it: ErrandWorkspace) -> None:
    it.runner.answers(CALLS["issue"], "I propose that.")
    it.says("What would you do about the login?")
    it.press(it.asked())
    assert it.hub.issue(SHOP, 2)["title"] == "Pay"


def test_a_reminder_of_the_model_is_set_once_it_is_confirmed(it: ErrandWorkspace) -> None:
    it.runner.answers(CALLS["reminder"], "I propose that.")
    it.says("What would you do about the login?")
    it.press(it.asked())
    assert len(it.runner.timers) == 1


WRONG = (
    ToolCall("1", "propose_labels", {"number": 1, "labels": ["nonsense"]}),
    ToolCall("1", "propose_labels", {"number": 99, "labels": ["bug"]}),
    ToolCall("1", "propose_issue", {"title": " ", "body": ""}),
    ToolCall("1", "propose_issue", {"title": "x", "body": "y" * 10_000}),
    ToolCall("1", "propose_review", {"number": 1}),
    ToolCall("1", "propose_reminder", {"when": "yesterday", "text": "x"}),
    ToolCall("1", "propose_everything", {}),
)


@pytest.mark.parametrize("call", WRONG, ids=lambda call: call.name)
def test_what_cannot_be_proposed_goes_back_to_the_model(
    it: ErrandWorkspace, call: ToolCall
) -> None:
    it.runner.answers(call, "[talk] That cannot be done.")
    it.says("What would you do about the login?")
    assert it.texts() == ["That cannot be done."]


def test_a_guest_gets_no_proposal(it: ErrandWorkspace) -> None:
    it.runner.answers(CALLS["issue"], "[talk] Somebody else must ask.")
    it.says("What would you do about the login?", GUEST)
    assert it.texts() == ["Somebody else must ask."]


def test_a_conversation_without_a_proposal_asks_the_database_no_more(it: ErrandWorkspace) -> None:
    it.runner.answers("Hello.")
    it.says("Hello")
    assert it.rows("select 1 from steps where name = 'proposed'") == []
    assert it.texts() == ["Hello."]


def test_a_run_that_proposes_needs_sources_for_what_it_says_beside_that(
    it: ErrandWorkspace,
) -> None:
    said = "I propose an issue about Pay. Bob broke the login on Monday. Press `Do it` below."
    it.runner.answers(CALLS["issue"], said)
    it.says("What would you do about the login?")
    assert "I propose an issue about Pay. Press `Do it` below." in it.texts()
    assert buttons(it.asked())


@pytest.mark.parametrize("body", ["Bob broke the login on Monday.", "Bob broke the login. " * 9])
def test_what_a_model_put_into_a_proposal_is_no_source(it: ErrandWorkspace, body: str) -> None:
    call = ToolCall("1", "propose_issue", {"title": "Bob broke the login", "body": body})
    it.runner.answers(call, "I propose an issue. Bob broke the login on Monday.")
    it.says("What would you do about the login?")
    assert "I propose an issue." in it.texts()
    assert not any("Monday" in text for text in it.texts()[:1])
    assert buttons(it.asked())


def test_without_a_word_on_the_proposal_a_program_says_that_there_is_one(
    it: ErrandWorkspace,
) -> None:
    it.runner.answers(CALLS["issue"], "Bob broke the login on Monday.")
    it.says("What would you do about the login?")
    assert "What I propose stands below. Nothing is done yet." in it.texts()


def test_the_offline_model_proposes_what_a_plain_sentence_asks_for(it: ErrandWorkspace) -> None:
    it.says("Could you put the bug label on #1?")
    assert it.hub.issue(SHOP, 1)["labels"] == []
    assert any("I propose that." in text for text in it.texts())
    it.press(it.asked())
    assert [label["name"] for label in it.hub.issue(SHOP, 1)["labels"]] == ["bug"]
