"""Runs code and tests of an earlier commit in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.project import ROOT

_PLUGIN = ROOT / "tests/previous/plugin"


def run_tests(folder: Path, words: Sequence[str]) -> int:
    """Run tests of the code in `folder`; their databases have the schema of this code."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "on_newer_schema", *words]
    path = f"{_PLUGIN}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep)
    environment = {**os.environ, "PYTHONPATH": path, "NEWER_CODE": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, check=False).returncode


def run_code(folder: Path, code: str, *words: str) -> str:
    """Run a program on the code in `folder` and return what it prints."""
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
