"""What would change is named, without a secret's value, and nothing changes (emulated by moto)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.apps.github_app import RegisteredApp, convert, manifest
from infra.apps.github_rights import Rights
from infra.deploy import aurora as database
from infra.deploy import kept, pieces, rollouts, stack
from infra.deploy.declared import declared_flows
from infra.deploy.stack import DeployError, Destination
from infra.deploy.steps import aurora, diff, github
from infra.deploy.steps.step import Sitting
from infra.local.sandbox.github import GitHubSandbox
from infra.migrations.files import migrations
from shared.settings import Settings
from tests.infra.deploy.conftest import STACK, AwsAccount


def test_settings_are_shown_and_secrets_only_named(account: AwsAccount, sitting: Sitting) -> None:
    kept.write(sitting.client("ssm"), "agents", {"FOOTER": "on", "TENANTS": "a=github:a"})
    manager = sitting.client("secretsmanager")
    manager.create_secret(Name="agents/slack", SecretString='{"slack_bot_token": "hidden-1"}')
    manager.create_secret(Name="agents/models", SecretString='{"openai_api_key": "hidden-2"}')
    sitting.environment |= {
        "FOOTER": "off",
        "MODEL_SMALL": "offline",
        "SLACK_BOT_TOKEN": "hidden-3",
        "SLACK_SIGNING_SECRET": "hidden-4",
        "OPENAI_API_KEY": "hidden-2",
    }
    now = {"FOOTER": "off", "TENANTS": "a=github:a", "MODEL_SMALL": "offline"}
    assert list(diff.settings_changes(sitting, now)) == [
        "FOOTER: 'on' → 'off'",
        "MODEL_SMALL: 'not set' → 'offline'",
    ]
    named = list(diff.secret_changes(sitting))
    assert named == ["agents/webhooks: slack_signing_secret", "agents/slack: slack_bot_token"]
    assert not any("hidden" in line for line in named)


def test_pieces_that_functions_share_are_named(account: AwsAccount, sitting: Sitting) -> None:
    every = list(diff.shared_changes(sitting, {}))
    assert every == ["the template", "the database's schema", "what functions hand each other"]
    known = rollouts.Rollouts(pieces=pieces.digests({}))
    rollouts.save(sitting.client("ssm"), "agents", known)
    assert not list(diff.shared_changes(sitting, {}))
    older = {**known.pieces, "the template": "older"}
    rollouts.save(sitting.client("ssm"), "agents", known._replace(pieces=older))
    assert list(diff.shared_changes(sitting, {"FOOTER": "off"})) == ["the template"]


@pytest.fixture
def sam(account: AwsAccount, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands in for SAM: plans one topic more in each stack; returns the stacks that it planned."""
    planned: list[str] = []

    def run(command: Sequence[str], place: Destination, settings: Mapping[str, str]) -> None:
        if command[1] == "deploy":
            assert command[-1] == "--no-execute-changeset"
            planned.append(name := command[command.index("--stack-name") + 1])
            _plan(account, name)

    monkeypatch.setattr(stack, "run_sam", run)
    return planned


def _plan(account: AwsAccount, name: str) -> None:
    is_there = name in {row["StackName"] for row in _stacks(account)}
    body = {
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}, "More": {"Type": "AWS::SNS::Topic"}}
    }
    account.cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=f"samcli-deploy-{name}",
        ChangeSetType="UPDATE" if is_there else "CREATE",
        TemplateBody=json.dumps(body),
    )


def _stacks(account: AwsAccount) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.cloudformation.describe_stacks()["Stacks"]
    return found


