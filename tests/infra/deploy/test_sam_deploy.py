"""SAM deploys the templates with their nested stacks, as ./scripts/deploy tells it to."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.cloudformation import parse
from infra.deploy.stack import Destination, parameters, sam_commands
from infra.project import ROOT
from tests.infra.deploy.emulated.checkout import REGION, Account, aws_account, dumped, with_flows

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
SETTINGS = {
    "ALARM_EMAIL": "ops+agents@acme.com",
    "MAX_CONCURRENCY": "7",
    "VISIBILITY_TIMEOUT": "240",
    "LOG_RETENTION": "14",
    "INGRESS_CONCURRENCY": "3",
    "BATCH_ROLE_ARN": 'arn:aws:iam::123456789012:role/a "b" $c, d=e',
}

pytestmark = pytest.mark.sam


@pytest.fixture
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with aws_account(tmp_path_factory.mktemp("aws")) as account:
        yield account


def built(folder: Path) -> Path:
    """Lay out what `sam build` would: the templates, and for each function a bundle, of two lines.

    Of the flows two are enough: one that the clock wakes, and one with a state machine.
    """
    body = parse(with_flows((ROOT / "template.yaml").read_text("utf-8"), {"Plan", "Retention"}))
    for name, resource in body["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = name
            (folder / name).mkdir()
            (folder / name / "index.py").write_text(f"def handler(*_): return {name!r}\n")
    del body["Globals"]["Function"]["CodeUri"]
    shutil.copytree(ROOT / "infra", folder / "infra", ignore=_but("*.yaml", "*.json"))
    (folder / "template.yaml").write_text(dumped(body), "utf-8")
    return folder / "template.yaml"


def _but(*patterns: str) -> Any:
    kept = shutil.ignore_patterns(*patterns)

    def left_out(folder: str, names: list[str]) -> set[str]:
        return {*names} - kept(folder, names)

    return left_out


def test_sam_makes_the_nested_stacks_with_the_settings_asked_for(
    account: Account, tmp_path: Path
) -> None:
    place = Destination("agents", "agents", RUNTIME, "arm64", region=REGION)
    *_, deploy = sam_commands(place, parameters(place, SETTINGS))
    template = ["--template-file", str(built(tmp_path)), "--config-file"]
    done = subprocess.run(
        [*deploy, *template, str(ROOT / "samconfig.toml")],
        cwd=tmp_path,
        env=account.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    check_made(account)


def check_made(account: Account) -> None:
    stacks = {one["StackName"]: one for one in _all(account, "cloudformation", "describe_stacks")}
    del stacks["aws-sam-cli-managed-default"]
    assert {"agents", "agents-PlanFlow", "agents-RetentionFlow", "agents-Nightly"} <= {*stacks}
    assert {one["StackStatus"] for one in stacks.values()} == {"CREATE_COMPLETE"}
    given = {one["ParameterKey"]: one["ParameterValue"] for one in stacks["agents"]["Parameters"]}
    assert (
        SETTINGS.items()
        <= {name: given[name.title().replace("_", "")] for name in SETTINGS}.items()
    )
    _check_functions(account)
    _check_queues(account)
    _check_clocks(account)


def _check_functions(account: Account) -> None:
    lambdas = account.client("lambda")
    found = {one["FunctionName"]: one for one in _all(account, "lambda", "list_functions")}
    assert {"agents-ingress", "agents-plan", "agents-retention", "agents-runs"} <= {*found}
    for name, function in found.items():
        assert (function["Runtime"], function["Architectures"]) == (RUNTIME, ["arm64"])
        alias = lambdas.get_alias(FunctionName=name, Name="live")
        assert (name, alias["FunctionVersion"]) == (name, "1")
    variables = found["agents-retention"]["Environment"]["Variables"]
    assert variables["FLOW"] == "flows.background.retention:retention"
    assert variables["SECRETS"].startswith("agents/database/")
    reserved = lambdas.get_function_concurrency(FunctionName="agents-ingress")
    assert reserved["ReservedConcurrentExecutions"] == 3
    roles = {one["RoleName"] for one in _all(account, "iam", "list_roles")}
    assert found["agents-plan"]["Role"].rpartition("/")[2] in roles


def _check_queues(account: Account) -> None:
    sqs, lambdas = account.client("sqs"), account.client("lambda")
    queue = sqs.get_queue_url(QueueName="agents-retention.fifo")["QueueUrl"]
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert (told["VisibilityTimeout"], told["FifoQueue"]) == ("240", "true")
    dead = json.loads(told["RedrivePolicy"])["deadLetterTargetArn"]
    assert dead.endswith(":agents-retention-dead.fifo")
    sources = {
        one["EventSourceArn"].rpartition(":")[2]: one
        for one in lambdas.list_event_source_mappings()["EventSourceMappings"]
    }
    # moto puts the version there that the alias leads to.
    assert ":function:agents-plan:" in sources["agents-plan.fifo"]["FunctionArn"]
    assert sources["agents-plan.fifo"]["ScalingConfig"] == {"MaximumConcurrency": 7}
    sns = account.client("sns")
    named = {one["Endpoint"]: one for one in _all(account, "sns", "list_subscriptions")}
    assert named[SETTINGS["ALARM_EMAIL"]]["Protocol"] == "email"
    filtered = sns.get_subscription_attributes(
        SubscriptionArn=named[told["QueueArn"]]["SubscriptionArn"]
    )["Attributes"]
    assert json.loads(filtered["FilterPolicy"]) == {"type": ["schedule.nightly"]}


def _check_clocks(account: Account) -> None:
    scheduler = account.client("scheduler")
    assert scheduler.get_schedule_group(Name="agents")
    nightly = scheduler.get_schedule(Name="agents-Nightly-Schedule")
    assert nightly["ScheduleExpression"].startswith("cron(")
    assert ":agents-events.fifo" in nightly["Target"]["Input"]
    logs = account.client("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/agents-")
    assert {one["retentionInDays"] for one in logs["logGroups"]} == {14}
    [machine] = account.client("stepfunctions").list_state_machines()["stateMachines"]
    told = account.client("stepfunctions").describe_state_machine(
        stateMachineArn=machine["stateMachineArn"]
    )
    assert ":function:agents-plan:live" in told["definition"]
    assert "${" not in told["definition"]


def _all(account: Account, service: str, call: str) -> list[Any]:
    """Return all that a list of AWS's has."""
    client = account.client(service)
    pages = client.get_paginator(call).paginate()
    return [
        row for page in pages for rows in page.values() if isinstance(rows, list) for row in rows
    ]
