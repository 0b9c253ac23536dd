"""The sandbox GitHub sends what happens in it as GitHub does: signed, once, and kept."""

import hashlib
import hmac

import pytest

from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.hooks import signature
from tests.actions.github.sandbox_issue import SHOP
from tests.infra.local.sandbox.github.clients import app, shop
from tests.infra.local.sandbox.github.receiver import Receiver


@pytest.fixture
def sandbox(sandbox: GitHubSandbox, receiver: Receiver) -> GitHubSandbox:
    sandbox.webhook_url = receiver.url
    return sandbox


def test_the_signature_is_the_one_that_github_publishes() -> None:
    assert signature("It's a Secret to Everybody", b"Hello, World!") == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )


def test_what_people_do_arrives_signed(sandbox: GitHubSandbox, receiver: Receiver) -> None:
    number = sandbox.open_issue(SHOP, "Crash", "错误 🙂", author="sam")
    sandbox.comment(SHOP, number, "Me too", author="li")
    assert sandbox.settle()
    assert receiver.seen == ["issues.opened", "issue_comment.created"]
    for headers, body in receiver.received:
        digest = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
        assert headers["x-hub-signature-256"] == f"sha256={digest}"
        assert headers["content-type"] == "application/json"
    opened, commented = receiver.payloads
    assert opened["issue"]["body"] == "错误 🙂"
    assert opened["issue"]["author_association"] == "NONE"
    assert opened["sender"]["type"] == "User"
    assert opened["repository"]["full_name"] == SHOP
    assert opened["installation"]["id"]
    assert commented["comment"]["author_association"] == "MEMBER"
    guids = {headers["x-github-delivery"] for headers, _ in receiver.received}
    assert len(guids) == 2


def test_what_the_bot_does_arrives_too(sandbox: GitHubSandbox, receiver: Receiver) -> None:
    issue = shop(sandbox).get_issue(sandbox.open_issue(SHOP, "Crash"))
    issue.create_comment("Hello")
    issue.add_to_labels("bug")
    assert sandbox.settle()
    assert receiver.seen == ["issues.opened", "issue_comment.created", "issues.labeled"]
    commented = receiver.payloads[1]
    assert commented["sender"]["login"] == "agent-flows[bot]"
    assert commented["sender"]["type"] == "Bot"
    assert commented["comment"]["performed_via_github_app"]["slug"] == "agent-flows"
    assert receiver.payloads[2]["label"]["name"] == "bug"


def test_a_change_that_changes_nothing_is_not_announced(
    sandbox: GitHubSandbox, receiver: Receiver
) -> None:
    sandbox.open_issue(SHOP, "Crash", "Body")
    sandbox.edit_issue(SHOP, 1, title="Crash", body="Body", state="open", labels=[])
    assert sandbox.settle()
    assert receiver.seen == ["issues.opened"]


def test_a_repository_without_the_app_is_silent(sandbox: GitHubSandbox, receiver: Receiver) -> None:
    sandbox.add_repository("other/lib", installed=False)
    sandbox.open_issue("other/lib", "Crash")
    assert sandbox.settle()
    assert receiver.seen == []


def test_a_failed_delivery_is_kept_and_not_tried_again(
    sandbox: GitHubSandbox, receiver: Receiver
) -> None:
    receiver.answers = [503]
    sandbox.open_issue(SHOP, "Crash")
    assert sandbox.settle()
    (delivery,) = sandbox.deliveries()
    assert len(receiver.received) == 1
    assert (delivery["status_code"], delivery["status"]) == (503, "Invalid HTTP Response: 503")


def test_a_slow_receiver_is_given_up(receiver: Receiver) -> None:
    receiver.delay = 1.0
    with GitHubSandbox(receiver.url, "secret", webhook_timeout=0.3) as sandbox:
        sandbox.open_issue(SHOP, "Crash")
        assert sandbox.settle()
        assert sandbox.deliveries()[0]["status"] == "timed out"


def test_nobody_there_is_a_failed_delivery(sandbox: GitHubSandbox) -> None:
    sandbox.webhook_url = "http://127.0.0.1:9/"
    sandbox.open_issue(SHOP, "Crash")
    assert sandbox.settle()
    assert sandbox.deliveries()[0]["status"] == "failed to connect to host"


def test_a_redelivery_has_the_same_guid_and_body(
    sandbox: GitHubSandbox, receiver: Receiver
) -> None:
    receiver.answers = [500]
    sandbox.open_issue(SHOP, "Crash")
    assert sandbox.settle()
    failed = sandbox.deliveries()[0]
    path = f"/app/hook/deliveries/{failed['id']}/attempts"
    assert app(sandbox).requester.requestJsonAndCheck("POST", path)[1] == {}
    sandbox.redeliver(failed["guid"])
    assert sandbox.settle()
    assert [one["redelivery"] for one in sandbox.deliveries()] == [True, True, False]
    assert len({headers["x-github-delivery"] for headers, _ in receiver.received}) == 1
    assert len({body for _, body in receiver.received}) == 1


def test_without_an_address_nothing_is_sent(sandbox: GitHubSandbox) -> None:
    sandbox.webhook_url = ""
    sandbox.open_issue(SHOP, "Crash")
    assert sandbox.deliveries() == []
