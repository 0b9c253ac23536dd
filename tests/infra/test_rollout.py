"""A new version takes over gradually, under alarms; what an account wants reaches every piece."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from infra.local.aws.stack import Resource, Stack
from infra.local.aws.template import Template, load, read
from infra.project import ROOT, TEMPLATES

Json = dict[str, Any]
#: They are called too seldom.
NOT_SHIFTED = {"Redelivery", "Rotation"}
CHOSEN = {
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
    "PermissionsBoundary": "arn:aws:iam::123456789012:policy/bound",
    "Tracing": "Active",
    "AccessLogs": "on",
    "AlarmEmail": "ops@example.com",
}


def _written_parameters() -> dict[str, str]:
    declared = read(ROOT / "template.yaml")["Parameters"]
    return {name: str(value["Default"]) for name, value in declared.items()}


def _transformed(**parameters: str) -> dict[str, Json]:
    given = _written_parameters() | parameters
    return load(ROOT / "template.yaml", given, "us-east-1").resources


def _deployed(template: Template, **parameters: str) -> list[tuple[str, str, Json]]:
    """Evaluate a template, and those nested in it, to what CloudFormation makes of them.

    Return logical id, type and properties of each resource whose condition holds.
    """
    made: list[tuple[str, str, Json]] = []

    def create(declared: Any) -> Resource:
        if declared.type == "AWS::CloudFormation::Stack":
            path = declared.stack.template.path.parent / declared.properties["TemplateURL"]
            given = {
                name: ",".join(value) if isinstance(value, list) else str(value)
                for name, value in declared.properties["Parameters"].items()
            }
            inner = load(path, given, "us-east-1")
            nested = _stack(declared.logical_id, inner, given)
            return Resource(
                declared.logical_id, _Any({f"Outputs.{k}": v for k, v in nested.items()})
            )
        made.append(
            (f"{declared.stack.name}/{declared.logical_id}", declared.type, declared.properties)
        )
        return Resource(declared.logical_id, _Any())

    def _stack(name: str, of: Template, given: Mapping[str, str]) -> dict[str, Any]:
        pseudo = {
            "AWS::AccountId": "123456789012",
            "AWS::Partition": "aws",
            "AWS::Region": "us-east-1",
            "AWS::URLSuffix": "amazonaws.com",
        }
        return Stack(name, of, given, pseudo=pseudo, create=create, resolve=str).deploy()

    _stack("main", template, parameters)
    return made


class _Any(dict[str, Any]):
    """Attributes of a resource: whichever is asked for."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return name


@pytest.fixture(scope="module")
def plain() -> list[tuple[str, str, Json]]:
    return _both(_written_parameters())


@pytest.fixture(scope="module")
def chosen() -> list[tuple[str, str, Json]]:
    """The deployment of an account that wants all there is."""
    return _both(_written_parameters() | CHOSEN)


def _both(given: Mapping[str, str]) -> list[tuple[str, str, Json]]:
    """Both stacks of a deployment."""
    made = []
    for name in TEMPLATES:
        declared = read(ROOT / name)["Parameters"]
        values = {key: value for key, value in given.items() if key in declared}
        made += _deployed(load(ROOT / name, values, "us-east-1"), **values)
    return made


def _of(made: list[tuple[str, str, Json]], kind: str) -> Iterator[tuple[str, Json]]:
    found = [(name, properties) for name, type, properties in made if type == kind]
    assert found, kind
    yield from found


# Versions


def test_nobody_calls_a_function_past_its_alias() -> None:
    resources = _transformed()
    functions = [n for n, r in resources.items() if r["Type"] == "AWS::Lambda::Function"]
    for name in functions:
        alias = resources[f"{name}Aliaslive"]["Properties"]
        assert alias["Name"] == "live"
        version = alias["FunctionVersion"]["Fn::GetAtt"][0]
        assert resources[version]["Type"] == "AWS::Lambda::Version"
        assert resources[version]["DeletionPolicy"] == "Retain"  # what a rollback goes back to
    body = json.dumps(resources["Api"]["Properties"]["Body"])
    assert body.count("/functions/${") == body.count("Aliaslive.Arn}") + body.count("Aliaslive}")
    for resource in resources.values():
        if resource["Type"] in ("AWS::Lambda::Permission", "AWS::Lambda::EventSourceMapping"):
            assert resource["Properties"]["FunctionName"]["Ref"].endswith("Aliaslive")
    substitutions = resources["Planner"]["Properties"]["DefinitionSubstitutions"]
    assert substitutions["Function"] == {"Ref": "PlanAliaslive"}


