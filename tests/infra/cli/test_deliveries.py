"""./scripts/flows deliveries shows what GitHub delivered, and lets it send one again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.cli.__main__ import main
from infra.deploy import kept
from infra.local.sandbox.github import GitHubSandbox
from infra.local.sandbox.github.tokens import new_key
from tests.actions.github.sandbox_issue import as_app
from tests.github_app.history import Past, with_history
from tests.infra.local.conftest import fresh, receiver
from tests.infra.local.sandbox.github.receiver import Receiver

__all__ = ["fresh", "receiver"]

PAST = [
    Past(500, "arrived"),
    Past(400, "mended", 503),
    Past(300, "failing", 503),
    Past(200, "mended", 200, True),
    Past(100, "failing", 401, True),
]


def test_deliveries_are_listed_by_event_and_sent_again(
    fresh: Path,
    tmp_path: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with with_history(tmp_path / "github", fresh, PAST, receiver.url) as sandbox:
        settings = as_app(sandbox)
        for name in ("github_api_url", "github_app_id", "github_app_private_key"):
            monkeypatch.setenv(name.upper(), getattr(settings, name))
        flows = ["--data", str(tmp_path / "none"), "deliveries"]
        assert main([*flows, "--json"]) == 0
        rows = json.loads(capsys.readouterr().out)
        assert [(row["guid"], row["attempts"], row["state"]) for row in rows] == [
            ("failing", 2, "failed"),
            ("mended", 2, "done"),
            ("arrived", 1, "done"),
        ]
        assert main([*flows, "--failed"]) == 0
        out = capsys.readouterr().out
        assert "failing" in out and "Invalid HTTP Response: 401" in out
        assert "arrived" not in out
        assert main([*flows, "--redeliver", "failing"]) == 0
        sandbox.settle()
        assert [headers["x-github-delivery"] for headers, _ in receiver.received] == ["failing"]
        assert main([*flows, "--redeliver", "unknown"]) == 1
        assert "no delivery unknown" in capsys.readouterr().err


@pytest.fixture
def in_aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An account (emulated by moto), and no App in the environment."""
    for name in ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "GITHUB_API_URL"):
        monkeypatch.setenv(name, "")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.Session()


@pytest.fixture
def past(
    fresh: Path, tmp_path: Path, receiver: Receiver
) -> Iterator[tuple[GitHubSandbox, Receiver]]:
    with with_history(tmp_path / "github", fresh, PAST, receiver.url) as sandbox:
        yield sandbox, receiver


@pytest.mark.parametrize("where", ["beside the key", "in the settings"])
def test_the_app_of_the_deployment_is_asked(
    tmp_path: Path,
    past: tuple[GitHubSandbox, Receiver],
    in_aws: Any,
    capsys: pytest.CaptureFixture[str],
    where: str,
) -> None:
    sandbox, receiver = past
    app = as_app(sandbox)
    secret = {"github_app_private_key": app.github_app_private_key}
    settings = {"GITHUB_API_URL": app.github_api_url}
    if where == "beside the key":
        secret["github_app_id"] = app.github_app_id
    else:
        settings["GITHUB_APP_ID"] = app.github_app_id
    in_aws.client("secretsmanager").create_secret(
        Name="prod/github", SecretString=json.dumps(secret)
    )
    kept.write(in_aws.client("ssm"), "prod", settings)
    flows = ["--data", str(tmp_path / "none"), "deliveries", "--prefix", "prod"]
    assert main([*flows, "--json"]) == 0
    said = capsys.readouterr()
    assert {row["guid"] for row in json.loads(said.out)} == {"failing", "mended", "arrived"}
    assert "PRIVATE KEY" not in said.out + said.err
    assert main([*flows, "--redeliver", "failing"]) == 0
    sandbox.settle()
    assert [headers["x-github-delivery"] for headers, _ in receiver.received] == ["failing"]


def test_where_no_app_is_set_nor_deployed_it_says_what_to_do(
    tmp_path: Path, in_aws: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    flows = ["--data", str(tmp_path / "none"), "deliveries"]
    assert main(flows) == 1
    said = capsys.readouterr().err
    assert "none is in the secrets agent-flows/…; set GITHUB_APP_ID" in said
    assert "--prefix" in said


def test_without_credentials_aws_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY", "AWS_PROFILE"):
        monkeypatch.setenv(name, "")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.delenv("AWS_PROFILE")
    assert main(["--data", str(tmp_path / "none"), "deliveries"]) == 1
    said = capsys.readouterr().err
    assert "AWS says of the secrets agent-flows/…: Unable to locate credentials" in said


@pytest.mark.parametrize(
    ("given", "lacks"),
    [
        ({"GITHUB_APP_ID": "1", "GITHUB_APP_PRIVATE_KEY": ""}, "GITHUB_APP_PRIVATE_KEY"),
        ({"GITHUB_APP_ID": "", "GITHUB_APP_PRIVATE_KEY": "key"}, "GITHUB_APP_ID"),
    ],
)
def test_half_an_app_names_the_setting_that_lacks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: dict[str, str],
    lacks: str,
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(name, new_key() if value == "key" else value)
    assert main(["--data", str(tmp_path / "none"), "deliveries"]) == 1
    assert f"{lacks} is not set" in capsys.readouterr().err
