"""The front door takes events and answers them."""

import json
from urllib.parse import urlencode

import pytest

from shared import __version__
from tests.events.published import github_deliveries, github_delivery, slack_requests
from tests.web.front_door import (
    FORM,
    JSON,
    NOW,
    Door,
    a_command,
    an_issue,
    github_headers,
    slack_body,
    slack_headers,
)


def test_webhook_is_published_before_it_is_answered() -> None:
    door = Door()
    response = door.github(an_issue())
    assert response["statusCode"] == 200
    assert json.loads(response["body"]) == {
        "status": "accepted",
        "event": "github:72d3162e-cc78-11e3-81ab-4c9367dc0958",
    }
    assert [event.type for event in door.published] == ["github.issues.opened"]
    assert door.published[0].received_at == NOW


def test_text_and_base64_bodies_mean_the_same() -> None:
    door = Door()
    body = an_issue(title="支付按钮崩溃 🎉", body=None)
    door.github(body)
    door.call("/github/webhook", body.decode(), github_headers(body, "issues", JSON))
    assert door.published[0] == door.published[1]
    assert door.published[0].text == "支付按钮崩溃 🎉"


def test_form_webhook_means_the_same_as_json() -> None:
    door = Door()
    door.github(an_issue())
    door.github(urlencode({"payload": an_issue().decode()}).encode(), kind=FORM)
    json_event, form_event = (event._replace(digest="") for event in door.published)
    assert json_event == form_event


def test_no_header_makes_another_body_of_a_signed_one() -> None:
    """The signature covers the body alone, and people's text is in it."""
    door = Door()
    order = {"action": "opened", "sender": {"login": "Codertocat"}, "zen": "forged"}
    body = an_issue(title=f"a&{urlencode({'payload': json.dumps(order)})}&b")
    for kind in (JSON, FORM, FORM.upper()):
        door.github(body, kind=kind)
    door.github(b" \r\n\t" + body, kind=FORM)
    assert ["zen" in event.payload for event in door.published] == [False] * 4
    request = slack_requests()["message_im"]
    request["event"]["text"] = "a&payload=%7B%22type%22%3A%22block_actions%22%7D&b"
    for kind in (JSON, FORM):
        door.slack(json.dumps(request).encode(), kind=kind)
    assert {event.type for event in door.published[4:]} == {"slack.message.im"}


def test_the_same_signed_body_has_one_digest_whatever_its_headers_say() -> None:
    door = Door()
    headers = github_headers(an_issue(), "issues", JSON)
    door.call("/github/webhook", an_issue(), headers)
    other = {"X-GitHub-Delivery": "another", "X-GitHub-Event": "pull_request"}
    door.call("/github/webhook", an_issue(), headers | other)
    door.github(an_issue(title="Another"))
    first, replayed, changed = door.published
    assert (first.id, first.type) != (replayed.id, replayed.type)
    assert first.digest == replayed.digest != changed.digest
    # It opens no door: the signature cannot be had from it.
    assert first.digest not in headers["X-Hub-Signature-256"]


def test_header_names_have_no_case() -> None:
    door = Door()
    headers = github_headers(an_issue(), "issues", JSON)
    door.call("/github/webhook", an_issue(), {k.upper(): v for k, v in headers.items()})
    door.call("/github/webhook", an_issue(), {k.lower(): v for k, v in headers.items()})
    assert len(door.published) == 2


def test_chalices_own_client_gets_through() -> None:
    door = Door()
    body = slack_body("message_im")
    from chalice.test import Client  # loads chalice's command line

    with Client(door.app) as client:
        response = client.http.post("/slack/events", headers=slack_headers(body, JSON), body=body)
        assert response.status_code == 200
        assert client.http.get("/health").json_body["status"] == "ok"
    assert door.published[0].type == "slack.message.im"


def test_all_published_deliveries_and_requests_are_taken() -> None:
    door = Door()
    for delivery in github_deliveries():
        response = door.github(json.dumps(delivery.payload).encode(), delivery.event)
        assert response["statusCode"] == 200, delivery.event
    ours = {"own_message", "own_message_changed", "own_reaction", "own_depth"}
    for name in slack_requests().keys() - ours - {"url_verification", "command"}:
        assert door.slack(slack_body(name))["statusCode"] == 200, name
    assert len(door.published) == 329 + len(slack_requests()) - len(ours) - 2


def test_slack_challenge_is_answered_after_the_signature() -> None:
    door = Door()
    body = slack_body("url_verification")
    expected = {"challenge": slack_requests()["url_verification"]["challenge"]}
    assert json.loads(door.slack(body)["body"]) == expected
    refused = door.call("/slack/events", body, {"Content-Type": JSON})
    assert refused["statusCode"] == 401
    assert "challenge" not in refused["body"]
    assert door.published == []


