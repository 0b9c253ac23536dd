"""./scripts/deploy connects a deployment to Slack: the steps on a real sitting; AWS is moto."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from werkzeug.wrappers import Request, Response

from infra.apps.person import NobodyThere
from infra.apps.slack_config import SlackDeclined
from infra.deploy.stack import Destination
from infra.deploy.stages import Stage
from infra.deploy.steps import slack as step
from infra.deploy.steps.step import Sitting
from infra.deploy.wizard import STEPS
from infra.local.http_server import HttpServer
from infra.local.sandbox.slack import SlackSandbox
from shared.errors import SignatureError
from shared.perception import slack as perception
from tests.campaigns import sample
from tests.infra.apps.slack_sitting import Died, Typing, answering, killed_at

PREFIX = "agents"
LEFT_OUT = [
    "left out; to connect it, set slack in [default.agent_flows.parameters] of samconfig.toml",
    "nothing is connected yet",
]


class Door:
    """A front door that reads its signing secret where the functions do, at each request."""

    def __init__(self) -> None:
        self._server = HttpServer(0)
        self._server.start(self.application)

    @property
    def url(self) -> str:
        return f"{self._server.url}/live"

    def stop(self) -> None:
        self._server.stop()

    def application(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        body = request.get_data()
        headers = {name.lower(): value for name, value in request.headers.items()}
        secret = _secret("webhooks").get("slack_signing_secret", "")
        try:
            perception.verify(body, headers, secret, time.time())
            answer = Response(perception.challenge(body, headers) or "")
        except SignatureError:
            answer = Response("refused", 401)
        return answer(environ, start)


@pytest.fixture
def slack() -> Iterator[SlackSandbox]:
    with SlackSandbox("http://127.0.0.1:9", "secret", pace=0.0) as sandbox:
        yield sandbox


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """The door of a deployed stack."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        found = Door()
        outputs = {"SlackEventsUrl": {"Value": f"{found.url}/slack/events"}}
        resources = {"Topic": {"Type": "AWS::SNS::Topic"}}
        boto3.client("cloudformation").create_stack(
            StackName=PREFIX,
            TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs}),
        )
        yield found
        found.stop()


def sitting_of(slack: SlackSandbox, folder: Path, person: Typing, **more: str) -> Sitting:
    place = Destination(PREFIX, PREFIX, "python3.11", "x86_64", region="eu-central-1")
    environment = {"SLACK_API_URL": slack.api_url, **more}
    return Sitting(place, environment, person, Stage("default"), folder=folder)


def sit(slack: SlackSandbox, folder: Path, person: Typing, **more: str) -> list[str]:
    """Take Slack's steps as the wizard does; return what they said was there."""
    sitting = sitting_of(slack, folder, person, **more)
    said = []
    for one in (one for one in STEPS if one.name in {"slack", "proof"}):
        said.append(one.done(sitting))
        if not said[-1]:
            one.run(sitting)
    return said


def _secret(name: str) -> dict[str, str]:
    client = boto3.client("secretsmanager")
    try:
        found: dict[str, str] = json.loads(
            client.get_secret_value(SecretId=f"{PREFIX}/{name}")["SecretString"]
        )
    except client.exceptions.ResourceNotFoundException:
        return {}
    return found


def test_an_app_is_made_installed_and_proved(
    slack: SlackSandbox, door: Door, tmp_path: Path
) -> None:
    person = answering(slack, Slack="yes")
    assert sit(slack, tmp_path, person) == ["", ""]
    [made] = slack.apps.manifests.values()
    assert made["settings"]["event_subscriptions"]["request_url"] == f"{door.url}/slack/events"
    assert _secret("slack")["slack_bot_token"] == slack.bot_token
    assert "Slack: our front door answers its challenge" in person.said
    assert person.said[-1].startswith("Say hi: invite the bot to a channel")


