"""The SAM command line, without credentials: it builds every function, and takes parameters."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.deploy.stack import Destination, overrides, schema_commands
from infra.project import ROOT
from tests.campaigns import sample

FUNCTIONS = ["Ingress", "Chat", "Triage", "Retention"]
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"

pytestmark = pytest.mark.sam


@pytest.fixture(scope="module")
def sam_environment() -> Path:
    """The environment of the SAM command line; the first call makes it."""
    subprocess.run([ROOT / "scripts/sam", "--version"], check=True, capture_output=True)
    return ROOT / ".venv-sam"


@pytest.mark.usefixtures("sam_environment")
@pytest.mark.parametrize("functions", sample([FUNCTIONS], 0))
def test_sam_builds_every_function_for_the_python_at_hand(
    tmp_path: Path, functions: list[str]
) -> None:
    built = tmp_path / "build"
    _sam(
        tmp_path,
        "build",
        *("--template", str(ROOT / "template.yaml"), "--build-dir", str(built)),
        *("--cache-dir", str(tmp_path / "cache"), "--parameter-overrides", f"Runtime={RUNTIME}"),
    )
    for function in functions:
        assert list((built / function / "shared" / "__pycache__").iterdir()), function
    template = (built / "template.yaml").read_text("utf-8")
    assert "TemplateURL: ChatFlow/template.yaml" in template
    assert "<<" not in template


@pytest.mark.usefixtures("sam_environment")
def test_sam_builds_what_migrates_from_a_template_of_its_own(tmp_path: Path) -> None:
    build, deploy = schema_commands(
        Destination("agents", "agents", RUNTIME, "x86_64"), {"Runtime": RUNTIME, "Footer": "off"}
    )
    assert not any("Footer" in word for word in build + deploy)
    built = tmp_path / "build"
    words = [str(built) if word == ".aws-sam/schema" else word for word in build[1:]]
    words = [str(ROOT / word) if word == "infra/schema.yaml" else word for word in words]
    _sam(tmp_path, *words)
    assert (built / "Migrate/infra/migrations/0001_journal.sql").exists()
    assert (built / "template.yaml").exists()
    assert deploy[1:6] == [
        *("deploy", "--template-file", ".aws-sam/schema/template.yaml"),
        *("--stack-name", "agents-schema"),
    ]


def test_parameters_reach_sam_as_they_are(sam_environment: Path) -> None:
    values = {"Tenants": 'a=github:acme,slack:T1; "b"=c', "OllamaHost": "", "Footer": "off"}
    code = (
        "import json, sys; from samcli.cli.types import CfnParameterOverridesType as Type;"
        "print(json.dumps([Type().convert(word, None, None) for word in sys.argv[1:]]))"
    )
    command = [str(sam_environment / "bin/python"), "-c", code, *overrides(values)]
    read = json.loads(subprocess.check_output(command, text=True))
    assert {name: value for one in read for name, value in one.items()} == values


def _sam(folder: Path, *arguments: str) -> None:
    """Call SAM from another folder, as a person might."""
    environment = {**os.environ, "RUNTIME": RUNTIME}
    command = [str(ROOT / "scripts/sam"), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
