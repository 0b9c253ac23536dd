"""The code of an earlier commit, in a folder of its own."""

import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

from infra.project import ROOT

#: What has no database in it, tests the schema of its own commit, or starts whole systems.
_LEFT_OUT = ("tests/database/test_rights.py", "tests/test_house.py", "tests/test_docs.py")
_FOLDERS_LEFT_OUT = ("system", "crash", "attacks", "benchmarks", "browser", "infra", "previous")
#: A few files that say much: the journal, effects, memory, a plan.
SAMPLE = ("tests/test_journal.py", "tests/flows/test_triage.py", "tests/memory/test_store.py")


def before_the_last_migration() -> str:
    """Return the newest commit whose schema is another than that of the files here; '' without
    git."""
    if _git("status", "--porcelain", "--", "infra/migrations/*.sql").strip():
        return _git("rev-parse", "HEAD").strip()
    last = _git("log", "-1", "--format=%H", "--", "infra/migrations/[0-9]*.sql").strip()
    return _git("rev-parse", f"{last}~1").strip() if last else ""


def take_out(commit: str, folder: Path) -> None:
    """Write the files of a commit into a folder."""
    command = ["git", "archive", commit]
    packed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


def core(folder: Path) -> list[str]:
    """Return the tests of the commit in `folder` that may run on another schema."""
    tests = folder / "tests"
    folders = [one for one in tests.iterdir() if one.is_dir() and one.name not in _FOLDERS_LEFT_OUT]
    found = [str(one.relative_to(folder)) for one in [*folders, *tests.glob("test_*.py")]]
    left_out = [f"--ignore={name}" for name in _LEFT_OUT]
    return [*sorted(name for name in found if name not in _LEFT_OUT), *left_out]


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""
