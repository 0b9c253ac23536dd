"""One flow is updated alone, or it is said why that will not do (emulated by moto)."""

import io
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from infra.deploy import pieces, rollouts
from infra.deploy.stack import DeployError
from infra.deploy.steps import only, rollback
from infra.deploy.steps.step import Sitting
from infra.project import ROOT
from tests.infra.deploy.conftest import REGION, STACK, AwsAccount

pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS")
#: As `sam deploy` leaves it in CloudFormation; moto takes what it does not know for nothing.
_DEPLOYED = """
Parameters:
  Runtime: {Type: String, Default: python3.0}
  Architecture: {Type: String, Default: x86_64}
Resources:
  Chat:
    Type: AWS::Serverless::Function
    Metadata:
      SamResourceId: Chat
    Properties:
      CodeUri: s3://artifacts/agents/1111
      Handler: shared.runtime.function.handler
  Triage:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName:
        Fn::Sub: ${AWS::StackName}-triage

      CodeUri: s3://artifacts/agents/2222
  Bus:
    Type: AWS::SNS::Topic
    Properties:
      DisplayName: "CodeUri: s3://artifacts/agents/2222"
"""


@pytest.fixture
def deployed(account: AwsAccount, sitting: Sitting) -> AwsAccount:
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    account.session.client("s3").create_bucket(
        Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    account.cloudformation.create_stack(
        StackName=STACK,
        TemplateBody=_DEPLOYED,
        Parameters=[
            {"ParameterKey": "Runtime", "ParameterValue": runtime},
            {"ParameterKey": "Architecture", "ParameterValue": "x86_64"},
        ],
    )
    rollback.after_deployment(sitting, {})
    return account


def _template(account: AwsAccount) -> str:
    answer = account.cloudformation.get_template(StackName=STACK, TemplateStage="Original")
    return str(answer["TemplateBody"])


def test_only_the_code_of_that_flow_changes(deployed: AwsAccount, sitting: Sitting) -> None:
    only.run(sitting, ["triage"])
    now = _template(deployed)
    [(before, after)] = [
        pair
        for pair in zip(_DEPLOYED.splitlines(), now.splitlines(), strict=True)
        if pair[0] != pair[1]
    ]
    assert before == "      CodeUri: s3://artifacts/agents/2222"
    found = re.fullmatch(r"      CodeUri: s3://artifacts/(agents/[0-9a-f]{32}\.zip)", after)
    assert found
    body = deployed.session.client("s3").get_object(Bucket="artifacts", Key=found[1])["Body"]
    names = zipfile.ZipFile(io.BytesIO(body.read())).namelist()
    assert "flows/triage.py" in names
    assert "flows/chat.py" not in names
    only.run(sitting, ["triage"])  # the same code is the same bundle
    assert _template(deployed) == now


def test_a_flow_that_is_not_deployed_is_named(deployed: AwsAccount, sitting: Sitting) -> None:
    with pytest.raises(DeployError, match="agents has no function NotHere; deploy it first"):
        only.run(sitting, ["not_here"])
    assert _template(deployed) == _DEPLOYED


@pytest.mark.parametrize(
    ("piece", "file"),
    [
        ("the template", "template.yaml"),
        ("the template", "infra/flow.yaml"),
        ("the template", "infra/planner.asl.json"),
        ("the database's schema", "infra/migrations/9999_new.sql"),
        ("what functions hand each other", "shared/events.py"),
        ("", "flows/triage.py"),
        ("", "shared/models/routing.py"),
    ],
)
def test_a_piece_that_functions_share_is_seen(tmp_path: Path, piece: str, file: str) -> None:
    for name in ("template.yaml", "infra/flow.yaml", "infra/planner.asl.json", "shared/events.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    before = pieces.digests({}, tmp_path)
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    with (tmp_path / file).open("a") as text:
        text.write("# changed\n")
    assert pieces.changed(before, pieces.digests({}, tmp_path)) == ([piece] if piece else [])


def test_what_more_must_change_is_said_and_nothing_changes(
    deployed: AwsAccount, sitting: Sitting
) -> None:
    with pytest.raises(DeployError, match="the settings: changed since the last deployment"):
        sitting.environment["FOOTER"] = "off"
        only.run(sitting, ["triage"])
    del sitting.environment["FOOTER"]
    ssm = sitting.client("ssm")
    known = rollouts.read(ssm, "agents")
    old = {**known.pieces, "the database's schema": "older"}
    rollouts.save(ssm, "agents", known._replace(pieces=old))
    with pytest.raises(DeployError, match="the database's schema: changed"):
        only.run(sitting, ["triage"])
    rollouts.save(ssm, "agents", rollouts.Rollouts())  # sam deployed it, and noted nothing
    with pytest.raises(DeployError, match="the template, the database's schema"):
        only.run(sitting, ["triage"])
    assert _template(deployed) == _DEPLOYED


def test_a_flow_of_what_is_rolled_back_waits(deployed: AwsAccount, sitting: Sitting) -> None:
    ssm = sitting.client("ssm")
    known = rollouts.read(ssm, "agents")
    rollouts.save(ssm, "agents", known._replace(abandoned={"agents-triage": "3"}))
    with pytest.raises(DeployError, match="rolled back; go forward"):
        only.run(sitting, ["triage"])
