"""A mention that several flows want goes to one: a command's, then that which claims its first
word, then those that take every mention."""

import hashlib
import hmac
import json
import time
from dataclasses import replace

import pytest

from infra.deploy.declared import Deployed, declared_flows, differences
from infra.local.aws.template import read
from infra.project import ROOT
from shared.agent import Agent, flow
from shared.errors import SettingsError
from shared.events import Event
from shared.settings import Settings
from shared.testing import github_event, slack_event
from shared.web.ingress import Ingress

TYPES = (
    "slack.app_mention,slack.command.forget,slack.mention.deploy,github.issue_comment.created,"
    "github.command.forget,github.mention.deploy,slack.stop"
)


def taken(source: str, text: str, types: str = TYPES) -> list[tuple[str, str]]:
    """Send a signed message that says `text`, and return what is published of it."""
    published: list[Event] = []
    settings = Settings(
        github_webhook_secret="s",
        github_bot_name="agent",
        slack_signing_secret="s",
        event_types=types,
    )
    ingress, now = Ingress(settings, published.append), str(int(time.time()))
    made = (
        github_event("issue_comment.created")
        if source == "github"
        else slack_event("message.channels")
    )
    payload = json.loads(json.dumps(made.payload))
    if source == "github":
        payload["comment"]["body"] = text
        body = json.dumps(payload).encode()
        signed = "sha256=" + hmac.new(b"s", body, hashlib.sha256).hexdigest()
        headers = {"x-github-event": "issue_comment", "x-github-delivery": "d1"}
        ingress.github(body, {**headers, "x-hub-signature-256": signed})
    else:
        payload["event"]["text"] = text
        body = json.dumps(payload).encode()
        signed = hmac.new(b"s", f"v0:{now}:".encode() + body, hashlib.sha256).hexdigest()
        ingress.slack_events(
            body, {"x-slack-request-timestamp": now, "x-slack-signature": f"v0={signed}"}
        )
    return [(event.type, event.text) for event in published]


@pytest.mark.parametrize(
    ("said", "kind", "text"),
    [
        ("{} deploy the shop", "mention.deploy", "the shop"),
        ("{}, Deploy: the shop", "mention.deploy", "the shop"),
        ("{} deploy", "mention.deploy", ""),
        ("  {} deploy\nthe shop", "mention.deploy", "the shop"),
        ("{} /forget deploy", "command.forget", "deploy"),
        ("{} redeploy the shop", "", ""),
        ("{} deploy-it", "mention.deploy", "-it"),
        ("please {} deploy the shop", "", ""),
        ("deploy the shop", "-", ""),
        ("> {} deploy", "", ""),
        ("{} ünïcode", "", ""),
        ("{}", "", ""),
    ],
)
@pytest.mark.parametrize("source", ["github", "slack"])
def test_a_mention_goes_to_the_flow_that_claims_its_first_word(
    source: str, said: str, kind: str, text: str
) -> None:
    plain = {"github": "github.issue_comment.created", "slack": "slack.app_mention"}[source]
    name = {"github": "@agent", "slack": "<@UBOT>"}[source]
    found = taken(source, said.format(name))
    if kind == "-" and source == "slack":
        assert found == []  # no mention, and nobody wants plain messages
    elif kind in ("", "-"):
        assert [type_ for type_, _ in found] == [plain]
    else:
        assert found == [(f"{source}.{kind}", text)]


@pytest.mark.parametrize("types", ["", "slack.app_mention,github.issue_comment.created"])
@pytest.mark.parametrize("source", ["github", "slack"])
def test_nothing_is_claimed_that_no_flow_declares(source: str, types: str) -> None:
    name = {"github": "@agent", "slack": "<@UBOT>"}[source]
    [(type_, _)] = taken(source, f"{name} deploy the shop", types)
    assert type_ in {"github.issue_comment.created", "slack.app_mention"}


def test_the_person_who_mentions_is_answered_as_after_every_mention() -> None:
    claimed = slack_event("mention.deploy", "the shop")
    assert (claimed.type, claimed.text) == ("slack.mention.deploy", "the shop")
    assert claimed.addressed
    assert github_event("mention.deploy", body="the shop").text == "the shop"


def test_two_flows_claim_no_word_both() -> None:
    @flow("slack.mention.deploy")
    def one(event: Event, agent: Agent) -> None: ...

    template = ROOT / "template.yaml"
    deployed = Deployed(read(template), template.read_text("utf-8"))
    flows = declared_flows() | {"flows.one:one": one, "flows.two:two": replace(one, name="two")}
    assert "flows: two and one both claim slack.mention.deploy; take another word" in "\n".join(
        differences(flows, deployed)
    )


@pytest.mark.parametrize("wrong", ["slack.mention.a b", "slack.mention.Deploy", "api.mention.xy"])
def test_a_claim_that_no_mention_makes_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError):
        flow(wrong)
