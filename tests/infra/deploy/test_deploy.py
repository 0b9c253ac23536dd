"""./scripts/deploy before and after SAM: secrets, parameters, the migration's answer."""

import io
import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.deploy import secrets
from infra.deploy.secrets import KEPT, Stored
from infra.deploy.stack import DeployError, Destination, migrate, parameters, sam_commands
from infra.deploy.steps.checks import missing
from infra.local.aws.template import read
from infra.project import ROOT
from shared.settings import Settings

PLACE = Destination("agents", "agents", "python3.12", "arm64", region="eu-central-1")
NOTHING = Stored({secret: {} for secret in KEPT})
SETTINGS = Settings(
    database_url="postgresql://me:hidden@db.example.com/flows",
    slack_signing_secret="hidden",
    slack_bot_token="xoxb-hidden",
)


@pytest.fixture
def manager() -> Iterator[Any]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield boto3.client("secretsmanager", region_name="eu-central-1")


def _store(manager: Any, settings: Settings) -> Stored:
    before = secrets.read(manager, "agents")
    return secrets.store(manager, "agents", before, secrets.given(settings))


def test_secrets_are_created_then_left_alone_and_never_printed(
    manager: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first = _store(manager, SETTINGS)
    created = capsys.readouterr().out
    again = _store(manager, SETTINGS)
    unchanged = capsys.readouterr().out
    assert "secret agents/slack: created" in created
    assert "secret agents/slack: unchanged" in unchanged
    assert "hidden" not in created + unchanged
    assert again == first
    kept = json.loads(manager.get_secret_value(SecretId="agents/slack")["SecretString"])
    assert kept == {"signing_secret": "hidden", "bot_token": "xoxb-hidden"}


def test_a_changed_secret_keeps_the_others_and_changes_the_version(manager: Any) -> None:
    first = _store(manager, SETTINGS)
    second = _store(manager, Settings(slack_bot_token="xoxb-new"))
    assert second.values["slack"] == {"signing_secret": "hidden", "bot_token": "xoxb-new"}
    assert second.values["database"] == first.values["database"]
    assert second.versions != first.versions


def test_the_door_of_a_platform_that_is_not_used_is_closed_by_chance(manager: Any) -> None:
    first = _store(manager, SETTINGS)
    assert len(first.values["github"]["webhook_secret"]) > 30
    assert _store(manager, SETTINGS).values["github"] == first.values["github"]


def test_a_stray_token_is_not_stored_beside_an_app() -> None:
    given = secrets.given(Settings(github_app_private_key="pem", github_token="personal"))
    assert given["github"] == {"app_private_key": "pem"}


def test_every_secret_that_the_template_reads_is_kept() -> None:
    text = (ROOT / "template.yaml").read_text("utf-8")
    read_there = set(re.findall(r"\$\{SecretPrefix\}/(\w+):SecretString:(\w+)\}\}", text))
    assert read_there == {(secret, key) for secret, keys in KEPT.items() for key in keys}
    assert text.count("{{resolve:") == text.count(":SecretString:")


def test_parameters_follow_from_what_is_stored_and_what_is_set(manager: Any) -> None:
    stored = _store(manager, SETTINGS)
    values = parameters(PLACE, {"FOOTER": "off", "OPENAI_BASE_URL": "https://a/v1"}, stored)
    assert values.pop("SecretsVersion") == stored.versions
    assert values == {
        "Runtime": "python3.12",
        "Architecture": "arm64",
        "SecretPrefix": "agents",
        "GitHubAuth": "none",
        "SlackAuth": "bot",
        "ApiAuth": "none",
        "ModelAuth": "none",
        "Footer": "off",
        "OpenAiBaseUrl": "https://a/v1",
    }


def test_every_parameter_that_deploy_sets_is_one_of_the_template() -> None:
    declared = read(ROOT / "template.yaml")["Parameters"]
    every_setting = {name.upper(): "x" for name in Settings._fields}
    assert set(parameters(PLACE, every_setting, NOTHING)) <= set(declared)


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        ({"app_private_key": "pem", "token": "t"}, "app"),
        ({"token": "t"}, "token"),
        ({"webhook_secret": "s"}, "none"),
    ],
)
def test_an_app_goes_before_a_token(stored: dict[str, str], expected: str) -> None:
    values = parameters(PLACE, {}, Stored({**NOTHING.values, "github": stored}))
    assert values["GitHubAuth"] == expected


def test_what_is_missing_is_named() -> None:
    assert missing(SETTINGS, Stored(secrets.given(SETTINGS))) == []
    assert missing(Settings(), NOTHING) == ["DATABASE_URL is not set"]
    half = SETTINGS._replace(
        database_url="postgresql:///flows", slack_signing_secret="", github_app_private_key="pem"
    )
    assert missing(half, Stored(secrets.given(half))) == [
        "DATABASE_URL is on this machine, which AWS cannot reach",
        "GITHUB_WEBHOOK_SECRET is not set",
        "SLACK_SIGNING_SECRET is not set",
        "GITHUB_APP_PRIVATE_KEY is set, but not GITHUB_APP_ID",
    ]


def test_sam_builds_and_deploys_with_the_same_parameters() -> None:
    _, build, deploy = sam_commands(PLACE._replace(profile="team"), {"Runtime": "python3.12"})
    assert build[1:] == ["build", "--parameter-overrides", 'Runtime="python3.12"']
    assert deploy[1:4] == ["deploy", "--stack-name", "agents"]
    assert deploy[4:8] == ["--profile", "team", "--region", "eu-central-1"]
    assert deploy[8:] == build[2:]


class Answering:
    """A Lambda client whose function answers this."""

    def __init__(self, payload: object, error: str = "") -> None:
        self._reply = {"Payload": io.BytesIO(json.dumps(payload).encode()), "FunctionError": error}

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:
        return self._reply


def test_the_migration_tells_what_it_applied() -> None:
    assert migrate(Answering({"applied": ["0001_journal"]}), "agents-migrate") == ["0001_journal"]


@pytest.mark.parametrize(
    "answer",
    [
        Answering({"errorMessage": "no route to host", "errorType": "X"}, "Unhandled"),
        Answering(None),
        Answering({"statusCode": 200}),
    ],
)
def test_a_migration_that_fails_fails_the_deployment(answer: Answering) -> None:
    with pytest.raises(DeployError, match="agents-migrate could not migrate the database"):
        migrate(answer, "agents-migrate")


@pytest.mark.sam
def test_a_dry_run_shows_the_steps_without_credentials() -> None:
    unset = {name.upper(): "" for name in Settings._fields}  # A person's .env may set them.
    environment = {**os.environ, **unset, "SLACK_BOT_TOKEN": "xoxb-hidden"}
    command = [str(ROOT / "scripts/deploy"), "--dry-run"]
    shown = subprocess.check_output(command, env=environment, text=True, stderr=subprocess.STDOUT)
    assert "missing, unless deployed before: DATABASE_URL is not set" in shown
    assert "would store agent-flows/slack: bot_token" in shown
    assert "would run ./scripts/sam deploy --stack-name agent-flows" in shown
    assert "is a valid SAM Template" in shown
    assert "hidden" not in shown
