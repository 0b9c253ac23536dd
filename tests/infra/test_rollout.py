"""A new version takes over gradually, under alarms; what an account wants reaches every piece."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from infra.bundle.build import CONFIGURING, TemplateText
from infra.local.aws.template import read
from infra.project import ROOT
from tests.infra.evaluated import Evaluated, Json, evaluated, of_type, transformed

#: They are called too seldom.
NOT_SHIFTED = {"Redelivery", "Rotation"}
CHOSEN = {
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
    "PermissionsBoundary": "arn:aws:iam::123456789012:policy/bound",
    "Tracing": "Active",
    "AccessLogs": "on",
    "AlarmEmail": "ops@example.com",
}


@pytest.fixture(scope="module")
def plain() -> list[Evaluated]:
    return evaluated()


@pytest.fixture(scope="module")
def chosen() -> list[Evaluated]:
    """The deployment of an account that wants all there is."""
    return evaluated(**CHOSEN)


# Versions


def test_nobody_calls_a_function_past_its_alias() -> None:
    resources = transformed()
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


def test_every_function_shifts_under_its_own_alarms(plain: list[Evaluated]) -> None:
    resources = transformed()
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
        for _, alarm in of_type(plain, "AWS::CloudWatch::Alarm")
        if alarm["MetricName"] == "Errors"
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "Resource"
    }
    assert len(watched) == len(functions - NOT_SHIFTED)
    assert all(value.endswith(":live") for value in watched)


def test_all_at_once_needs_no_codedeploy_and_heeds_no_alarm() -> None:
    resources = transformed(Rollout="all-at-once")
    assert not [n for n, r in resources.items() if "CodeDeploy" in r["Type"]]
    assert not [n for n, r in resources.items() if "UpdatePolicy" in r]


def test_what_configures_a_function_makes_a_new_version(tmp_path: Path) -> None:
    """SAM publishes none for these; so each is in the bundle."""
    declared = read(ROOT / "template.yaml")
    conditions = declared["Conditions"]
    own = {"Runtime", "Architecture"}  # another Python or processor compiles another bundle
    for name, resource in declared["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            said = {**declared["Globals"]["Function"], **resource["Properties"]}
            # SAM looks at the variables itself, and the others are of other resources.
            apart = ("Environment", "Events", "DeploymentPreference", "Role", "FunctionName")
            kept = {key: value for key, value in said.items() if key not in apart}
            kept.pop("ReservedConcurrentExecutions", None)  # not a version's
            named = _parameters_in(kept, conditions) & declared["Parameters"].keys()
            assert named - own <= set(CONFIGURING), name
    text = TemplateText(ROOT)
    before = text.configuration("Triage", {})
    assert {text.configuration("Triage", {one: "x"}) for one in CONFIGURING}.isdisjoint({before})
    copy = tmp_path / "template.yaml"
    for old, new in (("Timeout: 150", "Timeout: 151"), ("LogFormat: JSON", "LogFormat: Text")):
        copy.write_text((ROOT / "template.yaml").read_text("utf-8").replace(old, new))
        assert TemplateText(tmp_path).configuration("Triage", {}) != before
    copy.write_text((ROOT / "template.yaml").read_text("utf-8").replace("-chat", "-talk"))
    assert TemplateText(tmp_path).configuration("Triage", {}) == before


def _parameters_in(node: object, conditions: Json) -> set[str]:
    """The names that Ref, Sub and the conditions of If come to."""
    text = json.dumps(node)
    names = {*re.findall(r'"Ref": "(\w+)"', text), *re.findall(r"\$\{(\w+)\}", text)}
    for condition in re.findall(r'"Fn::If": \["(\w+)"', text):
        names |= _parameters_in(conditions[condition], conditions)
    return names


# What an account wants


def test_every_role_is_bounded(chosen: list[Evaluated], plain: list[Evaluated]) -> None:
    roles = dict(of_type(chosen, "AWS::IAM::Role"))
    assert all(
        r.get("PermissionsBoundary") == CHOSEN["PermissionsBoundary"] for r in roles.values()
    )
    assert not any("PermissionsBoundary" in role for _, role in of_type(plain, "AWS::IAM::Role"))
    assert roles.keys() == dict(of_type(plain, "AWS::IAM::Role")).keys()


def test_a_key_of_ones_own_encrypts_what_lies_in_aws(chosen: list[Evaluated]) -> None:
    key = CHOSEN["KmsKeyArn"]
    for kind in ("AWS::SNS::Topic", "AWS::SQS::Queue"):
        for name, properties in of_type(chosen, kind):
            assert properties["KmsMasterKeyId"] == key, name
            assert "SqsManagedSseEnabled" not in properties
    for name, properties in of_type(chosen, "AWS::Logs::LogGroup"):
        assert properties["KmsKeyId"] == key, name
    for _, properties in of_type(chosen, "AWS::S3::Bucket"):
        assert key in json.dumps(properties["BucketEncryption"])
    # Whoever sends, receives or stores may use it.
    for name, role in of_type(chosen, "AWS::IAM::Role"):
        actions = json.dumps(role.get("Policies", []))
        if any(action in actions for action in ("sns:Publish", "s3:", "sqs:")):
            assert "kms:Decrypt" in actions and "kms:GenerateDataKey" in actions, name


def test_without_a_key_everything_is_encrypted_by_aws(plain: list[Evaluated]) -> None:
    for _, topic in of_type(plain, "AWS::SNS::Topic"):
        assert topic["KmsMasterKeyId"] == "alias/aws/sns"
    for name, queue in of_type(plain, "AWS::SQS::Queue"):
        assert queue["SqsManagedSseEnabled"] is True, name
    assert "kms:" not in json.dumps([role for _, role in of_type(plain, "AWS::IAM::Role")])


def test_traces_reach_everything_and_cost_rights_only_where_they_are_on(
    chosen: list[Evaluated], plain: list[Evaluated]
) -> None:
    assert "xray:" not in json.dumps([role for _, role in of_type(plain, "AWS::IAM::Role")])
    roles = dict(of_type(chosen, "AWS::IAM::Role"))
    for name, function in of_type(chosen, "AWS::Lambda::Function"):
        assert function["TracingConfig"] == {"Mode": "Active"}, name
    callers = [role for role in roles.values() if _principal(role) in ("lambda", "states")]
    assert all("xray:PutTraceSegments" in json.dumps(role) for role in callers)
    [(_, stage)] = of_type(chosen, "AWS::ApiGateway::Stage")
    assert stage["TracingEnabled"] is True
    [(_, machine)] = of_type(chosen, "AWS::StepFunctions::StateMachine")
    assert machine["TracingConfiguration"] == {"Enabled": True}


def _principal(role: Json) -> str:
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    return str(statement["Principal"]["Service"]).removesuffix(".amazonaws.com")


def test_logs_of_the_api_and_of_plans_say_nothing_of_people(
    chosen: list[Evaluated],
) -> None:
    [(_, machine)] = of_type(chosen, "AWS::StepFunctions::StateMachine")
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    [(_, stage)] = of_type(chosen, "AWS::ApiGateway::Stage")
    fields = json.loads(stage["AccessLogSetting"]["Format"])
    said = {value.removeprefix("$context.") for value in fields.values()}
    assert said <= {
        *("requestTime", "requestId", "httpMethod", "resourcePath", "status", "responseLength"),
        *("responseLatency", "integrationLatency", "integrationStatus", "error.responseType"),
    }


def test_sam_tags_what_it_deploys() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    assert config["default"]["deploy"]["parameters"]["tags"] == ["application=agent-flows"]
