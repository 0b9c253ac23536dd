"""The runtime that a deployment takes when nobody names one."""

import sys

import pytest

from infra.bundle.target import RUNTIMES, BuildTarget, cheapest, newest_at_hand
from infra.local.aws.template import read
from infra.project import ROOT


def test_the_newest_python_at_hand_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    found = newest_at_hand()
    assert BuildTarget(found, "x86_64").interpreter()
    this = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for name in ("PATH", "PYENV_ROOT", "UV_PYTHON_INSTALL_DIR"):
        monkeypatch.setenv(name, "/nowhere")
    assert newest_at_hand() == this  # the one that runs is always at hand
    assert list(RUNTIMES).index(found) <= list(RUNTIMES).index(this)


def test_every_supported_runtime_is_one_of_the_template() -> None:
    allowed = read(ROOT / "template.yaml")["Parameters"]["Runtime"]["AllowedValues"]
    assert sorted(RUNTIMES) == sorted(allowed)


def test_arm64_is_taken_where_every_wheel_exists() -> None:
    assert cheapest("python3.11") == "x86_64"
    assert {cheapest(runtime) for runtime in RUNTIMES if runtime != "python3.11"} == {"arm64"}
