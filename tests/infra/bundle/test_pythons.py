"""Each Python of this machine is found, wherever it was installed, and only what can build."""

import sys
from pathlib import Path

import pytest

from infra.bundle.pythons import find_python

VERSION = "3.99"
SHIM = "echo 'pyenv: python3.99: command not found' >&2; exit 127"
SAYS = f"echo {VERSION}"

FOUND = [
    ({}, None),
    ({"path/python3.99": SAYS}, "path/python3.99"),
    ({"path/python3.99": SHIM}, None),
    ({"path/python3.99": SHIM, "pyenv/versions/3.99.0/bin/python": SAYS}, "3.99.0/bin/python"),
    (
        {f"pyenv/versions/3.99.{patch}/bin/python": SAYS for patch in (2, 10, 9)},
        "3.99.10/bin/python",
    ),
    ({"uv/cpython-3.99.1-linux-x86_64-gnu/bin/python": SAYS}, "x86_64-gnu/bin/python"),
    ({"uv/cpython-3.99.1-macos-aarch64-none/bin/python": SAYS}, "aarch64-none/bin/python"),
    (
        {
            "pyenv/versions/3.99.1/bin/python": "not a program",
            "uv/cpython-3.99.1-linux-x86_64-gnu/bin/python": SAYS,
        },
        "x86_64-gnu/bin/python",
    ),
    # A beta says no version, a free-threaded one would take other wheels, others are no CPython.
    ({"path/python3.99": "echo", "pyenv/versions/3.99.0b2/bin/python": SAYS}, None),
    ({"pyenv/versions/3.99.0t/bin/python": SAYS}, None),
    ({"pyenv/versions/3.99-dev/bin/python": SAYS}, None),
    ({"uv/cpython-3.99.1+freethreaded-linux-x86_64-gnu/bin/python": SAYS}, None),
    ({"uv/pypy-3.99.1-linux-x86_64-gnu/bin/python": SAYS}, None),
    # A folder that holds another version than it says.
    ({"pyenv/versions/3.99.3/bin/python": "echo 3.98"}, None),
    ({"pyenv/versions/3.991.3/bin/python": SAYS, "pyenv/versions/13.99.3/bin/python": SAYS}, None),
]


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a Python but the one that runs."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "uv"))
    return tmp_path


@pytest.mark.parametrize(("programs", "end"), FOUND)
def test_what_is_installed_is_found(
    machine: Path, programs: dict[str, str], end: str | None
) -> None:
    for name, body in programs.items():
        put(machine / name, body)
    found = find_python(VERSION)
    assert found is None if end is None else found and found.endswith(end)


def test_a_folder_of_home_is_looked_into(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, place in (("PYENV_ROOT", ".pyenv/versions/3.99.4"), ("UV_PYTHON_INSTALL_DIR", "")):
        monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(machine / name))
        put(
            machine / name / (place or ".local/share/uv/python/cpython-3.99.4-x") / "bin/python",
            SAYS,
        )
        assert (found := find_python(VERSION)) and found.startswith(str(machine / name))


def test_the_one_that_runs_comes_first(machine: Path) -> None:
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    put(machine / f"path/python{this}", f"echo {this}")
    put(machine / f"pyenv/versions/{this}.99/bin/python", f"echo {this}")
    assert find_python(this) == sys.executable


def put(program: Path, body: str) -> None:
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(body if body == "not a program" else f"#!/bin/sh\n{body}\n")
    program.chmod(0o755)
