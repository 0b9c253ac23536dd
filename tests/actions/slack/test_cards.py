"""Cards on Slack: one message by its name, edited in place, with buttons."""

import pytest

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, BOT_USER, GENERAL, Refusal
from shared.actions import Receipt
from shared.actions.slack.actions import Button, Card
from tests.actions.slack.sandbox_thread import MARK, SandboxThread

YES = (Button("Approve", "approve x", "primary"), Button("Reject", "reject x", "danger"))


def card(target: SandboxThread, text: str, *buttons: Button) -> Card:
    return Card(target.thread, "p1/live", text, buttons)


def test_a_card_has_buttons_until_it_is_edited(target: SandboxThread) -> None:
    made = target.adapter.perform(card(target, "May I?", *YES), MARK, None)
    (message,) = target.slack.thread(GENERAL, target.thread.ts)[1:]
    assert [element["value"] for element in message["blocks"][1]["elements"]] == [
        "approve x",
        "reject x",
    ]
    assert target.adapter.perform(card(target, "You may."), MARK, made) == made
    (message,) = target.slack.thread(GENERAL, target.thread.ts)[1:]
    assert message["ts"] == made.id
    assert [block["type"] for block in message["blocks"]] == ["markdown"]
    assert target.replies() == ["You may."]


def test_a_card_does_not_take_the_place_of_another(target: SandboxThread) -> None:
    made = target.adapter.perform(card(target, "One"), MARK, None)
    target.adapter.perform(Card(target.thread, "p2/live", "Two"), MARK, made)
    assert target.replies() == ["One", "Two"]


def test_a_card_that_somebody_deleted_is_shown_again(target: SandboxThread) -> None:
    made = target.adapter.perform(card(target, "One"), MARK, None)
    target.slack.workspace.delete(GENERAL, made.id)
    again = target.adapter.perform(card(target, "Two"), MARK, made)
    assert isinstance(again, Receipt)
    assert again.id != made.id
    assert target.replies() == ["Two"]


@pytest.mark.parametrize("text", ["<!channel> look", "x" * 20_000, "```\n" + "y\n" * 2_500])
def test_a_card_notifies_nobody_and_is_one_message(target: SandboxThread, text: str) -> None:
    target.adapter.perform(card(target, text, *YES), MARK, None)
    (message,) = target.slack.thread(GENERAL, target.thread.ts)[1:]
    assert [block["type"] for block in message["blocks"]] == ["markdown", "actions"]
    assert "<!channel>" not in message["blocks"][0]["text"]


def test_slack_refuses_buttons_that_are_too_much() -> None:
    with SlackSandbox("http://127.0.0.1:9", "secret") as slack:
        ts = slack.say(GENERAL, "Hello")
        assert slack.workspace.message(GENERAL, ts)["user"] == ALICE
        with pytest.raises(Refusal, match="message_not_found"):
            slack.click(GENERAL, "1.1", "approve")
        posted = slack.workspace.post(GENERAL, BOT_USER, ts, text="Here")
        with pytest.raises(Refusal, match="no_such_action"):
            slack.click(GENERAL, posted["ts"], "approve")
