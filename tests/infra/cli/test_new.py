"""./scripts/flows new: whatever wakes the flow, the tree is green at once; what is refused writes
nothing."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from infra.project import ROOT
from tests import campaigns

#: The flows that are written, one after the other, into one tree.
KINDS = {
    "greet": ["--on", "github.issues.closed", "--on", "github.issues.reopened"],
    "review_2": ["--on", "github.pull_request.opened", "--on", "github.pull_request.synchronize"],
    "helper": ["--slack"],
    "standup_in_the_channel_of_all": ["--schedule", "cron(0 8 ? * MON-FRI *)"],
    "stale": ["--schedule", "rate(1 day)"],
    "both": ["--slack", "--command", "review"],
    "note": ["--on", "github.push", "--on", "slack.team_join", "--on", "github.star.created"],
    "everything": ["--on", "github.issues.labeled", "--slack", "--schedule", "rate(2 hours)"],
    "reminds": ["--on", "github.issues.opened", "--slack", "--timer", "remind"],
    "pressed": ["--on", "slack.block_actions", "--on", "slack.message.im"],
}

#: What every tree must pass.
HOUSE = ("tests/infra/test_template.py", "tests/test_house.py", "tests/test_docs.py")

#: What is refused, and what the line says.
REFUSED = {
    "greet": "say what wakes it",
    "Greet --slack": "such as greet",
    "my-flow --slack": "such as my_flow",
    "2nd --slack": "no name of a flow",
    "_x --slack": "such as x",
    "é --slack": "no name of a flow",
    "../x --slack": "no name of a flow",
    f"{'x' * 31} --slack": "at most 30",
    "class --slack": "choose another",
    "event --slack": "choose another",
    "print --slack": "choose another",
    "triage --slack": "flows/triage.py is there already",
    "kit --slack": "tests/flows/test_kit.py is there already",
    "bus --slack": "template.yaml has Bus already",
    "planner --slack": "template.yaml has Planner already",
    "nightly --schedule rate(1#day)": "template.yaml has Nightly already",
    "greet --on github.issue.opened": "did you mean 'github.issues.opened'?",
    "greet --on github.issues": "did you mean 'github.issues.opened'?",
    "greet --on api.command.plan": "by hand",
    "greet --on schedule.nightly": "needs its time",
    "greet --command foo": "there are help, remember",
    "greet --schedule daily": "is no schedule; expected rate(1 hour) or cron(0 8 * * ? *)",
    "greet --schedule rate(1#days)": "rate(1 day)",
    "greet --schedule rate(5#minute)": "rate(2 minutes)",
    "greet --schedule rate(0#days)": "AWS takes",
    "greet --schedule cron(0#25#*#*#?#*)": "25",
    "greet --schedule cron(0#8#*#*#*#*)": "exactly one must be",
    "greet --on timer.remind": "--timer remind",
    "greet --slack --timer Re_mind!": "small letters",
    "greet --timer remind": "say what wakes it",
    "greet --on": "expected one argument",
    "greet --no github.push": "did you mean --on?",
}

#: Runs commands one after the other in one process, and prints how each ended.
DRIVER = """
import contextlib, io, json, sys
from pathlib import Path
from infra.cli.__main__ import main

if sys.argv[1:] == ["full"]:  # the disk is full when the template is written
    def replace(self, other):
        raise OSError(28, "No space left on device", str(other))
    Path.replace = replace
for arguments in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
        try:
            code = main(["new", *arguments])
        except SystemExit as err:
            code = err.code
    print(json.dumps([code, said.getvalue()]))
"""


class Tree(NamedTuple):
    """A copy of the project."""

    path: Path

    def new(self, *commands: Sequence[str], disk: str = "") -> list[tuple[int, str]]:
        done = self.run("-c", DRIVER, disk, given=json.dumps(commands))
        return [tuple(json.loads(line)) for line in done.stdout.splitlines()]

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.path, input=given, capture_output=True, text=True, check=False
        )

    @property
    def files(self) -> dict[str, str]:
        paths = [*self.path.glob("flows/*"), *self.path.glob("tests/flows/*")]
        kept = {str(path): path.read_text() for path in paths if path.is_file()}
        return kept | {"template": (self.path / "template.yaml").read_text()}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A copy, which takes a second; no test but the last leaves anything in it."""
    folder = tmp_path_factory.mktemp("copied")
    left_out = shutil.ignore_patterns("*.png", "*.xz")  # what is compiled goes with its file
    for name in ("flows", "infra", "shared", "tests", "docs", "scripts", "benchmarks"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    for file in [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), ROOT / "template.yaml"]:
        shutil.copy(file, folder)
    for picture in ROOT.glob("docs/*.png"):
        (folder / "docs" / picture.name).touch()
    return Tree(folder)


@pytest.fixture
def tree(copied: Tree) -> Tree:
    """The copy with the template that ships, and with none of the flows that tests ask for."""
    shutil.copy(ROOT / "template.yaml", copied.path)
    assert not [*copied.path.glob("flows/greet*"), *copied.path.glob("tests/flows/test_greet*")]
    return copied


def test_what_is_refused_says_why_and_writes_nothing(tree: Tree) -> None:
    before = tree.files
    asked = [[part.replace("#", " ") for part in command.split()] for command in REFUSED]
    ends = tree.new(*asked)
    for (command, reason), (code, said) in zip(REFUSED.items(), ends, strict=True):
        assert code, command
        assert reason in said, f"{command}: {said}"
        assert said.count("\n") == 1, said
    assert tree.files == before


def test_a_full_disk_leaves_nothing_half_written(tree: Tree) -> None:
    before = tree.files
    [(code, said)] = tree.new(["greet", "--slack"], disk="full")
    assert (code, "No space left" in said) == (1, True)
    assert tree.files == before
    assert not [*tree.path.glob(".template*")]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("  # ── The front door", "  # The front door", "has no line `# ── The front door"),
        ("EventTypes: github.issues.opened,", "EventTypes: ", "mend that first"),
        ("Resources:\n", "Resources:\n\t- x: [\n", "no YAML"),
    ],
)
def test_a_template_that_somebody_changed_is_left_as_it_is(
    tree: Tree, old: str, new: str, reason: str
) -> None:
    template = tree.path / "template.yaml"
    template.write_text(template.read_text().replace(old, new))
    before = tree.files
    [(code, said)] = tree.new(["greet", "--slack"])
    assert (code, reason in said) == (1, True), said
    assert tree.files == before


def test_a_flow_for_every_kind_of_trigger_leaves_a_green_tree(tree: Tree) -> None:
    for code, said in tree.new(*([name, *options] for name, options in KINDS.items())):
        assert code == 0, said
        assert "test it: ./scripts/test tests/flows/test_" in said
    written = [f"flows/{name}.py" for name in KINDS]
    tests = [f"tests/flows/test_{name}.py" for name in KINDS]
    checks = [
        ("ruff", "check", *written, *tests),
        ("ruff", "format", "--check", *written, *tests),
        ("pytest", "-q", "-p", "no:cacheprovider", *tests, *HOUSE),
    ]
    if campaigns.size(1, 0):
        checks.append(("mypy", *written, *tests))
    for check in checks:
        done = tree.run("-m", *check)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr
