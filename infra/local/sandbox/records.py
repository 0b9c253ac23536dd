"""Tables of JSON that survive a killed process: one file that only ever grows by whole lines."""

import json
import os
from contextlib import suppress
from pathlib import Path

from shared.events import Json

#: Rows by table and key.
Tables = dict[str, dict[str, Json]]
#: A file with fewer lines is left alone.
_FEW = 1000


class Records:
    """Named tables of JSON objects, in memory and, when a file is named, in that file.

    Each change is one line, written by one system call, so a crash leaves at most a torn last line,
    which is dropped. The file is rewritten without the rows that were replaced since: when it is
    opened, and when most of its lines are such.
    """

    def __init__(self, path: Path | None) -> None:
        self._tables: Tables = {}
        self._path = path
        self._file = -1
        #: Lines of the file.
        self._lines = 0
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._load(path)
            self._rewrite(path)

    def table(self, name: str) -> dict[str, Json]:
        """Return the rows of a table by key, in order of arrival. Do not change it."""
        return self._tables.setdefault(name, {})

    def put(self, table: str, key: str, row: Json | None) -> None:
        """Set a row, or remove it when `row` is None."""
        self._apply(table, key, row)
        if self._file != -1:
            os.write(self._file, _line(table, key, row))
            self._lines += 1
            self._compact()

    def moment(self) -> Tables:
        """Return all rows as they are now."""
        return {name: dict(rows) for name, rows in self._tables.items()}

    def rewind(self, moment: Tables) -> None:
        """Take back what has changed since that moment."""
        self._tables = {name: dict(rows) for name, rows in moment.items()}
        if self._path is not None:
            self._rewrite(self._path)

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

    def _compact(self) -> None:
        """Rewrite the file when that makes it less than half as long."""
        if self._path is None or self._lines < _FEW:
            return
        if self._lines > 2 * sum(map(len, self._tables.values())):
            # The disk may be full, or the folder deleted: the file goes on as it is.
            with suppress(OSError):
                self._rewrite(self._path)

    def _rewrite(self, path: Path) -> None:
        fresh = path.with_suffix(".new")
        with fresh.open("wb") as file:
            for name, rows in self._tables.items():
                file.writelines(_line(name, key, row) for key, row in rows.items())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        self.close()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
        self._lines = sum(map(len, self._tables.values()))


def _line(table: str, key: str, row: Json | None) -> bytes:
    return json.dumps([table, key, row], separators=(",", ":")).encode() + b"\n"
