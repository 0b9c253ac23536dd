"""The deployment fits into what AWS takes: at the longest names and the largest settings that are
documented, with all that can be turned on, and with a flow of the longest name."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.cli.new import LONGEST
from infra.deploy.declared import Deployed, with_flow
from infra.deploy.kept import LARGEST, checked
from infra.deploy.stages import EXPECTED
from infra.local.aws.template import parsed
from infra.project import ROOT, all_templates
from infra.quotas import (
    ENVIRONMENT,
    NAMES,
    Measured,
    Quota,
    measured,
    measured_whole,
    stacks,
    values_of,
)
from shared.actions.github.actions import Comment
from shared.actions.slack.actions import Reply
from shared.agent.flow import Flow
from shared.errors import SettingsError

STACK, PREFIX = "s" * 33, "p" * 201
#: All that can be turned on, with the longest values that AWS has.
ALL_ON = {
    "AccessLogs": "on",
    "AlarmEmail": "a" * 64 + "@" + "example." * 30 + "com",
    "BatchBucket": "b" * 63,
    "BatchRoleArn": f"arn:aws-us-gov:iam::123456789012:role/{'r' * 64}",
    "KmsKeyArn": f"arn:aws-us-gov:kms:ap-southeast-1:123456789012:key/mrk-{'0' * 32}",
    "MapSpill": "s3",
    "PermissionsBoundary": f"arn:aws-us-gov:iam::123456789012:policy/{'b' * 128}",
    "Tracing": "Active",
}


def over(quotas: list[Quota]) -> list[str]:
    return [str(quota) for quota in quotas if quota.used > quota.most]


@pytest.fixture(scope="module")
def quotas() -> list[Quota]:
    return measured_whole(STACK, PREFIX, ALL_ON)


def test_the_names_here_are_the_longest_that_a_stage_may_have() -> None:
    for name, longest in {"stack_name": STACK, "prefix": PREFIX}.items():
        pattern, _ = EXPECTED[name]
        assert re.fullmatch(pattern, longest)
        assert not re.fullmatch(pattern, f"{longest}x")


def test_all_fits_at_the_longest_names(quotas: list[Quota]) -> None:
    assert over(quotas) == []
    kinds = {re.sub(r"^.*: | of the (?:name|parameter) .*", "", quota.what) for quota in quotas}
    assert {"characters", "bytes of the environment", "Resources", "event types"} <= kinds


def test_every_template_that_there_is_is_measured(quotas: list[Quota]) -> None:
    files = {one.what.removesuffix(": bytes") for one in quotas if one.what.endswith(": bytes")}
    assert files == {Path(name).name for name in all_templates()}
    assert {"database.yaml", "schema.yaml", "door.yaml"} <= files
    assert f"characters of the name {STACK}-database: 42 of 63" in "\n".join(map(str, quotas))


def project(folder: Path, **templates: dict[str, Any]) -> Path:
    """Write a project whose template nests nothing, with further templates in infra/."""
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": {"Ref": "AWS::StackName"}}}
    for name, resources in {"template": {"Main": topic}, **templates}.items():
        file = folder / ("template.yaml" if name == "template" else f"infra/{name}.yaml")
        file.parent.mkdir(parents=True, exist_ok=True)
        needed = {"Zone": {"Type": "String"}, "Size": {"Type": "Number", "MaxValue": 7}}
        parameters = {"SecretPrefix": {"Type": "String"}, **(needed if name != "template" else {})}
        body = {"Parameters": parameters, "Resources": resources}
        file.write_text(yaml.safe_dump({"AWSTemplateFormatVersion": "2010-09-09", **body}))
    (folder / "infra/none.yaml").write_text("a: list of something else")
    return folder


def test_a_template_that_is_added_later_is_measured_by_itself(tmp_path: Path) -> None:
    long = {"QueueName": {"Fn::Sub": "${AWS::StackName}-${Zone}-" + "q" * 60}}
    nested = {"Type": "AWS::SQS::Queue", "Properties": long}
    nesting = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {
            "TemplateURL": "inner.yaml",
            "Parameters": {"SecretPrefix": "p", "Zone": "z", "Size": {"Ref": "Size"}},
        },
    }
    root = project(tmp_path, cache={"Nesting": nesting}, inner={"Queue": nested})
    assert stacks("agents", root) == {
        "agents": root / "template.yaml",
        "agents-cache": root / "infra/cache.yaml",
    }
    said = "\n".join(over(measured_whole("agents", "p", {}, root)))
    assert re.search(r"agents-cache-Nesting-\w+-z-q+: 9\d of 80; choose a shorter", said), said
    assert said.count("\n") == 0


def test_every_name_that_is_made_of_the_stacks_is_measured() -> None:
    """One that is not is that of another resource, or has no limit of its own."""
    for name, template in stacks(STACK).items():
        declared = Measured(template, name, values_of(template)).declared
        known = {str(one.properties.get(NAMES.get(one.type, ("",))[0])) for one in declared}
        unknown = {
            (one.type, key)
            for one in declared
            for key, value in one.properties.items()
            if re.search(r"(Name|Identifier|^Id)$", key)
            if isinstance(value, str) and STACK in value and value not in known
        }
        # API Gateway's pages name no limit; a metric's is as long as an alarm's.
        no_limit = {("AWS::ApiGateway::RestApi", "Name"), ("AWS::CloudWatch::Alarm", "MetricName")}
        assert unknown <= no_limit, name


def test_no_setting_and_no_secret_takes_room_in_an_environment(quotas: list[Quota]) -> None:
    sizes = [quota for quota in quotas if "environment" in quota.what]
    assert len(sizes) >= 14
    assert max(quota.used for quota in sizes) < ENVIRONMENT / 2  # what grows is the prefix alone
    usual = measured("agent-flows", "agent-flows", ALL_ON)
    assert max(quota.used for quota in usual if "environment" in quota.what) < 600
    assert max(quota.used for quota in usual if "references" in quota.what) == 0


def with_longest_flow(folder: Path) -> Path:
    """Write the template with one more flow, which acts on both platforms and has a schedule."""
    text = (ROOT / "template.yaml").read_text("utf-8")
    name, may = "f" * LONGEST, (Comment.at_most(1), Reply.at_most(1))
    types = ("github.issues.opened", f"schedule.{name}")
    flow = Flow(name, types, may, False, frozenset(), lambda event, agent: None)
    deployed = Deployed(parsed(text, folder), text)
    whole = with_flow(f"flows.{name}:{name}", flow, "rate(1 day)", deployed)
    whole = re.sub(r"((?:TemplateURL|DefinitionUri):) (infra/\S+)", rf"\1 {ROOT}/\2", whole)
    (folder / "template.yaml").write_text(whole, "utf-8")
    return folder / "template.yaml"


def test_a_flow_of_the_longest_name_fits_too(tmp_path: Path) -> None:
    template = with_longest_flow(tmp_path)
    found = measured(STACK, PREFIX, ALL_ON, template)
    assert over(found) == []
    assert f"characters of the name {STACK}-{'f' * LONGEST}: 64 of 64" in "\n".join(map(str, found))


def test_what_is_too_long_is_named_with_what_to_do() -> None:
    said = "\n".join(over(measured("s" * 66, "p/" * 1_500, {})))
    assert "-retention: 76 of 64; choose a shorter --stack" in said
    assert "-retention-dead.fifo: 86 of 80; choose a shorter --stack" in said
    assert "characters of the secret" in said
    assert "levels of the parameter" in said
    assert re.search(r"Chat: bytes of the environment: \d+ of 4096; choose a shorter --p", said)
    assert "characters of the policies" in said


def written(folder: Path, resources: dict[str, Any], **sections: Any) -> Path:
    path = folder / "t.yaml"
    parameters = {"SecretPrefix": {"Type": "String"}}
    path.write_text(json.dumps({"Parameters": parameters, "Resources": resources, **sections}))
    return path


@pytest.mark.parametrize(
    ("many", "said"),
    [
        ({"Type": "AWS::SNS::Topic"}, "t.yaml: Resources: 501 of 500"),
        (
            {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "{{resolve:ssm:x}}"}},
            "t.yaml: dynamic references: 501 of 60",
        ),
        (
            {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "x" * 2_000}},
            "t.yaml: bytes:",
        ),
    ],
)
def test_too_many_and_too_large(tmp_path: Path, many: dict[str, Any], said: str) -> None:
    template = written(tmp_path, {f"R{n}": many for n in range(501)})
    assert any(said in line for line in over(measured("s", "p", {}, template)))


def test_an_environment_is_measured_as_escaped_json(tmp_path: Path) -> None:
    function = {"Handler": "h", "Environment": {"Variables": {"A": 'ö"\n', "N": 7}}}
    template = written(tmp_path, {"F": {"Type": "AWS::Lambda::Function", "Properties": function}})
    (size,) = [q.used for q in measured("s", "p", {}, template) if "environment" in q.what]
    assert size == len(r'{"A": "\u00f6\"\n", "N": "7"}')


def test_the_command_of_a_deployment_says_it_in_lines() -> None:
    asked = {"stack": "s" * 60, "prefix": "p", "parameters": {}}
    command = [sys.executable, "-m", "infra.quotas"]
    done = subprocess.run(
        command, cwd=ROOT, input=json.dumps(asked), capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "characters of the name" in done.stdout
    assert done.stderr == ""


def test_the_document_of_the_settings_is_measured_too() -> None:
    assert json.loads(checked({"FOOTER": "off"})) == {"FOOTER": "off"}
    with pytest.raises(SettingsError, match=f"AWS keeps {LARGEST}; shorten TENANTS"):
        checked({"FOOTER": "off", "TENANTS": "ö" * 5_000})
