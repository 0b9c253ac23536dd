"""Tables of JSON that survive a killed process: one file that only ever grows by whole lines."""

import json
import os
from pathlib import Path

from shared.events import Json


class Records:
    """Named tables of JSON objects, in memory and, when a file is named, in that file.

    Each change is one line, written by one system call, so a crash leaves at most a torn last
    line, which is dropped. Opening the file rewrites it without what has been replaced since.
    """

    def __init__(self, path: Path | None) -> None:
        self._tables: dict[str, dict[str, Json]] = {}
        self._file = -1
        if path is not None:
            self._load(path)
            self._rewrite(path)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def table(self, name: str) -> dict[str, Json]:
        """The rows of a table by their key, in the order in which they came. Do not change it."""
        return self._tables.setdefault(name, {})

    def put(self, table: str, key: str, row: Json | None) -> None:
        """Set a row, or remove it when `row` is None."""
        self._apply(table, key, row)
        if self._file != -1:
            os.write(self._file, _line(table, key, row))

    def close(self) -> None:
        if self._file != -1:
            os.close(self._file)
            self._file = -1

    def _apply(self, table: str, key: str, row: Json | None) -> None:
        if row is None:
            self.table(table).pop(key, None)
        else:
            self.table(table)[key] = row

    def _load(self, path: Path) -> None:
        whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
        for line in whole.splitlines():
            self._apply(*json.loads(line))

    def _rewrite(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            for name, rows in self._tables.items():
                file.writelines(_line(name, key, row) for key, row in rows.items())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)


def _line(table: str, key: str, row: Json | None) -> bytes:
    return json.dumps([table, key, row], separators=(",", ":")).encode() + b"\n"
