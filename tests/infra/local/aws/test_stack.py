"""Templates: the transform and the stack create their resources, or refuse them."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from infra.local.aws.cloud import LocalCloud
from infra.local.aws.errors import TemplateError
from infra.local.aws.stack import Resource, ResourceDeclaration, Stack
from infra.local.aws.template import load
from tests.infra.local.aws.site import TEMPLATE

HEADER = "Resources:\n  R: {Type: Test::Thing, Properties: {Size: 3}}\n"


def outputs(tmp_path: Path, text: str, **parameters: str) -> dict[str, Any]:
    """Deploy a template of things that have an Arn, and return its outputs."""
    path = tmp_path / "template.yaml"
    path.write_text(dedent(text))
    made: list[str] = []

    def create(declared: ResourceDeclaration) -> Resource:
        made.append(declared.logical_id)
        return Resource(declared.name, {"Arn": f"arn:{declared.name}", **declared.properties})

    stack = Stack(
        "s",
        load(path, parameters, "eu-west-1"),
        parameters,
        pseudo={"AWS::Region": "eu-west-1"},
        create=create,
        resolve=lambda text: text.replace("{{resolve:x}}", "resolved"),
    )
    return {**stack.deploy(), "made": made}


def test_intrinsic_functions_evaluate(tmp_path: Path) -> None:
    found = outputs(
        tmp_path,
        """
        Parameters:
          Names: {Type: CommaDelimitedList, Default: "a, b"}
          Stage: {Type: String, Default: test}
        Mappings: {Sizes: {test: {Memory: 128}}}
        Conditions:
          Test: !Equals [!Ref Stage, test]
          Both: !And [!Condition Test, !Not [!Equals [a, b]]]
          Either: !Or [!Equals [a, b], !Condition Both]
        Resources:
          R:
            Type: Test::Thing
            Properties:
              Flag: true
              Gone: !Ref AWS::NoValue
              Secret: "x {{resolve:x}}"
              List: [one, !If [Test, !Ref "AWS::NoValue", two]]
          Never: {Type: Test::Thing, Condition: Nope}
        Outputs:
          Ref: {Value: !Ref R}
          Sub: {Value: !Sub "${R.Arn} ${AWS::Region} ${AWS::StackName} ${!Literal}"}
          Map: {Value: !Sub ["${V} ${R}", {V: !GetAtt R.Flag}]}
          Select: {Value: !Select [1, !Ref Names]}
          Join: {Value: !Join ["-", [a, !FindInMap [Sizes, !Ref Stage, Memory]]]}
          Split: {Value: !Split [",", "a,b"]}
          If: {Value: !If [Either, yes, !Ref Nowhere]}
          Json: {Value: {"Fn::ToJsonString": {a: !Ref Stage}}}
          Secret: {Value: !GetAtt R.Secret}
          List: {Value: !GetAtt R.List}
          Hidden: {Value: never, Condition: Nope}
        """.replace("Both: !And", "Nope: !Equals [a, b]\n          Both: !And"),
    )
    assert found == {
        "made": ["R"],
        "Ref": "s-R",
        "Sub": "arn:s-R eu-west-1 s ${Literal}",
        "Map": "true s-R",
        "Select": "b",
        "Join": "a-128",
        "Split": ["a", "b"],
        "If": True,
        "Json": '{"a": "test"}',
        "Secret": "x resolved",
        "List": ["one"],
    }


def test_resources_come_after_what_they_need(tmp_path: Path) -> None:
    found = outputs(
        tmp_path,
        """
        Resources:
          A: {Type: Test::Thing, DependsOn: C}
          B: {Type: Test::Thing, Properties: {Other: !GetAtt A.Arn}}
          C: {Type: Test::Thing}
        """,
    )
    assert found["made"] == ["C", "A", "B"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ("Outputs: {O: {Value: !Ref Nobody}}", "'Nobody' names no parameter and no resource"),
        (
            "Outputs: {O: {Value: !GetAtt R.Nope}}",
            "R has no attribute 'Nope' here; known: Arn, Size",
        ),
        ("Outputs: {O: {Value: !Base64 x}}", "Fn::Base64 is not known"),
        ("Outputs: {O: {Value: !Select [7, [a]]}}", "Fn::Select cannot take"),
        ("Outputs: {O: {Value: !If [Nope, a, b]}}", "condition 'Nope' is not declared"),
        ("Parameters: {P: {Type: String}}", "parameter P has no default"),
        ("Parameters: {P: {Type: String, Default: c, AllowedValues: [a, b]}}", "P=c; expected one"),
        ("  S: {Type: Test::Thing, DependsOn: S}", "S → S is a cycle"),
    ],
)
def test_what_cannot_be_deployed_is_named(tmp_path: Path, more: str, reason: str) -> None:
    with pytest.raises(TemplateError, match=f"(?s)template.yaml.*{reason}"):
        outputs(tmp_path, HEADER + more)


def test_a_parameter_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="has no parameter Typo"):
        outputs(tmp_path, HEADER, Typo="x")


def test_a_file_that_is_no_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="No such file"):
        load(tmp_path / "none.yaml", {}, "us-east-1")
    for text, reason in (("a: [", "no YAML"), ("a: b", "has no Resources")):
        path = tmp_path / "template.yaml"
        path.write_text(text)
        with pytest.raises(TemplateError, match=reason):
            load(path, {}, "us-east-1")


def test_sam_functions_keep_their_code_location() -> None:
    template = load(TEMPLATE, {"VisibilityTimeout": "5"}, "us-east-1")
    assert template.code == dict.fromkeys(("Api", "Github", "Slack"), TEMPLATE.parent)
    kinds = {resource["Type"] for resource in template.resources.values()}
    assert "AWS::Lambda::Function" in kinds
    assert not [kind for kind in kinds if kind.startswith("AWS::Serverless")]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("{CodeUri: nowhere, Handler: a.b}", "F: its code is no directory here"),
        (
            "{CodeUri: ., Handler: a.b, Timeout: 31, Events: {Q: {Type: SQS, Properties: "
            "{Queue: !GetAtt Q.Arn}}}}",
            "visibility time-out of 30 s is shorter than the 31 s of F",
        ),
        (
            "{CodeUri: ., Handler: a.b, Events: {Q: {Type: SQS, Properties: "
            "{Queue: 'arn:aws:sqs:us-east-1:1:other'}}}}",
            "only queues of the template trigger functions",
        ),
        (
            "{CodeUri: ., Handler: a.b, Events: {T: {Type: HttpApi}}}",
            "AWS::ApiGatewayV2::Api is not known to the local cloud",
        ),
        (
            "{CodeUri: ., Handler: a.b, Events: {T: {Type: ScheduleV2, Properties: "
            "{ScheduleExpression: sometimes}}}}",
            "'sometimes' is no schedule",
        ),
    ],
)
def test_what_the_local_cloud_refuses_is_named(
    tmp_path: Path, properties: str, reason: str
) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n"
        "  Q: {Type: AWS::SQS::Queue}\n"
        "  F:\n"
        "    Type: AWS::Serverless::Function\n"
        f"    Properties: {{Runtime: python3.11, {properties[1:]}\n"
    )
    with pytest.raises(TemplateError, match=reason):
        LocalCloud(path).start()


def test_what_sam_refuses_is_named(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources: {F: {Type: AWS::Serverless::Function, Properties: {Timeout: 3}}}"
    )
    with pytest.raises(TemplateError, match=r"Resource with id \[F\] is invalid"):
        load(path, {}, "us-east-1")
