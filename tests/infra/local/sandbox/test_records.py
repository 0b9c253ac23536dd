"""The sandboxes' file stays in proportion to what it holds, and whole whatever happens."""

import json
from pathlib import Path

from infra.local.sandbox.records import Records


def lines(file: Path) -> int:
    return len(file.read_bytes().splitlines())


def test_a_file_is_compacted_while_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    records = Records(file)
    for number in range(12_000):
        records.put("issues", str(number % 7), {"id": number})
        records.put("gone", "x", {"id": number} if number % 2 else None)
        assert number % 500 or lines(file) <= 1_100
    records.put("issues", "last", {"id": "last"})
    records.close()
    again = Records(file)
    assert {row["id"] for row in again.table("issues").values()} == {*range(11_993, 12_000), "last"}
    again.close()
    assert list(tmp_path.iterdir()) == [file]


def test_rows_that_are_needed_are_not_rewritten_again_and_again(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    records = Records(file)
    for number in range(3_000):
        records.put("issues", str(number), {"id": number})
    inode = file.stat().st_ino
    records.put("issues", "0", {"id": "other"})
    assert file.stat().st_ino == inode
    records.close()


def test_a_file_that_cannot_be_rewritten_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    records = Records(file)
    file.with_suffix(".new").mkdir()
    for number in range(2_500):
        records.put("issues", "1", {"id": number})
    assert lines(file) == 2_500
    file.with_suffix(".new").rmdir()
    records.put("issues", "1", {"id": "last"})
    assert json.loads(file.read_text()) == ["issues", "1", {"id": "last"}]
    records.close()
