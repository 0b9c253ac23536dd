"""A failure of an earlier commit's tests counts where the newer schema causes it, nowhere else."""

from pathlib import Path

import pytest

from tests.previous.running import run_tests

_TESTS = """
import os
import pytest
from infra.migrations import migrate

def own():
    return migrate("url") == ["own"]

def test_passes():
    pass

@pytest.mark.parametrize("text", ["", "two words", "a\\nb", "[é]"])
def test_on_its_own_schema(text):
    assert own()

def test_on_no_schema():
    assert not "a defect of that commit"

@pytest.fixture
def table():
    yield
    assert own()

def test_cleans_up(table):
    pass

def test_only_on_the_newer():
    assert not own()
"""
_EARLIER = "def migrate(url):\n    return ['own']\n"
_NEWER = "def migrate(url):\n    assert url == 'url'\n"

#: What is selected, by how many workers, and how it ends.
CASES = [
    ("passes or on_no_schema or only_on_the_newer", "0", 0),
    ("cleans_up", "0", 1),
    ("on_its_own_schema or cleans_up or on_no_schema", "2", 1),
]


@pytest.mark.parametrize(("chosen", "workers", "ended"), CASES)
def test_only_what_the_newer_schema_breaks_counts(
    tmp_path: Path, chosen: str, workers: str, ended: int
) -> None:
    earlier, newer = code(tmp_path / "earlier", _EARLIER), code(tmp_path / "newer", _NEWER)
    (earlier / "test_it.py").write_text(_TESTS, "utf-8")
    assert run_tests(earlier, ["test_it.py", "-k", chosen, "-n", workers], newer) == ended


def test_what_cannot_be_loaded_is_a_failure(tmp_path: Path) -> None:
    earlier = code(tmp_path / "earlier", _EARLIER)
    (earlier / "test_it.py").write_text("import nowhere\n", "utf-8")
    assert run_tests(earlier, ["test_it.py"], earlier) == pytest.ExitCode.INTERRUPTED


def code(folder: Path, migrations: str) -> Path:
    package = folder / "infra/migrations"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(migrations, "utf-8")
    return folder
