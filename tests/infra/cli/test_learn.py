"""`flows learn`: a choice of a real flow is recorded, exported, tried, judged, promoted or held,
and rolled back."""

import json
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from flows.triage import TriageVerdict, triage
from infra.cli.__main__ import main
from shared.database import Database, Statement
from shared.fakes.events import github_event
from shared.testing import FlowRunner

CHOICE = ("triage", "related issues", "--wait", "0")
_LIKED = """\
insert into signals (tenant, key, run_id, flow, kind, value, actor, weight, at)
select tenant, run_id, run_id, 'triage', 'accepted', (choice ->> 'chosen' = '3')::int,
  'person ' || right(run_id, 1), 1, now()
from steps where name = 'choice' and choice ->> 'name' = 'related issues'
on conflict do nothing"""

Learn = Callable[..., list[str]]


@pytest.fixture
def learn(tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]) -> Learn:
    told = {"url": "", "settings": {"DATABASE_URL": database_url, "EXPLORE_SHARE": "0.5"}}
    (tmp_path / "system.json").write_text(json.dumps(told))

    def run(action: str, *arguments: str, code: int = 0) -> list[str]:
        capsys.readouterr()
        assert main(["--data", str(tmp_path), "learn", action, *arguments]) == code
        said = capsys.readouterr()
        return (said.out or said.err).splitlines()

    return run


def triaged(runner: FlowRunner, database: Database, first: int, count: int) -> str:
    """Triage issues; people like those runs that showed three older ones."""
    tenant = ""
    for number in range(first, first + count):
        runner.answers(TriageVerdict((), None, "It crashes."))
        event = github_event("issues.opened", title=f"Pay crashes {number}", number=number)
        runner.run(triage, event)
        tenant = event.tenant
    database.run(tenant, [Statement(_LIKED, {})])
    return tenant


def test_a_choice_of_triage_is_learnt_tried_promoted_and_rolled_back(
    learn: Learn, database: Database, tmp_path: Path
) -> None:
    runner = FlowRunner(database)
    triaged(runner, database, 1, 3)
    assert "triage  related issues  0" in learn("report", "--wait", "0")[-1]
    rows = [json.loads(line) for line in learn("export", *CHOICE)]
    assert [(row["arm"], row["probability"], row["version"]) for row in rows] == [(5, 1.0, 0)] * 3
    assert rows[0]["context"] == {"repository": "acme/shop"}

    assert "version 2 is the candidate" in learn("make", *CHOICE, "--arms", "[5, 3, 8]")[0]
    assert "version 3 is in use" in learn("explore", *CHOICE)[0]
    assert learn("promote", *CHOICE, code=1)[-1] == "held"
    for batch in range(4):
        triaged(runner, database, 100 + batch * 40, 40)
        learn("update", *CHOICE)
    evaluated = learn("evaluate", *CHOICE)
    assert evaluated[0].startswith("examples   160")
    assert learn("promote", *CHOICE)[-1] == "promoted", evaluated
    out = tmp_path / "choices.jsonl"
    learn("export", *CHOICE, "--out", str(out))
    probabilities = {json.loads(line)["probability"] for line in out.read_text().splitlines()}
    assert any(0 < one < 1 for one in probabilities)
    [told] = [
        one
        for one in json.loads("".join(learn("report", "--wait", "0", "--json")))
        if one["choice"] == "related issues"
    ]
    assert {arm["arm"] for arm in told["arms"]} <= {"5", "3", "8"}
    assert all(arm["reward"][0] is not None and arm["chosen"] for arm in told["arms"])
    assert told["state"]["in_force"] in {one["number"] for one in told["versions"]}
    assert told["log"][0]["action"] == "promoted"
    assert learn("rollback", *CHOICE) == ["version 1 is in force"]
    assert [line.split()[2] for line in learn("log", *CHOICE)[1:3]] == ["rolled", "promoted"]


def test_an_export_is_a_parquet_file_or_says_what_lacks(
    learn: Learn, database: Database, tmp_path: Path
) -> None:
    triaged(FlowRunner(database), database, 1, 3)
    out = tmp_path / "choices.parquet"
    if not find_spec("pyarrow"):
        said = learn("export", *CHOICE, "--out", str(out), code=1)
        assert "Parquet needs pyarrow" in said[0] and not out.exists()
        return
    learn("export", *CHOICE, "--out", str(out))
    rows = import_module("pyarrow.parquet").read_table(out).to_pylist()
    assert [(row["arm"], row["probability"]) for row in rows] == [("5", 1.0)] * 3


def test_a_file_that_cannot_be_written_is_named(
    learn: Learn, database: Database, tmp_path: Path
) -> None:
    triaged(FlowRunner(database), database, 1, 1)
    for name in ("choices.jsonl", "choices.parquet"):
        said = learn("export", *CHOICE, "--out", str(tmp_path / "nowhere" / name), code=1)
        assert len(said) == 1 and "Traceback" not in said[0]


def test_what_is_out_of_bounds_or_unknown_is_refused(learn: Learn, database: Database) -> None:
    triaged(FlowRunner(database), database, 1, 1)
    arms = ("--arms", "[5, 3]")
    said = learn("make", *CHOICE, *arms, "--share", "0.9", code=1)
    assert "EXPLORE_SHARE lets at most 0.5" in said[0]
    assert "no JSON list" in learn("make", *CHOICE, "--arms", "5,3", code=1)[0]
    assert "out of bounds: arms" in learn("make", *CHOICE, "--arms", "[5, 5]", code=1)[0]
    assert "has no policy yet" in learn("promote", *CHOICE, code=1)[0]
    assert "there is no flow" in learn("export", "nothing", "x", code=1)[0]
    assert "declares no rewards" in learn("export", "retention", "x", code=1)[0]
