"""An account with a stack in it, as moto serves it (emulated), and a sitting of its deployer."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.apps.person import Person
from infra.deploy.stack import Destination
from infra.deploy.stages import Stage
from infra.deploy.steps.step import Sitting
from tests.infra.migrations.conftest import url

__all__ = ["url"]
REGION = "eu-central-1"
STACK = "agents"


class AwsAccount:
    """The stack `agents` with functions behind their aliases."""

    def __init__(self, url: str | None = None) -> None:
        self.session = boto3.Session("test", "test", region_name=REGION)
        self.lambdas: Any = self.session.client("lambda", endpoint_url=url)
        self.cloudformation: Any = self.session.client("cloudformation", endpoint_url=url)

    def deploy(self, *names: str) -> None:
        """Make the stack with these functions, each with version 1 behind its alias."""
        resources = {name.title(): self._function(name) for name in names}
        resources["Role"] = _ROLE
        template = json.dumps({"Resources": resources})
        self.cloudformation.create_stack(StackName=STACK, TemplateBody=template)
        for name in names:
            version = self.publish(name)
            self.lambdas.create_alias(
                FunctionName=f"{STACK}-{name}", Name="live", FunctionVersion=version
            )

    def publish(self, name: str, code: str = "") -> str:
        """Publish new code of a function; return its version, which is not live yet."""
        function = f"{STACK}-{name}"
        self.lambdas.update_function_code(FunctionName=function, ZipFile=_zip(code))
        return str(self.lambdas.publish_version(FunctionName=function)["Version"])

    def shift(self, name: str, version: str) -> None:
        """Make a version live, as CodeDeploy does at the end."""
        function = f"{STACK}-{name}"
        self.lambdas.update_alias(FunctionName=function, Name="live", FunctionVersion=version)

    def live(self, *names: str) -> dict[str, str]:
        aliases = {
            name: self.lambdas.get_alias(FunctionName=f"{STACK}-{name}", Name="live")
            for name in names
        }
        return {name: alias["FunctionVersion"] for name, alias in aliases.items()}

    @staticmethod
    def _function(name: str) -> dict[str, Any]:
        return {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": f"{STACK}-{name}",
                "Code": {"ZipFile": "def handler(event, context): pass"},
                "Handler": "index.handler",
                "Runtime": "python3.12",
                "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            },
        }


_ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
}


def _zip(code: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("index.py", f"def handler(event, context): return {code!r}")
    return file.getvalue()


@pytest.fixture
def account() -> Iterator[AwsAccount]:
    with (
        mock_aws(config={"lambda": {"use_docker": False}}),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield AwsAccount()


@pytest.fixture
def sitting(account: AwsAccount, tmp_path: Path) -> Sitting:
    place = Destination(STACK, "agents", "python3.13", "arm64", region=REGION)
    return Sitting(place, {}, Person(asked=False), Stage(), folder=tmp_path)
