"""Runs code and tests of an earlier commit in processes of their own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.project import ROOT

_PLUGINS = ROOT / "tests/previous/plugin"


def run_tests(folder: Path, words: Sequence[str], newer: Path = ROOT) -> int:
    """Run tests of the code in `folder`; their databases have the schema of the `newer` code.

    What fails on the earlier schema too says nothing of the newer one: it is named and not counted.
    """
    code, failed = _run(folder, ["-p", "on_newer_schema", *words], newer)
    if code != pytest.ExitCode.TESTS_FAILED:
        return code
    print("\nWhat failed, on the schema of its own commit:", flush=True)
    again = folder / "failed-tests"
    again.write_text("\n".join(failed), "utf-8")
    _, failed_before = _run(folder, [f"@{again}"], newer)
    if broken := [test for test in failed if test not in failed_before]:
        print("\nThe newer schema breaks:", *broken, sep="\n  ", flush=True)
        return code
    print("\nAll of that fails at its commit already; the newer schema breaks nothing.", flush=True)
    return 0


def _run(folder: Path, words: Sequence[str], newer: Path) -> tuple[int, list[str]]:
    """Return how pytest ended, and what failed."""
    record = folder / "failures"
    record.write_text("", "utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": f"{_PLUGINS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(
            os.pathsep
        ),
        "NEWER_CODE": str(newer),
        "FAILURES": str(record),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "record_failures", *words]
    done = subprocess.run(command, cwd=folder, env=environment, check=False)
    return done.returncode, sorted(set(record.read_text("utf-8").splitlines()))


def run_code(folder: Path, code: str, *words: str) -> str:
    """Run a program on the code in `folder` and return what it prints."""
    command = [sys.executable, "-c", code, *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
