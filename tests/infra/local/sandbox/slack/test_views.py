"""Dialogs and the app's home in the sandbox Slack, over HTTP with Slack's own client."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import ALICE, GENERAL
from tests.infra.local.sandbox.slack.front_door import SECRET, Planned, RecordingFrontDoor

INPUT = {
    "type": "input",
    "block_id": "name",
    "label": {"type": "plain_text", "text": "Name"},
    "element": {"type": "plain_text_input", "action_id": "name"},
}


def plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def modal(**changes: Any) -> dict[str, Any]:
    shown = {"type": "modal", "title": plain("A form"), "submit": plain("Go"), "blocks": [INPUT]}
    return {**shown, "callback_id": "a-form", **changes}


@pytest.fixture
def door() -> Iterator[RecordingFrontDoor]:
    with RecordingFrontDoor() as door:
        yield door


@pytest.fixture
def slack(door: RecordingFrontDoor) -> Iterator[SlackSandbox]:
    with SlackSandbox(door.url, SECRET, pace=0.0) as slack:
        yield slack


@pytest.fixture
def client(slack: SlackSandbox) -> WebClient:
    return WebClient(slack.bot_token, base_url=slack.api_url)


def refused(call: Any, **arguments: Any) -> Any:
    with pytest.raises(SlackApiError) as found:
        call(**arguments)
    return found.value.response["error"]


def option(text: str, value: str) -> dict[str, Any]:
    return {"text": plain(text), "value": value}


def chooser(*options: dict[str, Any]) -> dict[str, Any]:
    element = {"type": "static_select", "action_id": "a", "options": list(options)}
    return {**INPUT, "element": element}


@pytest.mark.parametrize(
    ("view", "error"),
    [
        (modal(title=plain("x" * 25)), "invalid_arguments"),
        (modal(title=None), "invalid_arguments"),
        (modal(type="home"), "invalid_arguments"),
        (modal(submit=None), "invalid_arguments"),
        (modal(blocks=[{"type": "divider"}] * 101), "invalid_arguments"),
        (modal(blocks=[INPUT, INPUT]), "invalid_arguments"),
        (modal(blocks=[{"type": "nothing"}]), "invalid_arguments"),
        (modal(blocks=[{"type": "section"}]), "invalid_arguments"),
        (modal(blocks=[chooser()]), "invalid_arguments"),
        (modal(blocks=[chooser(option("x" * 76, "a"))]), "invalid_arguments"),
        (modal(blocks=[chooser(option("A", "x" * 151))]), "invalid_arguments"),
        (modal(private_metadata="x" * 3_001), "invalid_arguments"),
        (modal(blocks=[{"type": "image", "alt_text": "x" * 250_000}]), "view_too_large"),
    ],
)
def test_a_view_that_slack_would_not_take(
    slack: SlackSandbox, client: WebClient, view: dict[str, Any], error: str
) -> None:
    trigger = slack.workspace.views.trigger(ALICE)
    assert refused(client.views_open, trigger_id=trigger, view=view) == error
    assert slack.views.dialog() is None


def test_a_trigger_opens_one_dialog_within_three_seconds(
    slack: SlackSandbox, client: WebClient
) -> None:
    views = slack.workspace.views
    assert refused(client.views_open, trigger_id="1.2.x", view=modal()) == "invalid_trigger_id"
    late = views.trigger(ALICE)
    views.later(3.1)
    assert refused(client.views_open, trigger_id=late, view=modal()) == "expired_trigger_id"
    good = views.trigger(ALICE)
    opened = client.views_open(trigger_id=good, view=modal(external_id="mine"))
    assert refused(client.views_open, trigger_id=good, view=modal()) == "exchanged_trigger_id"
    taken = {"trigger_id": views.trigger(ALICE), "view": modal(external_id="mine")}
    assert refused(client.views_open, **taken) == "duplicate_external_id"
    shown = slack.views.dialog()
    assert shown and shown["id"] == opened["view"]["id"]


def test_a_dialog_is_changed_by_either_name_unless_it_changed_or_is_gone(
    slack: SlackSandbox, client: WebClient
) -> None:
    trigger = slack.workspace.views.trigger(ALICE)
    opened = client.views_open(trigger_id=trigger, view=modal(external_id="mine"))["view"]
    changed = client.views_update(external_id="mine", view=modal(title=plain("B")))["view"]
    assert changed["id"] == opened["id"] and changed["hash"] != opened["hash"]
    stale = {"view_id": opened["id"], "hash": opened["hash"], "view": modal()}
    assert refused(client.views_update, **stale) == "hash_conflict"
    slack.views.close()
    assert refused(client.views_update, external_id="mine", view=modal()) == "not_found"


def test_three_dialogs_lie_on_one_another(slack: SlackSandbox, client: WebClient) -> None:
    views = slack.workspace.views
    client.views_open(trigger_id=views.trigger(ALICE), view=modal())
    for number in range(3):
        top = slack.views.dialog()
        assert top
        trigger = views.trigger(ALICE, top["id"])
        if number == 2:
            assert refused(client.views_push, trigger_id=trigger, view=modal()) == (
                "push_limit_reached"
            )
        else:
            pushed = client.views_push(trigger_id=trigger, view=modal())["view"]
            assert pushed["previous_view_id"] == top["id"]
    assert refused(client.views_push, trigger_id=views.trigger(ALICE), view=modal()) == "not_found"


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ({}, None),
        ({"response_action": "clear"}, None),
        ({"response_action": "errors", "errors": {"name": "No."}}, "A form"),
        ({"response_action": "update", "view": modal(title=plain("B"))}, "B"),
        ({"response_action": "update", "view": {"type": "modal"}}, "A form"),
    ],
)
def test_a_submission_does_what_the_app_answers(
    slack: SlackSandbox, client: WebClient, door: RecordingFrontDoor, answer: Any, title: str | None
) -> None:
    client.views_open(trigger_id=slack.workspace.views.trigger(ALICE), view=modal())
    door.plan.append(Planned(body=json.dumps(answer).encode() if answer else b""))
    sent = slack.views.submit({"name": "Ada"})
    assert slack.settle()
    assert sent["view"]["state"]["values"]["name"]["name"]["value"] == "Ada"
    shown = slack.views.dialog()
    assert (shown["title"]["text"] if shown else None) == title
    if "errors" in answer:
        assert shown and shown["errors"] == {"name": "No."}
    if answer.get("view") == {"type": "modal"}:
        assert shown and "trouble" in shown["trouble"]


def test_a_door_that_fails_is_told_in_the_dialog(
    slack: SlackSandbox, client: WebClient, door: RecordingFrontDoor
) -> None:
    client.views_open(trigger_id=slack.workspace.views.trigger(ALICE), view=modal())
    door.plan.append(Planned(503))
    slack.views.submit({})
    assert slack.settle()
    shown = slack.views.dialog()
    assert shown and "trouble" in shown["trouble"]


def test_the_home_is_published_for_one_person(slack: SlackSandbox, client: WebClient) -> None:
    view = {"type": "home", "blocks": [{"type": "divider"}]}
    made = client.views_publish(user_id=ALICE, view=view)["view"]
    assert slack.views.home() == made
    again = {"user_id": ALICE, "view": view, "hash": "old"}
    assert refused(client.views_publish, **again) == "hash_conflict"
    assert refused(client.views_publish, user_id="U0NOBODY", view=view) == "user_not_found"
    assert refused(client.views_publish, user_id=ALICE, view=modal()) == "invalid_arguments"


def test_a_message_shortcut_comes_with_its_message(
    slack: SlackSandbox, door: RecordingFrontDoor
) -> None:
    ts = slack.say(GENERAL, "Hello")
    assert slack.settle()
    slack.views.shortcut_on("keep", GENERAL, ts)
    assert slack.settle()  # what is delivered at once has no order
    slack.views.shortcut("new")
    assert slack.settle()
    _, on_message, alone = (one.body for one in door.posted)
    assert on_message["type"] == "message_action" and on_message["callback_id"] == "keep"
    assert on_message["message"]["text"] == "Hello" and on_message["message_ts"] == ts
    assert alone["type"] == "shortcut" and "response_url" not in alone
