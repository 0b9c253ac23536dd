"""A command that was mistyped gets the nearest one in a line; words for other bots, paths and talk
get silence."""

import json

import pytest

from shared.perception.commands import COMMANDS, Order, meant, mistaken
from tests.events.published import github_delivery, slack_requests
from tests.web.front_door import FORM, Door, a_command

TYPED = {
    "reveiw": "review",
    "reviwe": "review",
    "revew": "review",
    "reviiew": "review",
    "erview": "review",
    "REVIEWW": "review",
    "traige": "triage",
    "hlep": "help",
    "paln": "plan",
    "konw": "know",
    "frget": "forget",
    "rememeber": "remember",
    "remmber": "remember",
    "aprove": "approve",
    "rejcet": "reject",
    "cancle": "cancel",
    "confg": "config",
    "puase": "pause",
    "resmue": "resume",
    "exprot": "export",
    "ignroe": "ignore",
    "full-reviw": "full-review",
}
#: Prow, GitLab, Dependabot, Renovate, pr-agent, Mergify, Slack, GitHub's own, and others.
OTHERS = """
lgtm hold unhold retest test ok-to-test test-all assign unassign cc uncc close reopen kind
area priority sig label remove remove-label cherry-pick cherrypick milestone override skip
rebase verify-owners shrug tableflip joke meow woof pony honk bark lifecycle retitle stage
status wip committee release-note release-note-none check-cla check-dco easycla payload
transfer-issue transfer refresh draft ready relabel due estimate spend merge done todo
subscribe unsubscribe move promote confidential lock unlock weight epic iteration
health_status title react request_review target_branch copy_metadata rerun retry deploy
apply benchmark format fix ci build azp backport bot release publish changelog preview
describe_all ask update_changelog add_docs similar_issue analyze implement compliance
generate_labels reflect gemini copilot run-tests integration e2e packit sync allow take
claim attempt tip bounty snyk codecov gcbrun korbit-review opencode rebuild reset restart
run start stage unstage squash queue dequeue requeue refine resolve summary summarize
generate docs invite leave msg me topic who dnd away apps collapse expand feed feedback
archive kick mute open prefs rename search shortcuts star dm call huddle canvas remind
alerts code details saved-replies table tasklist template etc tmp usr bin home shop now step
top stack text import heal hello hold
"""


def read(typed: str) -> str:
    return meant(Order(typed.lower(), ""), COMMANDS)


@pytest.mark.parametrize(("typed", "command"), TYPED.items())
def test_the_nearest_command_is_found(typed: str, command: str) -> None:
    assert read(typed) == command


@pytest.mark.parametrize("typed", OTHERS.split())
def test_a_word_for_another_bot_is_none(typed: str) -> None:
    assert read(typed) == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_no_mistake_and_only_taken_ones_are_named(name: str) -> None:
    assert read(name) == ""
    swapped = name[0] + name[2] + name[1] + name[3:]
    if len({name[1], name[2]}) == 2 and len(name) > 3:
        assert meant(Order(swapped, ""), [name]) == name
    assert meant(Order(swapped, ""), []) == ""


@pytest.mark.parametrize(
    ("body", "help_"),
    [
        ("/reveiw", True),
        ("/reveiw full", True),
        ("/reveiw 12", True),
        ("\n  /reveiw\r\nthanks", True),
        ("@my-app reviwe", True),
        ("@my-app /reviwe", True),
        ("@my-app reviwe!", False),
        ("@my-app reviwe the login please", False),
        ("/reveiw what ada said about the login", False),
        ("@my-app reviews", False),
        ("@my-app approved", False),
        ("@my-app reviwe?", False),
        ("@other reviwe", False),
        ("@my-app thanks", False),
        ("reviwe", False),
        ("text\n/reveiw", False),
        ("> /reveiw", False),
        ("`/reveiw`", False),
        ("```\n/reveiw\n```", False),
        ("    /reveiw", False),
        ("/reveiw/src", False),
        ("/reveiw.py", False),
        ("https://example.com/reveiw", False),
        ("//reveiw", False),
        ("/", False),
        ("/ reveiw", False),
        ("/etc/hosts is wrong", False),
        ("/shrug", False),
    ],
)
def test_on_github_it_asks_for_help(body: str, help_: bool) -> None:
    door = Door(github_bot_name="my-app", event_types="github.command.help,github.command.review")
    payload = github_delivery("issue_comment", "created").payload
    payload["comment"] |= {"body": body}
    payload["sender"] = payload["comment"]["user"]
    door.github(json.dumps(payload).encode(), "issue_comment")
    found = [(event.type, event.text) for event in door.published]
    word = "reviwe" if "reviwe" in body else "reveiw"
    assert found == ([("github.command.help", f"/{word}")] if help_ else [])


def test_an_edited_comment_and_a_bot_s_own_are_silent() -> None:
    door = Door(event_types="github.command.help,github.command.review")
    payload = github_delivery("issue_comment", "edited").payload
    payload["comment"] |= {"body": "/reveiw"}
    payload["sender"] = payload["comment"]["user"]
    door.github(json.dumps(payload).encode(), "issue_comment")
    assert door.published == []


def test_without_help_or_the_command_there_is_nothing_to_say() -> None:
    for types in ("github.command.review", "github.command.help"):
        door = Door(event_types=types)
        payload = github_delivery("issue_comment", "created").payload
        payload["comment"] |= {"body": "/reveiw"}
        payload["sender"] = payload["comment"]["user"]
        door.github(json.dumps(payload).encode(), "issue_comment")
        assert door.published == []


@pytest.mark.parametrize(
    ("name", "text", "type_"),
    [
        ("app_mention", "<@UBOT> frget", "slack.command.help"),
        ("app_mention", "<@UBOT> /frget the bug", "slack.command.help"),
        ("app_mention", "<@UBOT> frget the bug", "slack.app_mention"),
        ("message_im", "/frget the bug", "slack.command.help"),
        ("message_im", "frget", ""),
        ("message", "/frget the bug", ""),
    ],
)
def test_in_slack_it_asks_for_help(name: str, text: str, type_: str) -> None:
    door = Door(event_types="slack.app_mention,slack.command.help,slack.command.forget")
    request = slack_requests()[name]
    request["event"]["text"] = text
    door.slack(json.dumps(request).encode())
    assert [event.type for event in door.published] == [type_] * bool(type_)


def test_after_the_app_s_slash_command_it_asks_for_help() -> None:
    door = Door(event_types="slack.command.help,slack.command.forget")
    door.slack(a_command(command="/agent", text="frget the bug"), "commands", FORM)
    [event] = door.published
    assert (event.type, event.text) == ("slack.command.help", "/frget")


def test_a_claim_goes_before_a_mistake() -> None:
    types = "github.command.help,github.command.review,github.mention.reviwe"
    door = Door(github_bot_name="my-app", event_types=types)
    payload = github_delivery("issue_comment", "created").payload
    payload["comment"] |= {"body": "@my-app reviwe"}
    payload["sender"] = payload["comment"]["user"]
    door.github(json.dumps(payload).encode(), "issue_comment")
    assert [event.type for event in door.published] == ["github.mention.reviwe"]


def test_what_has_the_form_of_a_command_is_read_in_one_pass() -> None:
    for text in ("/" + "a" * 1_000_000, "/ab " + "c" * 1_000_000, " " * 1_000_000, "\n" * 500_000):
        mistaken(text, mentioned=True)
