"""A pytest plugin for the tests of an earlier commit: their databases get the schema of newer code,
in the folder NEWER_CODE."""

import os
import subprocess
import sys

import pytest

import infra.migrations

_MIGRATE = "import sys; from infra.migrations import migrate; migrate(sys.argv[1])"


def _migrate(url: str) -> list[str]:
    command = [sys.executable, "-c", _MIGRATE, url]
    subprocess.run(command, cwd=os.environ["NEWER_CODE"], check=True)
    return []


# The fixtures take the name when conftest.py is loaded, which is after this.
pytest.MonkeyPatch().setattr(infra.migrations, "migrate", _migrate)