@pytest.fixture
def app(account: AwsAccount, sitting: Sitting) -> Iterator[GitHubSandbox]:
    """A deployment whose App is registered, as the sandbox has it."""
    outputs = {"GitHubWebhookUrl": {"Value": "http://127.0.0.1:9/github/webhook"}}
    topic = {"Topic": {"Type": "AWS::SNS::Topic"}}
    account.cloudformation.create_stack(
        StackName=STACK, TemplateBody=json.dumps({"Resources": topic, "Outputs": outputs})
    )
    with GitHubSandbox("", "unused") as sandbox:
        rights = Rights.of(declared_flows().values())
        hook = "http://127.0.0.1:9/old"
        wanted = manifest("agents", rights, "http://127.0.0.1/", hook, "https://example.com")
        address = sandbox.registration.create("", json.dumps(wanted), "agents", "nonce")
        (code,) = parse_qs(urlsplit(address).query)["code"]
        made = convert(Settings(github_api_url=sandbox.api_url), code)
        sitting.environment |= {
            "GITHUB_API_URL": sandbox.api_url,
            "GITHUB_APP_ID": made.id,
            "GITHUB_APP_PRIVATE_KEY": made.key,
        }
        yield sandbox


def test_all_kinds_are_told_and_nothing_is_left_behind(
    account: AwsAccount, sitting: Sitting, sam: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    diff.run(sitting)
    said = capsys.readouterr().out
    assert sam == ["agents-schema", "agents"]
    assert said.count("adds AWS::SNS::Topic More") == 2
    assert f"migrations to come:\n  {len(migrations())}, all of them" in said
    assert "the stack agents-database: no change" in said
    assert "the GitHub App:\n  an App is registered where you want one: permission " in said
    assert "the Slack app:\n  an app is made where you want one" in said
    assert not _stacks(account)
    assert not sitting.client("secretsmanager").list_secrets()["SecretList"]
    assert not sitting.client("ssm").describe_parameters()["Parameters"]


def test_an_own_database_is_planned_too(
    account: AwsAccount,
    sitting: Sitting,
    sam: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """moto knows no cluster, so a topic stands in for all resources."""
    body = {"Resources": {"Cluster": {"Type": "AWS::SNS::Topic"}}}
    (tmp_path / "database.json").write_text(json.dumps(body))
    monkeypatch.setattr(aurora, "wanted", lambda sitting: {"MaxCapacity": "8"})
    plan, file = database.plan, tmp_path / "database.json"

    def planned(client: Any, name: str, values: Mapping[str, str]) -> None:
        plan(client, name, values, file)

    monkeypatch.setattr(database, "plan", planned)
    assert [*diff.database_changes(sitting)] == ["adds AWS::SNS::Topic Cluster"]
    assert not _stacks(account)
    assert not sitting.client("secretsmanager").list_secrets()["SecretList"]


def test_what_the_app_lacks_and_has_too_much_is_named_and_stays(
    sitting: Sitting, app: GitHubSandbox
) -> None:
    new = "http://127.0.0.1:9/github/webhook"
    assert [*github.changes(sitting)] == [f"its webhook: http://127.0.0.1:9/old → {new}"]
    with RegisteredApp(sitting.settings) as registered:
        registered.set_hook(new, "secret")
    app.registration.grow("agents", {"actions": "write"}, ["fork"])
    (told,) = github.changes(sitting)
    assert "has permission actions: write; event fork, which no flow needs; it stays" in told
    app.registration.grow("agents", {"issues": "read"}, [])
    lacks, _ = github.changes(sitting)
    assert lacks.startswith("the App agents lacks permission issues: write; change it at http")


def test_what_cannot_be_told_is_said_and_the_rest_still_is(
    account: AwsAccount,
    sitting: Sitting,
    app: GitHubSandbox,
    sam: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    sitting.environment["GITHUB_APP_PRIVATE_KEY"] = "no key"
    sitting.client("secretsmanager").create_secret(Name="agents/slack", SecretString="[1]")
    with pytest.raises(DeployError, match="could not be told: secrets, the GitHub App, the Slack"):
        diff.run(sitting)
    said = capsys.readouterr().out
    assert "secrets: unknown: secret agents/slack is not a JSON object" in said
    assert "no key" not in said
    assert "adds AWS::SNS::Topic More" in said
