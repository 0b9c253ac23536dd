"""Reads the files of a repository as its commits have them: each once, and as many as GitHub gives
in one request."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from shared.actions.github.queries import ListFiles, ReadText, ReadTexts
from shared.errors import ActionRejected, ActionUnavailable
from shared.reviewing.head import Head, HeadFile

#: Characters of a file; a larger one is not read, so nothing about it can be proved.
_LONGEST = 1_000_000
#: Files that one request reads; and characters of all that are kept, beyond which a file is read
#: again when it is needed again.
_AT_ONCE, _KEPT = 100, 24_000_000


class Texts:
    """The texts of a repository's commits. `ask` asks GitHub a query."""

    def __init__(self, ask: Callable[[Any], Any], repository: str) -> None:
        self._ask = ask
        self._repository = repository
        self._known: dict[tuple[str, str], HeadFile | None] = {}
        self._size = 0

    def head(self, commit: str) -> Head:
        """Return the files of a commit."""
        return Head(lambda: self._paths(commit), lambda path: self.read(commit, path))

    def read(self, commit: str, path: str) -> HeadFile | None:
        """Return a text; None for a folder, a submodule, and what is no text or too large."""
        if (commit, path) in self._known:
            return self._known[commit, path]
        return self._keep(commit, path, self._one(commit, path))

    def read_at_once(self, commit: str, paths: Iterable[str]) -> None:
        """Read texts in few requests, as far as GitHub gives them so: what takes it too long at
        once is read one by one, when it is needed."""
        lacking = [path for path in dict.fromkeys(paths) if (commit, path) not in self._known]
        for first in range(0, len(lacking), _AT_ONCE):
            some = tuple(lacking[first : first + _AT_ONCE])
            with suppress(ActionRejected, ActionUnavailable):
                found = self._ask(ReadTexts(self._repository, some, _LONGEST, commit))
                for path, text in found.items():
                    if "\ufffd" not in text:  # what stands for bytes that are no UTF-8
                        self._keep(commit, path, HeadFile(path, text))

    def _keep(self, commit: str, path: str, file: HeadFile | None) -> HeadFile | None:
        self._size += len(file.text) if file else 0
        if file is None or self._size <= _KEPT:
            self._known[commit, path] = file
        return file

    def _one(self, commit: str, path: str) -> HeadFile | None:
        try:
            found = self._ask(ReadText(self._repository, path, commit, _LONGEST))
        except ActionRejected:
            return None
        return HeadFile(path, found["text"]) if found["complete"] else None

    def _paths(self, commit: str) -> list[str]:
        return [row["path"] for row in self._ask(ListFiles(self._repository, commit))]
