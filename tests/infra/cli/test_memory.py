"""`flows memory`: what an operator exports, explains, forgets and sees of it afterwards."""

import json
import re
from pathlib import Path

import pytest

from flows.memory import memory
from infra.cli.__main__ import main
from shared.testing import FlowRunner
from tests.memory.control.test_flow import asked


@pytest.fixture
def data(tmp_path: Path, database_url: str) -> Path:
    """What ./scripts/dev leaves for the tool."""
    told = {"url": "", "settings": {"DATABASE_URL": database_url}}
    (tmp_path / "system.json").write_text(json.dumps(told))
    return tmp_path


def test_an_operator_sees_forgets_and_audits_everything(
    data: Path, runner: FlowRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    def cli(*arguments: str) -> list[str]:
        capsys.readouterr()
        assert main(["--data", str(data), "memory", *arguments]) == 0
        return capsys.readouterr().out.splitlines()

    dm = {"audience": "dm:D1", "conversation": "slack:T1:D1:1.0"}
    runner.deliver(memory, asked("remember", "the code is 4711", "1.1", **dm))
    [line] = cli("export")
    row = json.loads(line)
    assert (row["text"], row["audience"]) == ("the code is 4711", "dm:D1")
    assert (row["author"], row["trust"], row["standing"]) == ("U1", "inside", "member")
    assert row["place"] == ""
    assert "the code is 4711 (@U1, member, " in cli("why", row["id"])[0]
    assert (
        "the code is 4711 (@U1, member, "
        in cli("why", f"m-{row['id'][:8]}", "--tenant", "github:acme")[0]
    )
    assert "memories        1" in cli("forget", "4711")
    assert cli("export") == []
    [block] = cli("blocks")[1:]
    by, digest, *_ = block.split()
    assert cli("allow", by, digest) == ["1 blocks lifted"]
    assert len(cli("blocks")) == 1
    audit = "\n".join(cli("audit")[1:])
    done = re.findall(r"allow digest|export|forget text|why|remember", audit)
    assert done == ["allow digest", "export", "forget text", "why", "why", "export", "remember"]
    assert "4711" not in audit


def test_a_tenant_must_be_named_where_there_are_several_or_none(
    data: Path, runner: FlowRunner, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(data), "memory", "export"]) == 1
    assert "name a tenant with --tenant; there are: none yet" in capsys.readouterr().err
    for tenant in ("a", "b"):
        runner.deliver(memory, asked("remember", "x y z", "1.1", tenant=tenant))
    assert main(["--data", str(data), "memory", "export"]) == 1
    assert "there are: a, b" in capsys.readouterr().err
    assert main(["--data", str(data), "memory", "why", "what"]) == 1