def test_a_diff_names_what_the_app_differs_in_asks_nobody_and_renews_no_token(
    slack: SlackSandbox, door: Door, tmp_path: Path
) -> None:
    def told() -> list[str]:
        return [*step.changes(sitting_of(slack, tmp_path, Typing({})))]

    assert told() == ["an app is made where you want one"]
    sit(slack, tmp_path, answering(slack, Slack="yes"))
    assert told() == []
    [made] = slack.apps.manifests.values()
    made["settings"]["interactivity"]["request_url"] = "https://old.example/slack/interactive"
    made["features"]["slash_commands"].pop()
    found = told()
    assert len(found) == 2
    assert found[0].startswith("features.slash_commands lacks /")
    assert "settings.interactivity.request_url is https://old.example" in found[1]
    kept = _secret("slack-app")
    slack.apps.expire()
    assert told() == [
        "its manifest cannot be compared: there is no configuration token, or it is over"
    ]
    assert _secret("slack-app") == kept


def test_what_only_the_wizard_reads_is_in_a_secret_of_its_own(
    slack: SlackSandbox, door: Door, tmp_path: Path
) -> None:
    sit(slack, tmp_path, answering(slack, Slack="yes"))
    assert {*_secret("slack-app")} == {
        *("pair_token", "pair_refresh_token", "pair_expires", "pair_generated"),
        *("client_app_id", "client_client_id", "client_client_secret", "client_signing_secret"),
    }
    assert {*_secret("slack")} == {"slack_bot_token"}
    secrets = [*_secret("slack-app").values(), *_secret("slack").values()]
    left = "".join(one.read_text("utf-8") for one in tmp_path.rglob("*.json"))
    assert not [one for one in secrets if one in left]


def test_a_script_brings_its_tokens(slack: SlackSandbox, door: Door, tmp_path: Path) -> None:
    script = Typing({})
    script.is_there = False
    boto3.client("secretsmanager").create_secret(
        Name=f"{PREFIX}/webhooks", SecretString='{"slack_signing_secret": "0123abcd"}'
    )
    given = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_SIGNING_SECRET": "0123abcd"}
    assert sit(slack, tmp_path, script, **given) == ["", ""]
    assert "Slack: our front door answers its challenge" in script.said


def test_a_script_makes_the_app_and_is_told_where_it_is_installed(
    slack: SlackSandbox, door: Door, tmp_path: Path
) -> None:
    script = Typing({})
    script.is_there = False
    given = {"SLACK_CONFIGURATION_TOKEN": slack.apps.generate()}
    with pytest.raises(NobodyThere, match="install-on-team, and set SLACK_BOT_TOKEN"):
        sit(slack, tmp_path, script, **given)
    assert sit(slack, tmp_path, script, **given, SLACK_BOT_TOKEN=slack.bot_token) == ["", ""]
    assert "Slack: our front door answers its challenge" in script.said
    assert given["SLACK_CONFIGURATION_TOKEN"] not in str(_secret("slack-app")) + script.text


def test_without_tokens_a_script_leaves_slack_out(
    slack: SlackSandbox, door: Door, tmp_path: Path
) -> None:
    script = Typing({})
    script.is_there = False
    assert sit(slack, tmp_path, script) == LEFT_OUT


def test_a_person_is_asked_once(slack: SlackSandbox, door: Door, tmp_path: Path) -> None:
    person = Typing({"Slack": "no"})
    assert sit(slack, tmp_path, person) == LEFT_OUT
    assert sit(slack, tmp_path, Typing({})) == LEFT_OUT


def test_a_door_that_reads_another_secret_is_named(
    slack: SlackSandbox, door: Door, tmp_path: Path
) -> None:
    given = {"SLACK_BOT_TOKEN": slack.bot_token, "SLACK_SIGNING_SECRET": "0123abcd"}
    with pytest.raises(SlackDeclined, match="the functions read another signing secret"):
        sit(slack, tmp_path, Typing({}), **given)


@pytest.mark.parametrize("number", sample(list(range(1, 40)), 2))
def test_killed_at_a_boundary_it_goes_on(
    slack: SlackSandbox, door: Door, tmp_path: Path, number: int
) -> None:
    with killed_at(number, {step.SittingSlackKeys: "_put"}), suppress(Died):
        sit(slack, tmp_path, answering(slack, Slack="yes"))
    last = answering(slack, Slack="yes")
    sit(slack, tmp_path, last)
    assert "Slack: our front door answers its challenge" in last.said
    assert len(slack.apps.manifests) == 1
