"""./scripts/dev as a person meets it: samples, banner, Ctrl-C, and a second start on the same
state."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.project import ROOT
from tests.waiting import wait_for


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def command(data: Path, *arguments: str) -> list[str]:
    options = ["--data", str(data), "--port", str(free_port())]
    return [sys.executable, "-m", "infra.local", *options, *arguments]


def processes_of(data: Path) -> list[str]:
    """The processes that a system on `data` started, by what stands in their environment or
    command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            known = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
        except OSError:
            continue
        if os.fsencode(data) in known and folder.name != str(os.getpid()):
            found.append(folder.name)
    return found


@pytest.fixture(scope="module")
def once(empty_directory: Path) -> Iterator[subprocess.CompletedProcess[str]]:
    yield subprocess.run(
        command(empty_directory, "--once"), cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_once_handles_a_sample_of_each_kind(once: subprocess.CompletedProcess[str]) -> None:
    assert once.returncode == 0, once.stderr
    assert "acme/shop#1 opened" in once.stdout
    assert "labels   bug" in once.stdout
    assert "reply    Checkout crashes" in once.stdout
    assert once.stderr == ""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_second_start_knows_the_first_and_ctrl_c_leaves_nothing_behind(
    once: subprocess.CompletedProcess[str], empty_directory: Path
) -> None:
    assert processes_of(empty_directory) == []
    log = empty_directory / "second.log"
    with log.open("w") as output:
        dev = subprocess.Popen(command(empty_directory), cwd=ROOT, stdout=output)
    try:
        assert wait_for(lambda: "Ctrl-C stops it" in log.read_text())
        assert "acme/shop#3 opened" in log.read_text()
        assert "Possibly related: acme/shop#1" in log.read_text()
    finally:
        dev.send_signal(signal.SIGINT)
        code = dev.wait(30)
    assert code == 0
    assert log.read_text().endswith("Stopped.\n")
    assert processes_of(empty_directory) == []


def test_a_taken_port_is_a_clear_error(empty_directory: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        arguments = [sys.executable, "-m", "infra.local", "--data", str(empty_directory)]
        done = subprocess.run(
            [*arguments, "--port", port], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert f"port {port} is taken; choose another with --port" in done.stderr
