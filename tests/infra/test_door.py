"""The front door as template.yaml deploys it: what it lets in, and what watches it."""

from typing import Any

import pytest

from infra.local.aws.template import load, read
from infra.project import ROOT
from shared.github_app.redelivery import PERIOD
from shared.metrics import METRICS, NAMESPACE

Json = dict[str, Any]


@pytest.fixture(scope="module")
def written() -> Json:
    return read(ROOT / "template.yaml")


@pytest.fixture(scope="module")
def resources(written: Json) -> dict[str, Json]:
    parameters = {name: str(value["Default"]) for name, value in written["Parameters"].items()}
    return load(ROOT / "template.yaml", parameters, "us-east-1").resources


@pytest.fixture(scope="module")
def door() -> dict[str, Json]:
    found: dict[str, Json] = read(ROOT / "infra/door.yaml")["Resources"]
    return found


def of_kind(resources: dict[str, Json], kind: str) -> dict[str, Json]:
    return {name: one["Properties"] for name, one in resources.items() if one["Type"] == kind}


def test_each_route_of_the_api_has_a_limit_that_its_stage_knows(resources: dict[str, Json]) -> None:
    [stage] = of_kind(resources, "AWS::ApiGateway::Stage").values()
    [api] = of_kind(resources, "AWS::ApiGateway::RestApi").values()
    limits = {
        (one["ResourcePath"], one["HttpMethod"]): one["ThrottlingBurstLimit"]
        for one in stage["MethodSettings"]
    }
    assert limits[("/*", "*")] > 0
    routes = {
        ("/" + path.replace("/", "~1"), method.upper())
        for path, methods in api["Body"]["paths"].items()
        for method in methods
    }
    assert limits.keys() - {("/*", "*")} <= routes
    # At once: 1000 webhooks of GitHub, the most events that Slack sends in a minute.
    assert limits[("/~1github~1webhook", "POST")] >= 1000
    assert limits[("/~1slack~1events", "POST")] >= 400


def test_nothing_is_reserved_for_the_ingress_unless_it_is_asked_for(
    written: Json, resources: dict[str, Json]
) -> None:
    assert written["Parameters"]["IngressConcurrency"]["Default"] == 0
    given = resources["Ingress"]["Properties"]["ReservedConcurrentExecutions"]
    wanted = {"Ref": "IngressConcurrency"}
    assert given == {"Fn::If": ["ReservesIngress", wanted, {"Ref": "AWS::NoValue"}]}


def test_every_alarm_of_the_door_reaches_somebody_and_is_quiet_without_traffic(
    door: dict[str, Json],
) -> None:
    alarms = of_kind(door, "AWS::CloudWatch::Alarm")
    assert len(alarms) == 7
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"]["Fn::If"][1] == [{"Ref": "AlarmTopic"}], name
        assert alarm["TreatMissingData"] == "notBreaching", name
        assert alarm["Period"] * alarm["EvaluationPeriods"] <= 86_400, name


def test_a_stranger_who_is_refused_pages_nobody_at_once(door: dict[str, Json]) -> None:
    alarm = door["RefusedAlarm"]["Properties"]
    assert alarm["MetricName"] == "4XXError"
    assert alarm["Threshold"] >= 50
    assert alarm["Period"] * alarm["EvaluationPeriods"] >= 900


def test_alarms_read_the_metrics_that_the_redelivery_writes(
    resources: dict[str, Json], door: dict[str, Json]
) -> None:
    for name in ("LostAlarm", "FailingAlarm"):
        alarm = door[name]["Properties"]
        assert alarm["Namespace"] == NAMESPACE
        assert METRICS[alarm["MetricName"]].dimensions == ("function",)
        [by] = alarm["Dimensions"]
        assert by["Value"] == {"Fn::Sub": "${Name}-redelivery"}
        assert alarm["Period"] == PERIOD
    name = resources["Redelivery"]["Properties"]["FunctionName"]
    assert name == {"Fn::Sub": "${AWS::StackName}-redelivery"}


def test_the_schedule_calls_the_function_itself_each_period(door: dict[str, Json]) -> None:
    schedule = door["Schedule"]["Properties"]
    assert schedule["ScheduleExpression"] == f"rate({PERIOD / 60:.0f} minutes)"
    assert schedule["Target"]["Arn"] == {"Ref": "Redelivery"}
    [policy] = door["Role"]["Properties"]["Policies"]
    [statement] = policy["PolicyDocument"]["Statement"]
    assert statement["Action"] == "lambda:InvokeFunction"
    assert statement["Resource"] == {"Ref": "Redelivery"}


def test_the_redelivery_needs_no_database_and_no_network_of_yours(
    resources: dict[str, Json],
) -> None:
    properties = resources["Redelivery"]["Properties"]
    assert "VpcConfig" not in properties
    assert "DATABASE_URL" not in properties["Environment"]["Variables"]
    assert properties["Timeout"] < PERIOD
