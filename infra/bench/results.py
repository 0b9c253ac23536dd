"""The results file: one JSON line per answer, appended at once, so that a crash loses none."""

import fcntl
import json
import os
import tempfile
import threading
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from infra.bench.ledger import Ledger
from infra.bench.tasks import TaskResult
from shared.errors import SettingsError

#: The start of each line.
_FIRST = b'{"id"'


class ResultsFile:
    """Results in the file `path`; with None only the ledger has them. Thread-safe.

    Raises SettingsError when the file is not a results file, cannot be written, or another process
    writes it.
    """

    def __init__(self, path: Path | None, ledger: Ledger) -> None:
        self.spent = 0.0
        self.dearest = 0.0
        self.damaged = 0
        self._path = path
        self._ledger = ledger
        self._lock = threading.Lock()
        self._file = _opened(path) if path else None

    def __enter__(self) -> Self:
        if self._file and self._path:
            try:
                with open(self._path, "rb") as written:
                    self._load(written, self._file)
            except SettingsError:
                self._file.close()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def append(self, result: TaskResult) -> None:
        """Write a result in one piece; a process that is killed leaves at most half a line."""
        with self._lock:
            start = length = 0
            if self._file:
                text = json.dumps(result.line_of(), ensure_ascii=False)
                line = text.encode("utf-8", "replace") + b"\n"
                start, length = self._file.seek(0, os.SEEK_END), len(line)
                try:
                    while line:
                        line = line[self._file.write(line) :]
                except OSError as err:
                    raise SettingsError(f"{self._path} cannot be written: {err.strerror}") from err
            self._count(result)
            self._ledger.keep(result, start, length, covered=True)

    def sort(self) -> None:
        """Replace the file by one with the newest results only, in the order of the input."""
        if not (self._file and self._path):
            return
        with tempfile.NamedTemporaryFile(dir=self._path.parent, delete=False) as sorted_file:
            for start, length in self._ledger.places():
                self._file.seek(start)
                sorted_file.write(self._file.read(length))
            sorted_file.flush()
            os.fsync(sorted_file.fileno())
        os.chmod(sorted_file.name, os.stat(self._file.fileno()).st_mode & 0o777)
        os.replace(sorted_file.name, self._path)

    def _load(self, written: BinaryIO, file: FileIO) -> None:
        """Index the results of earlier starts, and cut off the last line if it is half written.

        Other unreadable lines are skipped, unless it is the first.
        """
        start = 0
        for line in iter(written.readline, b""):
            try:
                result = TaskResult.of(json.loads(line if line.endswith(b"\n") else b""))
            except (ValueError, KeyError, TypeError) as err:
                if start == 0 and (line.endswith(b"\n") or not line.startswith(_FIRST)):
                    raise SettingsError(
                        f"--out {self._path} holds something else than results; name another"
                    ) from err
                if not line.endswith(b"\n"):
                    file.truncate(start)
                    return
                self.damaged += 1
            else:
                self._count(result)
                self._ledger.keep(result, start, len(line), covered=False)
            start += len(line)

    def _count(self, result: TaskResult) -> None:
        self.spent += result.cost or 0.0
        self.dearest = max(self.dearest, result.cost or 0.0)


def _opened(path: Path) -> FileIO:
    if path.exists() and not path.is_file():
        raise SettingsError(f"--out {path} is no file; name one")
    try:
        file = FileIO(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666), "r+")
    except OSError as err:
        raise SettingsError(f"--out {path} cannot be written: {err.strerror}") from err
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as err:
        file.close()
        raise SettingsError(f"--out {path} is being written by another process") from err
    return file
