"""A deployment of a version that kept settings as parameters of the stack is taken over whole
(emulated by moto)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.deploy import kept, stack
from infra.deploy.stack import DeployError, Destination
from infra.deploy.steps import checks, functions, github
from infra.deploy.steps.step import Sitting
from infra.project import ROOT
from tests.infra.deploy.conftest import STACK, AwsAccount

#: What was set, as template.yaml called it and as it is called now.
SET = {
    "GitHubAppId": ("GITHUB_APP_ID", "4711"),
    "GitHubApiUrl": ("GITHUB_API_URL", "https://ghe.acme.com/api/v3"),
    "GitHubBotName": ("GITHUB_BOT_NAME", "helper"),
    "SlackApiUrl": ("SLACK_API_URL", "https://slack-gov.com/api/"),
    "ModelSmall": ("MODEL_SMALL", "bedrock:amazon.nova-lite-v1:0"),
    "ModelRoles": ("MODEL_ROLES", "judge=openai:gpt-5.4;plan=openai:x"),
    "OpenAiBaseUrl": ("OPENAI_BASE_URL", "https://models.acme.com/v1"),
    "Tenants": ("TENANTS", 'acme=github:acme,slack:T1; "größer"=slack:T2'),
    "Audiences": ("AUDIENCES", '{"team:T1": ["org:acme"]}'),
    "PromptCacheMb": ("PROMPT_CACHE_MB", "12"),
    "Footer": ("FOOTER", "off"),
    "MapMemoryMb": ("MAP_MEMORY_MB", "0"),
    "RetentionDays": ("RETENTION_DAYS", "30"),
    "AlarmEmail": ("ALARM_EMAIL", "ops@acme.com"),
    "MaxConcurrency": ("MAX_CONCURRENCY", "7"),
}
#: What had its default, what followed from the secrets, and what is another thing's to say.
NOT_SET = {
    "ModelLarge": "offline",
    "Budgets": "",
    "MaxAttempts": "3",
    "GitHubAuth": "app",
    "SecretsVersion": "0123abcd",
    "SecretPrefix": "agents",
    "Runtime": "python3.11",
    "LogRetention": "30",
}
EXPECTED = dict(SET.values())


@pytest.fixture
def earlier(account: AwsAccount, sitting: Sitting) -> AwsAccount:
    """A stack as an earlier version made it, and its secrets."""
    values = {name: value for name, (_, value) in SET.items()} | NOT_SET | {"LogLevel": "INFO"}
    body = {
        "Parameters": {name: {"Type": "String"} for name in values},
        "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    }
    account.cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(body),
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in values.items()],
    )
    held = {"app_private_key": "hidden", "webhook_secret": "hidden"}
    sitting.client("secretsmanager").create_secret(
        Name="agents/github", SecretString=json.dumps(held)
    )
    return account


def test_nothing_that_was_set_is_lost(earlier: AwsAccount, sitting: Sitting) -> None:
    assert sitting.deployed == EXPECTED
    sitting.environment |= {"FOOTER": "on", "TENANTS": ""}
    assert sitting.deployed == {**EXPECTED, "FOOTER": "on", "TENANTS": ""}
    assert sitting.settings.max_concurrency == "7"
    assert sitting.settings.retention_days == "30"


def test_the_app_that_is_there_is_not_registered_anew(
    earlier: AwsAccount, sitting: Sitting
) -> None:
    settings = github.SittingKeys(sitting).settings
    assert (settings.github_app_id, settings.github_bot_name) == ("4711", "helper")
    # The id that came with a later key counts more; one that is given now the most.
    manager = sitting.client("secretsmanager")
    learned = json.dumps({"github_app_id": "9", "github_app_private_key": "hidden"})
    manager.put_secret_value(SecretId="agents/github", SecretString=learned)
    sitting.credentials.forget()
    assert github.SittingKeys(sitting).settings.github_app_id == "9"
    sitting.environment["GITHUB_APP_ID"] = "12"
    assert github.SittingKeys(sitting).settings.github_app_id == "12"


def test_what_is_no_setting_any_more_is_named(
    earlier: AwsAccount, sitting: Sitting, capsys: pytest.CaptureFixture[str]
) -> None:
    checks._say_what_is_left_behind(sitting)
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "note: the stack has LogLevel=INFO, which is no setting any more; see docs/settings.md"
    ]


@pytest.mark.parametrize("dies", ["while SAM deploys", "after it"])
def test_a_deployment_that_dies_loses_nothing(
    earlier: AwsAccount, sitting: Sitting, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    """The stack's parameters are gone with the first deployment of this version."""

    def sam(command: Sequence[str], place: Destination, settings: Mapping[str, str]) -> None:
        if command[1] == "deploy":
            body = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
            earlier.cloudformation.delete_stack(StackName=STACK)  # moto forgets no parameter
            earlier.cloudformation.create_stack(StackName=STACK, TemplateBody=body)
            if dies == "while SAM deploys":
                raise DeployError("cut off")

    def died(client: object, prefix: str, settings: Mapping[str, str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stack, "run_sam", sam)
    monkeypatch.setattr(stack, "check_quotas", lambda *_: None)
    if dies == "after it":
        take_over, write = kept.take_over, kept.write
        monkeypatch.setattr(
            kept,
            "take_over",
            lambda *given: (take_over(*given), monkeypatch.setattr(kept, "write", died)),
        )
    with pytest.raises((DeployError, KeyboardInterrupt)):
        functions.run(sitting)
    if dies == "after it":
        monkeypatch.setattr(kept, "write", write)
    del sitting.__dict__["kept"]
    assert sitting.deployed == EXPECTED


def test_a_missing_right_is_no_empty_deployment(sitting: Sitting) -> None:
    class Refusing:
        """A session that may read parameters and no stacks."""

        def client(self, service: str) -> Any:
            return self if service == "cloudformation" else sitting.client(service)

        def describe_stacks(self, **_: object) -> None:
            answer = {"Error": {"Code": "AccessDenied", "Message": "not authorized"}}
            raise ClientError(answer, "DescribeStacks")

    with pytest.raises(ClientError, match="AccessDenied"):
        kept.of_deployment(Refusing(), STACK, "agents")


def test_the_docs_know_every_setting_here() -> None:
    text = (ROOT / "docs/settings.md").read_text("utf-8")
    assert all(name in text for name in EXPECTED)
