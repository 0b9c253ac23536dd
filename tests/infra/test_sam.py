"""The SAM command line, without credentials: it builds every function, and takes parameters."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.bundle.target import RUNTIMES, BuildTarget
from infra.deploy.stack import Destination, overrides, schema_commands
from infra.project import ROOT
from shared.errors import SettingsError
from tests.campaigns import sample

FUNCTIONS = ["Ingress", "Chat", "Triage", "Retention"]
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
#: Every runtime with a Python here, on both processors.
MATRIX = [(runtime, processor) for runtime in RUNTIMES for processor in ("x86_64", "arm64")]

pytestmark = pytest.mark.sam


@pytest.fixture(scope="module")
def sam_environment() -> Path:
    """The environment of the SAM command line; the first call makes it."""
    subprocess.run([ROOT / "scripts/sam", "--version"], check=True, capture_output=True)
    return ROOT / ".venv-sam"


@pytest.mark.usefixtures("sam_environment")
@pytest.mark.parametrize(("runtime", "architecture"), sample(MATRIX, 0))
def test_sam_builds_every_function_where_all_wheels_exist(
    tmp_path: Path, runtime: str, architecture: str
) -> None:
    try:
        BuildTarget(runtime, architecture).interpreter()
    except SettingsError:
        pytest.skip(f"no {runtime} is here")
    built = tmp_path / "build"
    chosen = overrides({"Runtime": runtime, "Architecture": architecture})
    done = _sam(
        tmp_path,
        "build",
        *("--template", str(ROOT / "template.yaml"), "--build-dir", str(built)),
        *("--cache-dir", str(tmp_path / "cache"), "--parameter-overrides", *chosen),
        RUNTIME=runtime,
        ARCHITECTURE=architecture,
    )
    if (runtime, architecture) == ("python3.11", "arm64"):
        assert done.returncode
        assert "a later runtime or the other architecture may have" in done.stdout + done.stderr
        return
    assert done.returncode == 0, done.stdout + done.stderr
    for function in FUNCTIONS:
        compiled = [*(built / function / "shared" / "__pycache__").iterdir()]
        suffix = BuildTarget(runtime, architecture).compiled_suffix
        assert compiled and all(file.name.endswith(suffix) for file in compiled), function
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
    done = _sam(tmp_path, *words, RUNTIME=RUNTIME)
    assert done.returncode == 0, done.stdout + done.stderr
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


def _sam(folder: Path, *arguments: str, **chosen: str) -> subprocess.CompletedProcess[str]:
    """Call SAM from another folder, as a person might."""
    return subprocess.run(
        [str(ROOT / "scripts/sam"), *arguments],
        cwd=folder,
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
        check=False,
    )
