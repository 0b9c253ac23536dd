"""`flows rerun` and `flows compare`: what a change would have done to recorded runs."""

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from flows.triage import triage
from infra.cli.__main__ import main
from shared.events import run_id
from shared.fakes.events import github_event
from shared.testing import FlowRunner
from tests.models.scripted_server import Fails, ScriptedServer

Flows = Callable[..., str]


@pytest.fixture
def flows(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> Flows:
    """Runs a command, checks how it exits, and returns what it says."""
    told = {"url": "", "settings": {"DATABASE_URL": database_url}}
    (tmp_path / "system.json").write_text(json.dumps(told))

    def run(*arguments: str, code: int = 0) -> str:
        capsys.readouterr()
        assert main(["--data", str(tmp_path), *arguments]) == code
        said = capsys.readouterr()
        return said.out or said.err

    return run


def triaged(runner: FlowRunner, number: int) -> str:
    event = github_event("issues.opened", title=f"Pay crashes {number}", number=number)
    runner.run(triage, event)
    return run_id(event, "triage")


def written(folder: Path, text: str) -> str:
    (folder / "given").write_text(text)
    return str(folder / "given")


def test_a_run_is_lived_again_as_it_was(flows: Flows, runner: FlowRunner) -> None:
    run = triaged(runner, 1)
    said = flows("rerun", run[:8])
    assert "recorded done  shadow done" in said
    assert "It does the same: 3 actions." in said
    assert "0 steps done anew" in said
    listed = flows("rerun", run, "--steps").splitlines()
    assert any(line.split()[0] == "ask" and line.endswith("offline") for line in listed)


def test_another_answer_shows_what_becomes_otherwise(
    flows: Flows, runner: FlowRunner, tmp_path: Path
) -> None:
    run, done = triaged(runner, 1), len(runner.platform.done)
    answer = {"labels": ["question"], "duplicate_of": None, "summary": "Ça va? 🛒"}
    given = written(tmp_path, json.dumps(answer))
    said = flows("rerun", run, "--step", "ask", "--output", given)
    assert "AddLabels acme/shop#1 is changed" in said
    assert '+labels: ["question"]' in said
    assert "Ça va? 🛒" in said
    assert len(runner.platform.done) == done
    told = json.loads(flows("rerun", run, "--step", "ask", "--output", given, "--json"))
    assert {act["after"]["tool"] for act in told["acts"]} == {"AddLabels", "Comment"}


def test_a_change_of_all_runs_is_judged(flows: Flows, runner: FlowRunner, tmp_path: Path) -> None:
    runs = [triaged(runner, number) for number in range(1, 5)]
    prompt = written(tmp_path, "Judge the issue.")
    said = flows("compare", "triage", "--prompt", prompt, code=3)
    assert "4 of 4 runs compared" in said
    assert "inconclusive: perhaps more than 10% of the runs act otherwise" in said
    told = json.loads(
        flows("compare", "triage", "--prompt", prompt, "--most-changed", "1", "--json")
    )
    assert (told["decision"], told["runs"], told["changed"]) == ("promote", 4, 0)
    said = flows("compare", "triage", "--prompt", prompt, "--sample", "2", code=3)
    assert "2 of 2 runs compared" in said
    said = flows("compare", "triage", "--prompt", prompt, "--budget", "0", code=3)
    assert "4: the budget is spent" in said
    assert len(set(runs)) == 4


def test_a_model_that_fails_is_rejected(flows: Flows, runner: FlowRunner) -> None:
    for number in range(1, 8):
        triaged(runner, number)
    with ScriptedServer() as server:
        server.says(*[Fails(400)] * 7)
        said = flows("compare", "triage", "--model", f"{server.url}/v1#other", code=1)
    assert "only before 7, only after 0" in said
    assert "reject: it fails in runs that ended well" in said


def test_nothing_is_left_of_it(
    flows: Flows, runner: FlowRunner, tmp_path: Path, database_url: str
) -> None:
    triaged(runner, 1)
    tables = ("runs", "steps", "effects", "memories")
    counted = f"select {', '.join(f'(select count(*) from {one})' for one in tables)}".encode()
    with psycopg.connect(database_url, autocommit=True) as connection:
        before = connection.execute(counted).fetchall()
        flows("compare", "triage", "--prompt", written(tmp_path, "Judge."), code=3)
        assert connection.execute(counted).fetchall() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rerun", "ffff"), "no run starts with 'ffff'"),
        (("rerun", "RUN", "--step", "asks"), "the run has no step 'asks'"),
        (("rerun", "RUN", "--step", "ask", "--model", "best"), "names no model"),
        (("rerun", "RUN", "--output", "FILE"), "--output needs --step"),
        (("rerun", "RUN", "--step", "recall", "--output", "FILE"), "is no JSON"),
        (("rerun", "RUN", "--step", "ask", "--prompt", "NONE"), "No such file"),
        (("compare", "triage"), "say what changes"),
        (("compare", "nothing", "--model", "small"), "there is no flow 'nothing'"),
        (("compare", "chat", "--model", "small"), "has no run that is done"),
        (("compare", "triage", "--model", "best"), "names no model"),
        (
            ("compare", "triage", "--model", "small", "--step", "asks"),
            "none of the runs asks a model in a step 'asks'",
        ),
    ],
)
def test_mistakes_are_told_in_one_line(
    flows: Flows, runner: FlowRunner, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    given = {
        "RUN": triaged(runner, 1),
        "FILE": written(tmp_path, "no json"),
        "NONE": str(tmp_path / "none"),
    }
    told = flows(*(given.get(one, one) for one in arguments), code=1)
    assert said in told
    assert told.count("\n") == 1
