"""The local system under a newcomer's hands: two at once, failures that are told, a dead Postgres,
and the command line beside it."""

import json
import os
import signal
from pathlib import Path

import psycopg
import pytest

from infra.cli.__main__ import main
from infra.local.samples import show_samples
from infra.local.system import System
from shared.errors import SettingsError
from tests.models.scripted_server import Fails, ScriptedServer
from tests.waiting import wait_for


def flows(system: System, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command on the system's data, and return what it printed to both streams."""
    capsys.readouterr()
    main(["--data", str(system.log.parents[1]), *arguments])
    out, err = capsys.readouterr()
    return f"{out}{err}".strip()


def test_a_second_system_on_the_same_data_is_refused(system: System) -> None:
    data = system.log.parents[1]
    with pytest.raises(SettingsError, match=r"another ./scripts/dev runs on .*choose another"):
        System(data=data, environment={}).__enter__()
    assert json.loads((data / "system.json").read_text())["url"] == system.url


def test_a_sample_that_fails_is_told_with_its_reason(system: System, model: ScriptedServer) -> None:
    model.says(*[Fails(401)] * 40)
    said: list[str] = []
    assert not show_samples(system, said.append)
    failures = [line for line in said if line.startswith("          failed   ")]
    assert any("triage, try" in line and "401" in line for line in failures), said
    assert any("chat, try" in line and "401" in line for line in failures), said
    assert len(failures) == len(set(failures))
    assert not any("within" in line for line in said), "it waited for its whole time"


def test_dead_letters_are_brought_back_by_the_name_of_the_flow(
    system: System, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("triage", "agent-flows-triage", "agent-flows-triage.fifo", "Triage"):
        assert "0 dead letters start again" in flows(system, capsys, "redrive", name)
    [line] = flows(system, capsys, "redrive", "tirage").splitlines()
    assert line.startswith("error: ")
    assert "tirage" in line


def test_a_dead_postgres_comes_back_under_the_running_system(system: System) -> None:
    postgres = system.postgres
    assert postgres
    home = system.log.parents[1] / "postgres"
    pid = int((home / "server/cluster/postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)

    def answers() -> bool:
        try:
            with psycopg.connect(system.settings.database_url) as connection:
                return connection.execute("select 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    assert wait_for(answers)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"settings": 3}', "\udcff"])
def test_a_word_of_the_system_that_is_torn_is_one_line(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "system.json").write_text(content, errors="surrogateescape")
    assert main(["--data", str(tmp_path), "runs"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "start ./scripts/dev" in line
