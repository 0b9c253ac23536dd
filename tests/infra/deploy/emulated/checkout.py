"""A checkout of the project from which ./scripts/deploy deploys, as a person does it: with SAM, to
an account on this machine (emulated: moto, with the CloudFormation and the Lambda beside this)."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import boto3
import urllib3
import yaml
from moto.core import DEFAULT_ACCOUNT_ID

from infra.cloudformation import parse
from infra.project import ROOT
from tests.moto_server import moto_server

REGION = "eu-central-1"
_ACCOUNT = DEFAULT_ACCOUNT_ID
_FOLDERS = ("flows", "infra", "requirements", "scripts", "shared")
_FILES = ("samconfig.toml", "template.yaml", "Makefile")
_ENVIRONMENTS = (".venv", ".venv-sam", ".vendor")
#: In place of the Makefile: bundles of two lines that tell their release, but for what is whole.
_SMALL = """
build-%:
	@mkdir -p "$(ARTIFACTS_DIR)/shared/runtime"
	@printf 'def handler(event, context): return {{"release": {}}}\\n' \\
		>"$(ARTIFACTS_DIR)/shared/runtime/function.py"
	@cp "$(SETTINGS)" "$(ARTIFACTS_DIR)/settings.json"; printf $* >"$(ARTIFACTS_DIR)/name"
"""
_WHOLE = """
build-{}:
	@.venv/bin/python -m infra.bundle {} --into "$(ARTIFACTS_DIR)" --runtime "$(RUNTIME)" \\
		--architecture "$(ARCHITECTURE)" --settings "$(SETTINGS)"
"""
#: SAM reads each template three times and more; with libyaml in a tenth of the time.
_FAST = "import yaml\nyaml.SafeLoader = yaml.CSafeLoader\n"


class Account:
    """The AWS account: clients of its services."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        config = folder / "aws"
        # moto reads a bucket's name off the path where its host is called localhost.
        config.write_text("[default]\ns3 =\n  addressing_style = path\n")
        fast = folder / "fast"
        fast.mkdir()
        (fast / "sitecustomize.py").write_text(_FAST)
        #: What leads a function here, and what leads a command.
        self.variables = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
        }
        self.environment = {
            **os.environ,
            **self.variables,
            "AWS_CONFIG_FILE": str(config),
            "PYTHONPATH": str(fast),
            "SAM_CLI_POLL_DELAY": "0.1",
        }
        self._session = boto3.Session("test", "test", region_name=REGION)

    def client(self, service: str) -> Any:
        return self._session.client(service, endpoint_url=self.url)


class Checkout:
    """A copy of this project. With `flows` the template has these alone, and of functions only
    those in `built` get whole bundles."""

    def __init__(self, folder: Path, flows: Iterable[str] = (), built: Iterable[str] = ()) -> None:
        self.folder = folder
        folder.mkdir()
        ignored = shutil.ignore_patterns("__pycache__")
        for name in _FOLDERS:
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in _FILES:
            shutil.copyfile(ROOT / name, folder / name)
        for name in _ENVIRONMENTS:
            (folder / name).symlink_to(ROOT / name)
        if flows:
            smaller = with_flows((ROOT / "template.yaml").read_text("utf-8"), {*flows})
            (folder / "template.yaml").write_text(smaller, "utf-8")
            self._whole = "".join(_WHOLE.format(name, name) for name in built)
            self.release(1)

    def stage(self, settings: Mapping[str, str], **values: str) -> None:
        """Write the stage `test`, and its settings."""
        with (self.folder / "samconfig.toml").open("a") as config:
            config.write('\n[test.global.parameters]\nstack_name = "agents"\n')
            config.write(f'region = "{REGION}"\n[test.agent_flows.parameters]\n')
            for name, value in {"settings": ".env.test", **values}.items():
                config.write(f'{name} = "{value}"\n')
        lines = (f"{name}={json.dumps(value)}\n" for name, value in settings.items())
        (self.folder / ".env.test").write_text("".join(lines), "utf-8")

    def release(self, number: int, **migrations: str) -> None:
        """Write the code of a release, and its migrations."""
        for name, text in migrations.items():
            (self.folder / f"infra/migrations/{name.strip('_')}.sql").write_text(text, "utf-8")
        (self.folder / "Makefile").write_text(f"{self._whole}{_SMALL.format(number)}", "utf-8")

    def deploy(
        self, account: Account, *words: str, **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run ./scripts/deploy for the stage `test`, without a person."""
        command = [str(self.folder / "scripts/deploy"), "--yes", "--stage", "test", *words]
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**account.environment, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


def with_flows(text: str, kept: set[str]) -> str:
    """Return the template without the other flows."""
    body = parse(text)
    resources = body["Resources"]
    for name, resource in [*resources.items()]:
        variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
        if "FLOW" in variables and name not in kept:
            for one in (name, f"{name}Flow"):
                del resources[one]
    return dumped(body)


class _Plain(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def dumped(body: Any) -> str:
    """Write a template as the project's own is: with two spaces, and each resource in a block."""
    return yaml.dump(body, Dumper=_Plain, sort_keys=False, width=10**6)


@contextmanager
def aws_account(folder: Path) -> Iterator[Account]:
    """Serve an account to which a checkout deploys, and that runs what is deployed."""
    # Not for each worker: this is a tenth of what collecting all tests takes.
    from moto.awslambda.models import lambda_backends
    from moto.cloudformation.models import cloudformation_backends

    from tests.infra.deploy.emulated.cloudformation import CloudFormation
    from tests.infra.deploy.emulated.lambdas import Lambdas

    with moto_server() as served:
        urllib3.request("POST", f"{served}/moto-api/reset", timeout=60)  # of other tests
        # moto reads a bucket's name off the path where the host is called so.
        url = served.replace("127.0.0.1", "localhost")
        account, lambdas = Account(url, folder), Lambdas(REGION, _ACCOUNT, folder)
        lambdas.variables = account.variables
        with (
            closing(lambdas),
            _in_place(cloudformation_backends, CloudFormation(REGION, url)),
            _in_place(lambda_backends, lambdas),
        ):
            yield account


@contextmanager
def _in_place(backends: Any, backend: Any) -> Iterator[None]:
    """Put a service of ours in the place of moto's own."""
    before = backends[_ACCOUNT][REGION]
    backends[_ACCOUNT][REGION] = backend
    try:
        yield
    finally:
        backends[_ACCOUNT][REGION] = before
