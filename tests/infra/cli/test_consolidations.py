"""./scripts/flows memory consolidations and undo: what they print, and how they end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.cli.__main__ import main
from tests.memory.upkeep.consolidated import Memories


@pytest.fixture
def memories(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Memories]:
    monkeypatch.setenv("DATABASE_URL", database_url)
    memories = Memories(database_url)
    yield memories
    memories.database.close()


def run(tmp_path: Path, *arguments: str) -> int:
    return main(["--data", str(tmp_path), "memory", *arguments])


def test_changes_of_all_tenants_are_listed_and_undone_by_how_their_id_starts(
    memories: Memories, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "consolidations") == 0
    assert "nothing consolidated yet" in capsys.readouterr().out
    for tenant in ("github:acme", "slack:T1"):
        memories.keep("An episode of last year", days=200, tenant=tenant)
        memories.run(tenant)
    assert run(tmp_path, "consolidations") == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "at", "tenant", "operation", "memories", "state"]
    assert first.split()[3:] == ["slack:T1", "drop", "1"]
    assert second.split()[3:] == ["github:acme", "drop", "1"]
    id = second.split()[0]
    assert run(tmp_path, "undo", id[:8]) == 0
    assert capsys.readouterr().out == f"undid drop {id}: 1 restored\n"
    assert memories.texts() == ["An episode of last year"]
    assert memories.texts("slack:T1") == []
    assert run(tmp_path, "consolidations") == 0
    assert "undone" in capsys.readouterr().out.splitlines()[2]
    assert run(tmp_path, "undo", id) == 1
    assert "was undone before" in capsys.readouterr().err


def test_what_was_forgotten_is_not_brought_back(
    memories: Memories, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in ("An episode of last year", "A different story of long ago"):
        memories.keep(text, days=200)
    memories.run()
    id = memories.changes()[0]["id"]
    memories.rows("delete from memories where starts_with(text, 'An')")
    assert run(tmp_path, "undo", id) == 0
    out = capsys.readouterr().out
    assert out == f"undid drop {id}: 1 restored; 1 forgotten, blocked or changed since\n"


def test_an_undo_of_what_is_gone_says_so(
    memories: Memories, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    memories.keep("An episode of last year", days=200)
    memories.run()
    memories.rows("delete from memories")
    assert run(tmp_path, "undo", memories.changes()[0]["id"]) == 1
    assert "forgotten, blocked or changed since" in capsys.readouterr().err


@pytest.mark.parametrize("id", ["ffffffff", "nothing"])
def test_an_unknown_id_is_a_clear_error(
    memories: Memories, tmp_path: Path, capsys: pytest.CaptureFixture[str], id: str
) -> None:
    assert run(tmp_path, "undo", id) == 1
    assert f"no consolidation starts with '{id}'" in capsys.readouterr().err
