"""The steps of a deployment that SAM and AWS do, and their parameters."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from tempfile import NamedTemporaryFile
from typing import Any, NamedTuple

from infra.bundle.build import TemplateText
from infra.configuration.destinations import default_of, parameter_of
from infra.project import ROOT
from shared.errors import AgentFlowsError


class DeployError(AgentFlowsError):
    pass


class Destination(NamedTuple):
    """The stack and the account to deploy to, and its Python."""

    stack: str
    prefix: str
    runtime: str
    architecture: str
    profile: str = ""
    region: str = ""

    @property
    def schema(self) -> str:
        """The stack with the function that migrates, and the function."""
        return f"{self.stack}-schema"

    @property
    def account_options(self) -> list[str]:
        profile = ["--profile", self.profile] if self.profile else []
        return [*profile, "--region", self.region] if self.region else profile


def parameters(place: Destination, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters of template.yaml that the destination and the settings give.

    An empty setting is as if it was never set: its parameter gets the default again, and a number
    without one stays as it was.
    """
    values = {
        "Runtime": place.runtime,
        "Architecture": place.architecture,
        "SecretPrefix": place.prefix,
    }
    declared = TemplateText(ROOT).parameters
    for setting, given in settings.items():
        name, value = parameter_of(setting), given or default_of(setting)
        if name in declared and (value or declared[name] != "Number"):
            values[name] = value
    return values


def overrides(values: Mapping[str, str]) -> list[str]:
    """Write parameters as the SAM command line reads them."""
    return [f"{name}=" + '"{}"'.format(value.replace('"', r"\"")) for name, value in values.items()]


def sam_commands(place: Destination, values: Mapping[str, str]) -> list[list[str]]:
    """Return the SAM commands in order: validate, build, deploy."""
    sam = str(ROOT / "scripts" / "sam")
    given = ["--parameter-overrides", *overrides(values)]
    return [
        [sam, "validate", "--lint"],
        [sam, "build", *given],
        [sam, "deploy", "--stack-name", place.stack, *place.account_options, *given],
    ]


def schema_commands(place: Destination, values: Mapping[str, str]) -> list[list[str]]:
    """Return the SAM commands of the stack with the function that migrates, in order."""
    sam, built = str(ROOT / "scripts" / "sam"), ".aws-sam/schema"
    template, config = "infra/schema.yaml", ["--config-file", str(ROOT / "samconfig.toml")]
    declared = TemplateText(ROOT, template).parameters
    named = {name: value for name, value in values.items() if name in declared}
    given = [*config, "--parameter-overrides", *overrides(named)]
    deploy = ["deploy", "--template-file", f"{built}/template.yaml", "--stack-name", place.schema]
    return [
        [sam, "build", "--template-file", template, "--build-dir", built, *given],
        [sam, *deploy, *place.account_options, *given],
    ]


def run_sam(command: Sequence[str], place: Destination, settings: Mapping[str, str]) -> None:
    """Run one of the commands in the project's folder, which lays the settings into the bundles;
    raises DeployError when it fails."""
    chosen = {"RUNTIME": place.runtime, "ARCHITECTURE": place.architecture}
    with NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(dict(settings), file)
        file.flush()
        env = {**os.environ, **chosen, "SETTINGS": file.name}
        done = subprocess.run(command, cwd=ROOT, env=env, check=False)
    if done.returncode:
        raise DeployError(f"sam {command[1]} failed; its output above says why")


def check_quotas(place: Destination, values: Mapping[str, str]) -> None:
    """Raise DeployError for all that AWS would refuse as too long, too large or too many."""
    asked = {"stack": place.stack, "prefix": place.prefix, "parameters": dict(values)}
    done = subprocess.run(
        [ROOT / ".venv-sam" / "bin" / "python", "-m", "infra.quotas"],
        cwd=ROOT,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DeployError(done.stdout.strip() or f"quotas: {done.stderr.strip()[-500:]}")


def outputs(client: Any, stack: str) -> dict[str, str]:
    """Return the outputs of the stack, by name."""
    (found,) = client.describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", [])}