def test_every_function_shifts_under_its_own_alarms(plain: list[tuple[str, str, Json]]) -> None:
    resources = _transformed()
    functions = {n for n, r in resources.items() if r["Type"] == "AWS::Lambda::Function"}
    alarmed = {}
    for name in functions - NOT_SHIFTED:
        policy = resources[f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["DeploymentGroupName"] == {"Ref": f"{name}DeploymentGroup"}
        group = resources[f"{name}DeploymentGroup"]["Properties"]
        assert group["AutoRollbackConfiguration"]["Enabled"]
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["RolloutRole", "Arn"]}
        alarmed[name] = json.dumps(group["AlarmConfiguration"]["Alarms"])
    for name in functions - NOT_SHIFTED:
        assert "ErrorsAlarm" in alarmed[name], name
        if f"{name}Flow" in resources:
            assert f'["{name}Flow", "Outputs.ErrorsAlarm"]' in alarmed[name]
            assert f'["{name}Flow", "Outputs.GivenUpAlarm"]' in alarmed[name]
    assert '"IngressAlarm"' in alarmed["Ingress"]
    watched = {
        dimension["Value"]
        for _, alarm in _of(plain, "AWS::CloudWatch::Alarm")
        if alarm["MetricName"] == "Errors"
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "Resource"
    }
    assert len(watched) == len(functions - NOT_SHIFTED)
    assert all(value.endswith(":live") for value in watched)


def test_all_at_once_needs_no_codedeploy_and_heeds_no_alarm() -> None:
    resources = _transformed(Rollout="all-at-once")
    assert not [n for n, r in resources.items() if "CodeDeploy" in r["Type"]]
    assert not [n for n, r in resources.items() if "UpdatePolicy" in r]


# What an account wants


def test_every_role_is_bounded(
    chosen: list[tuple[str, str, Json]], plain: list[tuple[str, str, Json]]
) -> None:
    roles = dict(_of(chosen, "AWS::IAM::Role"))
    assert all(
        r.get("PermissionsBoundary") == CHOSEN["PermissionsBoundary"] for r in roles.values()
    )
    assert not any("PermissionsBoundary" in role for _, role in _of(plain, "AWS::IAM::Role"))
    assert roles.keys() == dict(_of(plain, "AWS::IAM::Role")).keys()


def test_a_key_of_ones_own_encrypts_what_lies_in_aws(chosen: list[tuple[str, str, Json]]) -> None:
    key = CHOSEN["KmsKeyArn"]
    for kind in ("AWS::SNS::Topic", "AWS::SQS::Queue"):
        for name, properties in _of(chosen, kind):
            assert properties["KmsMasterKeyId"] == key, name
            assert "SqsManagedSseEnabled" not in properties
    for name, properties in _of(chosen, "AWS::Logs::LogGroup"):
        assert properties["KmsKeyId"] == key, name
    for _, properties in _of(chosen, "AWS::S3::Bucket"):
        assert key in json.dumps(properties["BucketEncryption"])
    # Whoever sends, receives or stores may use it.
    for name, role in _of(chosen, "AWS::IAM::Role"):
        actions = json.dumps(role.get("Policies", []))
        if any(action in actions for action in ("sns:Publish", "s3:", "sqs:")):
            assert "kms:Decrypt" in actions and "kms:GenerateDataKey" in actions, name


def test_without_a_key_everything_is_encrypted_by_aws(plain: list[tuple[str, str, Json]]) -> None:
    for _, topic in _of(plain, "AWS::SNS::Topic"):
        assert topic["KmsMasterKeyId"] == "alias/aws/sns"
    for name, queue in _of(plain, "AWS::SQS::Queue"):
        assert queue["SqsManagedSseEnabled"] is True, name
    assert "kms:" not in json.dumps([role for _, role in _of(plain, "AWS::IAM::Role")])


def test_traces_reach_everything_and_cost_rights_only_where_they_are_on(
    chosen: list[tuple[str, str, Json]], plain: list[tuple[str, str, Json]]
) -> None:
    assert "xray:" not in json.dumps([role for _, role in _of(plain, "AWS::IAM::Role")])
    roles = dict(_of(chosen, "AWS::IAM::Role"))
    for name, function in _of(chosen, "AWS::Lambda::Function"):
        assert function["TracingConfig"] == {"Mode": "Active"}, name
    callers = [role for role in roles.values() if _principal(role) in ("lambda", "states")]
    assert all("xray:PutTraceSegments" in json.dumps(role) for role in callers)
    [(_, stage)] = _of(chosen, "AWS::ApiGateway::Stage")
    assert stage["TracingEnabled"] is True
    [(_, machine)] = _of(chosen, "AWS::StepFunctions::StateMachine")
    assert machine["TracingConfiguration"] == {"Enabled": True}


def _principal(role: Json) -> str:
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    return str(statement["Principal"]["Service"]).removesuffix(".amazonaws.com")


def test_logs_of_the_api_and_of_plans_say_nothing_of_people(
    chosen: list[tuple[str, str, Json]],
) -> None:
    [(_, machine)] = _of(chosen, "AWS::StepFunctions::StateMachine")
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    [(_, stage)] = _of(chosen, "AWS::ApiGateway::Stage")
    fields = json.loads(stage["AccessLogSetting"]["Format"])
    said = {value.removeprefix("$context.") for value in fields.values()}
    assert said <= {
        *("requestTime", "requestId", "httpMethod", "resourcePath", "status", "responseLength"),
        *("responseLatency", "integrationLatency", "integrationStatus", "error.responseType"),
    }


def test_sam_tags_what_it_deploys() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    assert config["default"]["deploy"]["parameters"]["tags"] == ["application=agent-flows"]
