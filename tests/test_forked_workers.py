"""The plugin that forks workers: every outcome arrives, files stay together, and what goes wrong is
told."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from infra.project import ROOT
from tests.waiting import wait_for

#: Each kind of outcome, and fixtures that live as long as a worker or a file.
KINDS = {
    "conftest": """
        import os, pytest
        @pytest.fixture(scope="session", autouse=True)
        def whole():
            yield
            open(f"ended-{os.getpid()}", "w").close()
        @pytest.fixture(scope="module")
        def process():
            return os.getpid()
        """,
    "test_good": """
        import os, warnings
        import pytest
        def test_prints(capfd):
            print("said")
            assert capfd.readouterr().out == "said\\n"
        def test_warns():
            warnings.warn("mind the gap")
        @pytest.mark.parametrize("n", range(5))
        def test_stays_together(process, n):
            assert process == os.getpid()
        """,
    "test_bad": """
        import pytest
        def test_fails():
            print("what it printed")
            assert 1 == 2
        @pytest.fixture
        def broken():
            yield
            raise ValueError("in the teardown")
        def test_errs(broken): pass
        def test_skips(): pytest.skip("not today")
        @pytest.mark.xfail
        def test_is_expected(): assert False
        """,
}
#: A test that ends its process, a file that may not follow, and one that another process runs.
CRASH = {
    "test_1": """
        import os
        def test_ends(): os._exit(3)
        def test_never(): pass
        """,
    "test_2": "def test_other(): pass",
    "test_3": "def test_more(): pass",
}
STOPS = {
    "test_1": "def test_fails(): assert 0",
    "test_2": """
        import time
        import pytest
        @pytest.mark.parametrize("n", range(400))
        def test_takes_a_moment(n): time.sleep(0.05)
        """,
}
#: A circle that only the last look for garbage finds.
LEAVES = {
    "test_1": """
        import gc, socket
        def test_leaves():
            gc.disable()
            left = [socket.socket()]
            left.append(left)
        """,
    "test_2": "def test_other(): pass",
}
WAITS = """
import os, time
from pathlib import Path
def test_waits():
    Path(f"at-{os.getpid()}").touch()
    time.sleep(600)
"""


class Ran(NamedTuple):
    code: int
    said: str

    @property
    def counts(self) -> dict[str, int]:
        found = re.findall(r"(\d+) (\w+)", self.said.splitlines()[-1])
        return {kind: int(count) for count, kind in found}


def command(folder: Path, files: Mapping[str, str], *options: str) -> list[str]:
    folder.joinpath("pytest.ini").write_text("[pytest]\n")
    for name, text in files.items():
        folder.joinpath(f"{name}.py").write_text(dedent(text))
    ours = ("-p", "tests.forked_workers", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    return [sys.executable, "-m", "pytest", *ours, "--workers", "2", *options]


def ran(folder: Path, files: Mapping[str, str], *options: str) -> Ran:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command(folder, files, *options),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout + done.stderr)


def test_every_outcome_arrives_with_what_was_said(tmp_path: Path) -> None:
    code, said = done = ran(tmp_path, KINDS, "--durations=3")
    assert code == 1
    kinds = {"failed": 1, "passed": 8, "skipped": 1, "xfailed": 1, "error": 1, "warning": 1}
    assert done.counts.items() >= kinds.items(), said
    for text in ("assert 1 == 2", "what it printed", "in the teardown", "mind the gap"):
        assert text in said
    assert "slowest 3 durations" in said
    assert len([*tmp_path.glob("ended-*")]) == 2  # both workers gave up what they held


def test_the_first_failure_stops_all_workers(tmp_path: Path) -> None:
    code, said = done = ran(tmp_path, STOPS, "-x", "-v")
    assert (code, done.counts["failed"]) == (1, 1)
    assert done.counts.get("passed", 0) < 400
    assert "test_1.py::test_fails FAILED" in said


def test_a_worker_that_ends_fails_its_test_and_another_goes_on(tmp_path: Path) -> None:
    code, said = done = ran(tmp_path, CRASH)
    assert (code, done.counts["failed"], done.counts["passed"]) == (1, 1, 2)
    assert "the process that ran this test ended" in said
    assert "test_ends" in said


def test_what_a_worker_finds_at_its_end_fails_the_run(tmp_path: Path) -> None:
    code, said = ran(tmp_path, LEAVES, "-W", "error")
    assert code == 1
    assert "unclosed <socket" in said


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_run(tmp_path: Path, sent: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command(tmp_path, {"test_1": WAITS, "test_2": WAITS}),
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.DEVNULL,
    ) as process:
        wait_for(lambda: len([*tmp_path.glob("at-*")]) == 2, 20)
        process.send_signal(sent)
    workers = [path.name.removeprefix("at-") for path in tmp_path.glob("at-*")]
    wait_for(lambda: not any(Path("/proc", worker).exists() for worker in workers), 20)
