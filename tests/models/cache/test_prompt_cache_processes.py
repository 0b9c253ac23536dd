"""The prompt cache across processes: one call in sum, also when its caller is killed."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from infra.project import ROOT
from tests.waiting import PATIENCE, wait_for


def asking(url: str, log: Path, *more: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.models.cache.cache_requests", url, str(log), *more]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def sources(process: "subprocess.Popen[str]") -> list[str]:
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    return output.split()


def test_five_processes_with_two_threads_each_make_one_call(
    database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "calls"
    # The call lasts until the last process has started.
    asked = [asking(database_url, log, "2.5", "30", "2") for _ in range(5)]
    counted = Counter(source for process in asked for source in sources(process))
    assert log.read_text("utf-8") == "called\n"
    assert counted["provider"] == 1
    assert sum(counted.values()) == 10
    assert counted["shared"] == 4  # the leader of each other process


def test_when_the_one_that_calls_is_killed_another_takes_over(
    database_url: str, tmp_path: Path
) -> None:
    log = tmp_path / "calls"
    # The deadline of the one that is killed ends its claim.
    with asking(database_url, log, "60", "3") as killed:
        wait_for(log.exists)
        others = [asking(database_url, log, "0.3", "30") for _ in range(2)]
        killed.kill()
    assert sorted(source for other in others for source in sources(other)) == ["provider", "shared"]
    assert log.read_text("utf-8") == "called\n" * 2