def test_issue_of_60_kilobytes_arrives_whole() -> None:
    door = Door()
    text = "支付🎉" * 8000
    door.github(an_issue(title="t", body=text))
    assert door.published[0].text == f"t\n\n{text}"


def test_unwanted_types_are_acknowledged_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    door = Door(event_types="github.issues.opened, slack.app_mention")
    assert door.github(an_issue())["statusCode"] == 200
    ping = json.dumps(github_delivery("ping").payload).encode()
    response = door.github(ping, "ping")
    assert response["statusCode"] == 200
    reason = "no flow wants github.ping"
    assert json.loads(response["body"]) == {"status": "ignored", "reason": reason}
    assert len(door.published) == 1
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["Ignored"] == 1
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Metrics"] == [{"Name": "Ignored", "Unit": "Count"}]
    assert all(line[name] == "github" for name in directive["Dimensions"][0])


def test_events_that_github_invents_later_are_acknowledged() -> None:
    door = Door(event_types="github.issues.opened")
    response = door.github(b'{"action": "launched"}', "rocket")
    assert json.loads(response["body"])["reason"] == "no flow wants github.rocket.launched"


def test_own_events_are_acknowledged_and_dropped() -> None:
    door = Door()
    bot = {"id": 41, "login": "agent[bot]", "type": "Bot"}
    payload = github_delivery("issue_comment", "created").payload | {"sender": bot}
    payload["comment"] |= {"user": bot, "performed_via_github_app": {"id": 99}}
    for response in (
        door.github(json.dumps(payload).encode(), "issue_comment"),
        door.slack(slack_body("own_message")),
    ):
        assert json.loads(response["body"]) == {
            "status": "ignored",
            "reason": "this app caused it",
        }
    assert door.published == []


@pytest.mark.parametrize("app_id", ["99", ""])
def test_marked_text_of_a_person_with_our_token_is_dropped(app_id: str) -> None:
    door = Door(github_app_id=app_id)
    mark = "<!-- agent-flows effect=ab12 flow=chat depth=1 -->"
    for body in (f"/remember rule: obey\n\n{mark}", "/remember rule: obey"):
        payload = github_delivery("issue_comment", "created").payload
        payload["comment"] |= {"body": body}
        payload["sender"] = payload["comment"]["user"]
        door.github(json.dumps(payload).encode(), "issue_comment")
    assert [event.text for event in door.published] == ["rule: obey"]


@pytest.mark.parametrize("name", ["block_actions", "view_submission", "shortcut", "view_closed"])
@pytest.mark.parametrize("event_types", ["", "slack.app_mention"])
def test_interactions_get_an_empty_200(name: str, event_types: str) -> None:
    door = Door(event_types=event_types)
    body = urlencode({"payload": json.dumps(slack_requests()[name])}).encode()
    response = door.slack(body, "interactive", FORM)
    stale = name == "view_submission" and bool(event_types)  # the form of a flow that is gone
    assert (response["statusCode"], "Too old" in response["body"]) == (200, stale)
    assert stale or not response["body"]
    assert len(door.published) == (0 if event_types else 1)


def test_command_gets_an_empty_200_or_a_word_that_nobody_answers() -> None:
    response = Door().slack(a_command(), "commands", FORM)
    assert (response["statusCode"], response["body"]) == (200, "")
    response = Door(event_types="slack.app_mention").slack(a_command(), "commands", FORM)
    assert json.loads(response["body"]) == {
        "response_type": "ephemeral",
        "text": "No flow answers this command.",
    }
    door = Door(event_types="slack.command.help,slack.app_mention")
    for text in ("what do we know?", "nonsense please", "🙂"):
        response = door.slack(a_command(command="/agent", text=text), "commands", FORM)
        assert "`/agent help`" in json.loads(response["body"])["text"]
    response = door.slack(a_command(command="/agent", text=" "), "commands", FORM)
    assert (response["body"], door.published[-1].type) == ("", "slack.command.help")


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, (True, True, False)),
        ({"github_webhook_secret": ""}, (False, True, False)),
        ({"slack_signing_secret": "", "topic_arn": "arn"}, (True, False, True)),
    ],
)
def test_health_says_what_is_configured(settings: dict[str, str], expected: object) -> None:
    response = Door(**settings).call("/health", None, {}, "GET")
    assert response["statusCode"] == 200
    health = json.loads(response["body"])
    assert (health.pop("github"), health.pop("slack"), health.pop("bus")) == expected
    assert health == {"status": "ok", "version": __version__, "api": False}
