"""The front door refuses and fails without losing an event or telling a secret."""

import hmac
import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import shared.web.ingress
from shared.errors import PublishError
from shared.events import Json
from shared.web.ingress import MAX_BODY
from tests.campaigns import examples
from tests.events.mutated import mutated
from tests.events.published import github_deliveries, slack_requests
from tests.scripted_http import answer, served
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


@pytest.mark.parametrize("late", [-301, 301])
def test_old_and_future_slack_requests_are_refused(late: int) -> None:
    door = Door()
    body = slack_body("message")
    headers = slack_headers(body, JSON, NOW + late)
    assert door.call("/slack/events", body, headers)["statusCode"] == 401
    assert door.published == []


@pytest.mark.parametrize("path", ["github/webhook", "slack/events", "slack/commands"])
@pytest.mark.parametrize("body", [None, "", "{}", b"\xff", "x" * 1000])
@pytest.mark.parametrize("headers", [{}, {"X-Hub-Signature-256": "x" * 100_000}])
def test_unsigned_requests_are_refused(path: str, body: bytes | str | None, headers: Json) -> None:
    door = Door()
    response = door.call(f"/{path}", body, headers)
    assert response["statusCode"] == 401
    assert json.loads(response["body"]) == {"error": "the signature does not match the body"}
    assert door.published == []


def test_without_secrets_everything_is_refused() -> None:
    door = Door(github_webhook_secret="", slack_signing_secret="")
    body = an_issue()
    headers = github_headers(body, "issues", JSON)
    headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(b"", body, "sha256").hexdigest()
    assert door.call("/github/webhook", body, headers)["statusCode"] == 401
    assert door.slack(slack_body("message"))["statusCode"] == 401
    assert door.published == []


@pytest.mark.parametrize("body", ["\ud800", "a\udfffb"])
def test_body_that_is_no_utf8_is_refused(body: str) -> None:
    response = Door().call("/github/webhook", body, {})
    assert response["statusCode"] == 400
    assert "error" in json.loads(response["body"])


def test_body_that_is_no_base64_is_refused() -> None:
    door = Door()
    event = {"body": "a", "isBase64Encoded": True, "headers": {}, "pathParameters": None}
    context = {"resourcePath": "/github/webhook", "httpMethod": "POST"}
    nulls = {"multiValueQueryStringParameters": None, "stageVariables": None}
    assert door.app({**event, **nulls, "requestContext": context}, None)["statusCode"] == 400


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b"\xff\xfe", b"payload={}"])
@pytest.mark.parametrize("kind", [JSON, "text/plain", "", "multipart/form-data; boundary=x"])
def test_signed_body_that_is_no_event_is_a_clear_400(body: bytes, kind: str) -> None:
    door = Door()
    for response in (door.github(body, kind=kind), door.slack(body, kind=kind)):
        assert response["statusCode"] == 400
        assert "the body" in json.loads(response["body"])["error"]
        assert response["headers"]["Content-Type"] == "application/json"


def test_body_of_five_megabytes_is_taken_and_a_larger_one_is_not() -> None:
    door = Door()
    room = MAX_BODY - len(an_issue(body=""))
    assert door.github(an_issue(body="x" * room))["statusCode"] == 200
    response = door.github(an_issue(body="x" * (room + 1)))
    assert response["statusCode"] == 413
    assert str(MAX_BODY) in json.loads(response["body"])["error"]
    assert len(door.published) == 1


def test_failed_publish_is_503_with_retry_after(capsys: pytest.CaptureFixture[str]) -> None:
    door = Door()
    door.failure = PublishError("sns: no answer from somewhere: timed out")
    for response in (door.github(an_issue()), door.slack(a_command(), "commands", FORM)):
        assert response["statusCode"] == 503
        assert response["headers"]["Retry-After"] == "5"
        assert "sns" not in response["body"]
    line = json.loads(capsys.readouterr().out.splitlines()[0])
    assert line["message"] == "publish failed"
    assert line["reason"] == "sns: no answer from somewhere: timed out"
    assert line["Failed"] == 1


def test_unexpected_error_is_503_and_one_line_without_what_people_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    door = Door()
    door.failure = KeyError("what people said")
    response = door.github(an_issue())
    assert response["statusCode"] == 503
    assert "Traceback" not in response["body"]
    captured = capsys.readouterr()
    (line,) = captured.out.splitlines()
    assert json.loads(line)["reason"].startswith("KeyError in _publish:")
    assert "what people said" not in line + captured.err


def test_wrong_tenants_setting_is_told_by_503_not_by_losing_events() -> None:
    door = Door(tenants="nonsense")
    assert door.github(an_issue())["statusCode"] == 503


def test_logs_hold_no_text_of_people(capsys: pytest.CaptureFixture[str]) -> None:
    door = Door()
    door.github(an_issue(title="a private title", body="a private body"))
    door.github(b'{"private": "body"', kind=JSON)
    door.slack(a_command(text="a private text"), "commands", FORM)
    lines = capsys.readouterr().out
    assert "private" not in lines
    assert len([json.loads(line) for line in lines.splitlines()]) == 3


@pytest.mark.parametrize("path", ["/github/webhook", "/slack/events"])
def test_other_methods_are_refused(path: str) -> None:
    assert Door().call(path, None, {}, "GET")["statusCode"] == 405


@examples(150)
@given(st.randoms(use_true_random=False))
def test_signed_mutations_are_taken_or_refused_never_failed(random: Random) -> None:
    door = Door()
    delivery = random.choice(github_deliveries())
    body = json.dumps(mutated(delivery.payload, random)).encode()
    assert door.github(body, delivery.event)["statusCode"] in {200, 400}
    request = random.choice(list(slack_requests().values()))
    body = json.dumps(mutated(request, random)).encode()
    assert door.slack(body)["statusCode"] in {200, 400}


def test_function_publishes_over_http_and_says_503_when_the_bus_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Build the function as Lambda does, from its environment."""
    with served(answer(), answer(500), answer(500)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SNS", server.url)
        monkeypatch.setenv("TOPIC_ARN", "arn:aws:sns:us-east-1:123456789012:events.fifo")
        monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", "github secret")
        door = Door()
        door.app = shared.web.ingress.app
        assert server.accepted.wait(5)
        assert door.github(an_issue())["statusCode"] == 200
        assert door.github(an_issue())["statusCode"] == 503
    assert len(server.requests) == 3
    assert door.github(an_issue())["statusCode"] == 503


def test_without_a_topic_nothing_is_accepted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_WEBHOOK_SECRET", "github secret")
    door = Door()
    door.app = shared.web.ingress.app
    assert door.github(an_issue())["statusCode"] == 503
    assert "set TOPIC_ARN" in capsys.readouterr().out
