"""./scripts/deploy before SAM: secrets and parameters."""

import json
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.deploy import secrets
from infra.deploy.stack import Destination, parameters, sam_commands
from infra.deploy.steps.checks import missing
from infra.project import ROOT
from shared.errors import SettingsError
from shared.settings import Settings

PLACE = Destination("agents", "agents", "python3.12", "arm64", region="eu-central-1")
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


def _store(manager: Any, settings: Settings) -> dict[str, str]:
    before = secrets.read(manager, "agents")
    return secrets.store(manager, "agents", before, secrets.given(settings))


def _held(manager: Any, name: str) -> Any:
    return json.loads(manager.get_secret_value(SecretId=f"agents/{name}")["SecretString"])


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
    assert _held(manager, "slack") == {"slack_bot_token": "xoxb-hidden"}
    assert _held(manager, "webhooks") == {"slack_signing_secret": "hidden"}
    names = {one["Name"] for one in manager.list_secrets()["SecretList"]}
    logins = {f"agents/database/{kind}" for kind in ("owner", "runtime", "operator", "reader")}
    assert names == {"agents/slack", "agents/webhooks", *logins}  # each costs $0.40 a month


def test_a_changed_secret_keeps_the_others_and_what_others_put_beside_them(manager: Any) -> None:
    first = _store(manager, SETTINGS)
    secrets.keep(manager, "agents", "database/runtime", {"rotated_by": "somebody"})
    second = _store(manager, Settings(slack_bot_token="xoxb-new"))
    assert second == {**first, "slack_bot_token": "xoxb-new"}
    assert _held(manager, "database/runtime") == {
        "database_url": first["database_runtime_url"],
        "rotated_by": "somebody",
    }


def test_a_login_that_was_rotated_stays_unless_the_database_moves(manager: Any) -> None:
    _store(manager, SETTINGS)
    rotated = {"database_url": "postgresql://rotated:new@db.example.com/flows"}
    secrets.keep(manager, "agents", "database/runtime", rotated)
    assert _store(manager, SETTINGS)["database_runtime_url"] == rotated["database_url"]
    moved = SETTINGS._replace(database_url="postgresql://me:hidden@other.example.com/flows")
    assert "other.example.com" in _store(manager, moved)["database_runtime_url"]


def test_a_secret_that_waits_to_be_deleted_is_taken_back(manager: Any) -> None:
    _store(manager, SETTINGS)
    manager.delete_secret(SecretId="agents/slack")
    _store(manager, SETTINGS)
    assert _held(manager, "slack") == {"slack_bot_token": "xoxb-hidden"}


@pytest.mark.parametrize("content", ["{", "[1]", '{"slack_bot_token": 7}', '"x"'])
def test_a_secret_that_somebody_broke_is_named(manager: Any, content: str) -> None:
    manager.create_secret(Name="agents/slack", SecretString=content)
    with pytest.raises(SettingsError, match="secret agents/slack is not a JSON object"):
        secrets.read(manager, "agents")


def test_a_secret_that_is_too_large_is_refused(manager: Any) -> None:
    with pytest.raises(SettingsError, match="more than 65536 bytes"):
        secrets.keep(manager, "agents", "webhooks", {"api_tokens": "x" * 70_000})


def test_what_an_earlier_version_stored_is_taken_over(manager: Any) -> None:
    earlier = {
        "database": {
            "url": "postgresql://old@db/flows",
            "runtime_url": "postgresql://run@db/flows",
        },
        "github": {"webhook_secret": "w", "app_private_key": "pem"},
        "slack": {"signing_secret": "s", "bot_token": "xoxb-b"},
        "api": {"tokens": "{}"},
        "models": {"openai_api_key": "k"},
    }
    for name, values in earlier.items():
        manager.create_secret(Name=f"agents/{name}", SecretString=json.dumps(values))
    stored = _store(manager, Settings())
    assert stored["database_runtime_url"] == "postgresql://run@db/flows"
    assert "operator" in stored["database_operator_url"]
    assert _held(manager, "webhooks") == {
        "github_webhook_secret": "w",
        "slack_signing_secret": "s",
        "api_tokens": "{}",
    }
    assert _held(manager, "github")["github_app_private_key"] == "pem"
    assert _held(manager, "models") == {"openai_api_key": "k"}
    assert _store(manager, Settings()) == stored


def test_a_stray_token_is_not_stored_beside_an_app() -> None:
    given = secrets.given(Settings(github_app_private_key="pem", github_token="personal"))
    assert given == {"github_app_private_key": "pem"}


def test_parameters_follow_from_the_destination_and_the_settings() -> None:
    settings = {"FOOTER": "off", "MAP_SPILL": "s3", "BATCH_BUCKET": "b"}
    assert parameters(PLACE, settings) == {
        "Runtime": "python3.12",
        "Architecture": "arm64",
        "SecretPrefix": "agents",
        "MapSpill": "s3",
        "BatchBucket": "b",
    }


def test_what_is_missing_is_named() -> None:
    assert missing(SETTINGS, secrets.given(SETTINGS)) == []
    assert missing(Settings(), {}) == ["DATABASE_URL is not set"]
    half = SETTINGS._replace(
        database_url="postgresql:///flows", slack_signing_secret="", github_app_private_key="pem"
    )
    assert missing(half, secrets.given(half)) == [
        "DATABASE_URL is on this machine, which AWS cannot reach",
        "SLACK_SIGNING_SECRET is not set",
        "GITHUB_APP_PRIVATE_KEY is set, but not GITHUB_APP_ID",
    ]


def test_sam_builds_and_deploys_with_the_same_parameters() -> None:
    _, build, deploy = sam_commands(PLACE._replace(profile="team"), {"Runtime": "python3.12"})
    assert build[1:] == ["build", "--parameter-overrides", 'Runtime="python3.12"']
    assert deploy[1:4] == ["deploy", "--stack-name", "agents"]
    assert deploy[4:8] == ["--profile", "team", "--region", "eu-central-1"]
    assert deploy[8:] == build[2:]


@pytest.mark.sam
def test_a_dry_run_shows_the_steps_without_credentials() -> None:
    unset = {name.upper(): "" for name in Settings._fields}  # A person's .env may set them.
    environment = {**os.environ, **unset, "SLACK_BOT_TOKEN": "xoxb-hidden"}
    command = [str(ROOT / "scripts/deploy"), "--dry-run"]
    shown = subprocess.check_output(command, env=environment, text=True, stderr=subprocess.STDOUT)
    assert "missing, unless deployed before: DATABASE_URL is not set" in shown
    assert "would store agent-flows/slack: slack_bot_token" in shown
    assert "would run ./scripts/sam deploy --stack-name agent-flows" in shown
    assert "is a valid SAM Template" in shown
    assert "hidden" not in shown
