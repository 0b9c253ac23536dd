"""Finds the Pythons of this machine: the one that runs, on PATH, and where pyenv and uv install."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

#: Only what is released compiles for Lambda's runtimes: betas have another byte code.
_ASK = "import sys; v = sys.version_info; print('%d.%d' % v[:2] if v[3] == 'final' else '')"


def find_python(version: str) -> str | None:
    """Return a Python of a version such as `3.13`, or None where there is none."""
    for candidate in _candidates(version, os.environ):
        if _version(candidate) == version:
            return candidate
    return None


def _candidates(version: str, environment: Mapping[str, str]) -> Iterator[str]:
    for name in (sys.executable, f"python{version}"):
        if path := shutil.which(name):
            yield path
    pyenv = environment.get("PYENV_ROOT") or Path.home() / ".pyenv"
    uv = environment.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local/share/uv/python"
    # Without what is free-threaded (3.13.0t, +freethreaded), which takes wheels of its own.
    numbers = rf"{re.escape(version)}\.(\d+)"
    yield from _newest_first(Path(pyenv) / "versions", re.compile(numbers))
    yield from _newest_first(Path(uv), re.compile(rf"cpython-{numbers}-[^+]+"))


def _newest_first(folder: Path, named: re.Pattern[str]) -> Iterator[str]:
    """Yield the Pythons in `folder` whose folders are `named` so, with their patch as a group."""
    inside = folder.iterdir() if folder.is_dir() else ()
    found = [(int(name[1]), one) for one in inside if (name := named.fullmatch(one.name))]
    for _, one in sorted(found, reverse=True):
        yield str(one / "bin/python")


@cache  # a deployment asks for each runtime, a build at each step
def _version(interpreter: str) -> str:
    """Return its version; '' where it does not run, as a shim of pyenv for what is not chosen."""
    try:
        done = subprocess.run(
            [interpreter, "-c", _ASK], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


if __name__ == "__main__":
    print(find_python(sys.argv[1]) or "")
