"""The benchmarks' command runs; what it measures is for people to judge."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from infra.project import ROOT


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bundles are for Linux")


def test_the_command_prints_a_table_and_writes_what_it_measured(tmp_path: Path) -> None:
    file = tmp_path / "samples.json"
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "sizes", "--json"]
    done = subprocess.run(
        [*command, str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    sizes = json.loads(file.read_text("utf-8"))["subjects"]["sizes"]
    for function in ("Ingress", "Chat", "Triage", "Retention", "Migrate"):
        assert f"{sizes[function]['zip'] / 1e6:.3f}" in done.stdout


def test_the_command_refuses_what_it_cannot_measure() -> None:
    command = [sys.executable, "-m", "benchmarks", "--only", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "sizes" in done.stderr
