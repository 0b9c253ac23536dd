"""The benchmarks' command runs; what it measures is for people to judge."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.table import Findings, Table
from infra.project import ROOT
from shared.log import log
from shared.metrics import count
from tests.campaigns import sample

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bundles are for Linux")

#: Subjects of which each builds or calls something else; the first is quick.
SUBJECTS = {
    "secrets": ("Masking secrets", {"prose", "code"}),
    "calls-cpu": ("CPU per call", {"urllib3, bare", "Models.reply"}),
    "sizes": ("Bundles for", {"Ingress", "Chat", "Triage", "Retention", "Migrate"}),
    "slack": ("From the signed request", {"Agent Flows, cold", "slack-bolt, warm"}),
    "flows": ("Flow functions", {"Chat, offline models", "Retention, no models"}),
}


@pytest.mark.parametrize("subject", sample(list(SUBJECTS), 1))
def test_the_command_prints_a_table_and_writes_what_it_measured(
    tmp_path: Path, subject: str
) -> None:
    file = tmp_path / "samples.json"
    command = [sys.executable, "-m", "benchmarks", "--rounds", "1", "--only", subject, "--json"]
    done = subprocess.run(
        [*command, str(file)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    title, rows = SUBJECTS[subject]
    assert title in done.stdout
    measured = json.loads(file.read_text("utf-8"))["subjects"][subject]
    assert set(measured) >= rows
    for row in rows:
        assert f"\n{row} " in done.stdout
    if subject == "sizes":
        for function in rows:
            assert f"{measured[function]['zip'] / 1e6:.3f}" in done.stdout


def test_real_texts_are_searched_and_no_secret_is_printed(tmp_path: Path) -> None:
    secret = "ghp_" + "aB3xY9kQ2w" * 3 + "Zt7RmP"
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/a.md").write_text(f"It is {secret}, and {secret}.\npassword: hunter22")
    (tmp_path / "b.txt").write_text("Nothing here.")
    command = [sys.executable, "-m", "benchmarks", "--rounds", "1", "--only", "secrets", "--texts"]
    done = subprocess.run(
        [*command, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["notes/a.md", "github", "token", "2"] in lines
    assert ["notes/a.md", "password", "1"] in lines
    assert "3 masked places in 2 files" in done.stdout
    assert secret[:8] not in done.stdout and "hunter22" not in done.stdout


def test_the_usage_knows_every_subject() -> None:
    from benchmarks.__main__ import NAMES
    from benchmarks.subjects import SUBJECTS as MEASURED

    assert tuple(MEASURED) == NAMES


def test_the_command_refuses_what_it_cannot_measure(capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks.__main__ import main

    with pytest.raises(SystemExit, match="2"):
        main(["--only", "nothing"])
    assert "sizes" in capsys.readouterr().err


def test_what_the_measured_code_logs_is_not_between_the_tables(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks.__main__ import NAMES, main
    from benchmarks.subjects import SUBJECTS as MEASURED

    def logging(have: object) -> Findings:
        count("Accepted", "a measured line", source="github")
        log("another")
        return Findings([Table("the table", ("what",), [("row",)])], {"rounds": 1})

    monkeypatch.setitem(MEASURED, NAMES[0], logging)
    monkeypatch.setitem(MEASURED, NAMES[1], logging)
    asked = [word for name in NAMES[:2] for word in ("--only", name)]
    assert main(asked) == 0
    out = capfd.readouterr().out
    assert out.count("the table") == 2
    assert "{" not in out
    log("after it, logs go where they went")
    assert "after it" in capfd.readouterr().out
