"""What is a command and what is not: the parser, and the events of Slack and GitHub."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import Actor, Event, Issue, ResponseUrl
from shared.perception import github, slack
from shared.perception.commands import (
    COMMANDS,
    Order,
    command_of,
    event_types,
    named,
    slashed,
    spoken,
    whispered,
)
from tests.events.published import github_delivery, slack_requests
from tests.web.front_door import FORM, Door, a_command

NAMES = st.sampled_from(sorted(COMMANDS))
LINE = st.text(st.characters(exclude_characters="\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"))


@given(NAMES, LINE)
def test_a_slash_and_a_name_at_the_start_are_a_command_with_the_rest(name: str, rest: str) -> None:
    assert slashed(f"/{name} {rest}") == Order(name, rest.strip())
    assert slashed(f"\n  /{name.upper()} {rest}") == Order(name, rest.strip())
    assert spoken(f"/{name} {rest}") == whispered(f"/{name} {rest}") == Order(name, rest.strip())


@given(st.text(), NAMES)
def test_a_command_stands_at_the_start_and_nowhere_else(before: str, name: str) -> None:
    if before.strip():
        assert slashed(f"{before.strip()} /{name} x") is None or before.strip().startswith("/")
    for opening in ("> ", "`", "```\n", "    ", "\t", "- ", "<!-- ", "**"):
        assert slashed(f"{opening}/{name} x") is None
    assert slashed(f"/{name}/x") is None
    assert slashed(f"/{name}s x") is None


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    for read in (slashed, named, spoken, whispered):
        order = read(text)
        assert order is None or order.name in COMMANDS


@pytest.mark.parametrize("read", [slashed, named, spoken, whispered])
@pytest.mark.parametrize("unit", [" ", "\n", "\n ", "a", "/", "what do you know about ", "?"])
def test_a_megabyte_is_read_in_one_pass(read: Any, unit: str) -> None:
    for text in (unit * 1_000_000, f"forget {unit * 300_000}x", f"remember that{unit * 300_000}y"):
        read(text[:1_000_000])


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("forget the login bug", Order("forget", "the login bug")),
        ("Forget me", Order("forget", "me")),
        ("forget", Order("forget", "")),
        ("forget it", None),
        ("forget about that!", None),
        ("forget everything", None),
        ("forget what I said", Order("forget", "me")),
        ("forget everything you know about ada.", Order("forget", "ada")),
        ("forget everything about it", None),
        ("/forget it", Order("forget", "it")),
        ("remember that we deploy\non Tuesdays", Order("remember", "we deploy\non Tuesdays")),
        ("remember the milk", Order("remember", "the milk")),
        ("remember when we met?", None),
        ("know deploys", Order("know", "deploys")),
        ("What do you know about the deploy?", Order("know", "the deploy")),
        ("what do you remember about 支付?", Order("know", "支付")),
        ("what do you know about it?", None),
        ("why", Order("why", "")),
        ("why m-1a2b3c4d", Order("why", "m-1a2b3c4d")),
        ("why is the build red?", None),
        ("how do you know that?", Order("why", "")),
        ("help", Order("help", "")),
        ("help forget", Order("help", "forget")),
        ("help me understand the login", None),
        ("approve 3", Order("approve", "3")),
        ("approve of this plan", None),
        ("review #12", Order("review", "#12")),
        ("review full", Order("review", "full")),
        ("full review", Order("review", "full")),
        ("Full-Review", Order("review", "full")),
        ("/full review", Order("review", "full")),
        ("/full-review", Order("review", "full")),
        ("/review full", Order("review", "full")),
        ("full review of the login", None),
        ("full review\nplease", Order("review", "full")),
        ("full\nreview", None),
        ("full reviewer", None),
        ("full plan", None),
        ("full", None),
        ("review fully", None),
        ("ignore", Order("pause", "")),
        ("ignore that", None),
        ("review the plan that ada made", None),
        ("plan the release", Order("plan", "the release")),
        ("should we forget the login bug", None),
        ("helpful as ever", None),
        ("", None),
    ],
)
def test_after_a_mention_a_name_needs_what_it_takes(text: str, order: Order | None) -> None:
    assert spoken(text) == order


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("help", Order("help", "")),
        ("Cancel!", Order("cancel", "")),
        ("why?", None),
        ("forget the milk", None),
        ("remember to deploy", None),
        ("remember when we met", None),
        ("remember me to her", None),
        ("remember we deploy on Tuesdays", Order("remember", "we deploy on Tuesdays")),
        ("remember rule: be brief", Order("remember", "rule: be brief")),
        ("plan the release", Order("plan", "the release")),
        ("plan B is fine", None),
        ("plan looks good", None),
        ("plan", None),
        ("know deploys", Order("know", "deploys")),
        ("know what I mean", None),
        ("change it to ten", None),
        ("forget about it", None),
        ("forget me", Order("forget", "me")),
        ("forget <@U0BOB>", Order("forget", "<@U0BOB>")),
        ("forget acme/shop#12", Order("forget", "acme/shop#12")),
        ("approve 3", Order("approve", "3")),
        ("approve of it", None),
        ("gaps", Order("gaps", "")),
        ("gaps 30", Order("gaps", "30")),
        ("why m-1a2b3c4d", Order("why", "m-1a2b3c4d")),
        ("review #12", Order("review", "#12")),
        ("issue", Order("issue", "")),
        ("remember that we deploy", Order("remember", "we deploy")),
        ("what do you know about us?", Order("know", "us")),
        ("forget what I've said", Order("forget", "me")),
        ("/forget the milk", Order("forget", "the milk")),
    ],
)
def test_a_direct_message_is_mostly_just_talk(text: str, order: Order | None) -> None:
    assert whispered(text) == order


def test_every_command_has_its_types_and_every_type_its_command() -> None:
    types = event_types(*COMMANDS)
    assert len(set(types)) == 2 * len(COMMANDS)
    assert {command_of(type_) for type_ in types} == set(COMMANDS)
    assert command_of("slack.command") == command_of("github.issues.opened") == ""


# Slack


def slack_event(name: str, text: str, **envelope: Any) -> Event:
    request = slack_requests()[name] | envelope
    request["event"]["text"] = text
    return slack.to_event(json.dumps(request).encode(), {}, {}, 0.0)


def test_a_mention_and_its_message_are_the_same_command() -> None:
    text = "<@UBOT> forget the login &amp; the <#C1>"
    one, other = slack_event("app_mention", text), slack_event("message_mention", text)
    assert one.type == other.type == "slack.command.forget"
    assert one.id == other.id == "slack:T1:C1:1700000000.000100:mention"
    assert one.text == other.text == "the login & the <#C1>"
    assert one.thread == other.thread
    assert one.addressed


@pytest.mark.parametrize(
    ("name", "text", "type_"),
    [
        ("app_mention", "hey <@UBOT> forget the bug", "slack.app_mention"),
        ("app_mention", "forget <@UBOT> and the bug", "slack.app_mention"),
        ("app_mention", "&gt; <@UBOT> forget the bug", "slack.app_mention"),
        ("app_mention", "`<@UBOT> forget the bug`", "slack.app_mention"),
        ("app_mention", "<@UBOT> `forget the bug`", "slack.app_mention"),
        ("app_mention", "<@UBOT>, forget the bug", "slack.command.forget"),
        ("app_mention", "<@UBOT|agent> /forget it", "slack.command.forget"),
        ("message", "/forget the bug", "slack.message.channels"),
        ("message", "what do you know about us?", "slack.message.channels"),
        ("message_im", "forget the bug", "slack.message.im"),
        ("message_im", " /forget the bug", "slack.command.forget"),
        ("message_im", "<@UBOT> forget the bug", "slack.command.forget"),
        ("message_im", "what do you know about us?", "slack.command.know"),
    ],
)
def test_where_a_command_stands_in_slack(name: str, text: str, type_: str) -> None:
    assert slack_event(name, text).type == type_


@pytest.mark.parametrize(
    ("command", "text", "type_", "argument"),
    [
        ("/agent", "forget the bug", "slack.command.forget", "the bug"),
        ("/forget", "the bug", "slack.command.forget", "the bug"),
        ("/forget", "help", "slack.command.forget", "help"),
        ("/remember", "", "slack.command.remember", ""),
        ("/agent", "dance", "slack.command", "dance"),
        ("/dance", "", "slack.command", ""),
    ],
)
def test_a_slash_command_is_answered_where_slack_says(
    command: str, text: str, type_: str, argument: str
) -> None:
    form = slack_requests()["command"] | {"command": command, "text": text}
    headers = {"content-type": FORM}
    event = slack.to_event(urlencode(form).encode(), headers, {}, 0.0)
    assert (event.type, event.text) == (type_, argument)
    assert event.response == ResponseUrl("T1", "C1", form["response_url"])
    assert event.scope == "slack:T1:C1"
    assert Event.from_json(event.to_json()) == event


# GitHub


def github_event(
    body: str, event: str = "issue_comment", action: str = "created", bot: str = "", **sender: Any
) -> Event:
    payload = github_delivery(event, action).payload
    subject = payload["comment" if event == "issue_comment" else "issue"]
    subject["body"] = body
    payload["sender"] = subject["user"] | sender
    headers = {"x-github-event": event, "x-github-delivery": "d1"}
    return github.to_event(json.dumps(payload).encode(), headers, {}, 0.0, bot_name=bot)


@pytest.mark.parametrize(
    ("body", "type_", "text"),
    [
        ("/forget the bug\r\nthanks", "github.command.forget", "the bug"),
        ("/remember a\nb", "github.command.remember", "a\nb"),
        ("@my-app forget the bug", "github.command.forget", "the bug"),
        ("@My-App[bot] help", "github.command.help", ""),
        ("@my-apps forget the bug", "github.issue_comment.created", "@my-apps forget the bug"),
        ("@my-app why is it so?", "github.issue_comment.created", "@my-app why is it so?"),
        ("> /forget the bug", "github.issue_comment.created", "> /forget the bug"),
        ("thanks\n/forget the bug", "github.issue_comment.created", "thanks\n/forget the bug"),
    ],
)
def test_where_a_command_stands_on_github(body: str, type_: str, text: str) -> None:
    event = github_event(body, bot="my-app")
    assert (event.type, event.text) == (type_, text)
    assert event.issue == Issue("Codertocat/Hello-World", 1)


def test_the_body_of_a_new_issue_may_be_a_command() -> None:
    assert github_event("/plan it", "issues", "opened").type == "github.command.plan"


def test_what_is_edited_or_another_persons_is_no_command() -> None:
    assert github_event("/forget x", action="edited").type == "github.issue_comment.edited"
    other = github_event("/forget x", id=1, login="eve")
    assert other.type == "github.issue_comment.created"


def test_a_mention_on_github_needs_the_name_that_the_app_has() -> None:
    assert github_event("@my-app forget the bug").type == "github.issue_comment.created"


# The front door


def test_a_command_that_no_flow_takes_stays_a_message() -> None:
    door = Door(event_types="slack.app_mention,slack.command,slack.command.forget")
    for text in ("<@UBOT> forget the bug", "<@UBOT> plan the release"):
        request = slack_requests()["app_mention"]
        request["event"]["text"] = text
        assert door.slack(json.dumps(request).encode()).get("statusCode") == 200
    body = a_command(command="/agent", text="plan the release")
    assert door.slack(body, "commands", FORM).get("statusCode") == 200
    forget, mention, command = door.published
    assert (forget.type, forget.text) == ("slack.command.forget", "the bug")
    assert (mention.type, mention.text) == ("slack.app_mention", "plan the release")
    assert (command.type, command.text) == ("slack.command", "plan the release")


def test_a_command_of_our_own_app_is_dropped() -> None:
    door = Door()
    payload = github_delivery("issue_comment", "created").payload
    payload["comment"] |= {"body": "/forget x", "performed_via_github_app": {"id": 99}}
    payload["sender"] = payload["comment"]["user"]
    door.github(json.dumps(payload).encode(), "issue_comment")
    assert door.published == []


def test_who_gives_a_command_keeps_the_role_that_the_platform_says() -> None:
    event = github_event("/forget x")
    assert event.actor == Actor(event.actor.id, "Codertocat", False, "owner")
