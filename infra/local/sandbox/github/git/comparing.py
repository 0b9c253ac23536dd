"""Compares two commits: the files that differ, as patches and as git's own text."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from infra.local.sandbox.github.errors import GitHubError
from infra.local.sandbox.github.git.commits import SUBMODULE, CommitStore
from infra.local.sandbox.github.git.hunks import Hunk, hunks, is_binary, patch
from shared.events import Json

#: A diff with more lines or files is refused; a file with more lines or bytes has no patch.
#: https://docs.github.com/en/repositories/creating-and-managing-repositories/repository-limits
LINES, FILES, BYTES = 20_000, 300, 500_000
#: With fewer in common, in percent, a file was deleted and another one added.
_RENAMED = 50
#: More pairs of files than this git does not compare, but for equal ones.
#: https://git-scm.com/docs/git-config#Documentation/git-config.txt-diffrenameLimit
_PAIRS = 1000 * 1000
_NOWHERE = "/dev/null"
_ABSENT = "0" * 40
_EMPTY = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"

#: The mode and the name of an object.
Entry = Sequence[str]
#: The files of a commit, by path.
Files = Mapping[str, Entry]


class Change(NamedTuple):
    """A file that differs: `before` is its earlier path, None is what is not there on a side.
    `score` tells, in percent, how much a renamed one kept."""

    path: str
    before: str
    old: Entry | None
    new: Entry | None
    score: int = 100

    @property
    def status(self) -> str:
        """GitHub's word for it."""
        if self.old is None or self.new is None:
            return "added" if self.old is None else "removed"
        if self.path != self.before:
            return "renamed"
        return "modified" if self.old[0][:3] == self.new[0][:3] else "changed"


class Comparison:
    """The files that differ from `old` to `new`, by path."""

    def __init__(self, commits: CommitStore, repository: Json, old: Files, new: Files) -> None:
        self._commits = commits
        self._repository = repository
        self._old = old
        self._new = new

    @cached_property
    def changes(self) -> list[Change]:
        old, new = self._old, self._new
        gone = {path: old[path] for path in old if path not in new}
        came = {path: new[path] for path in new if path not in old}
        found = [*self._renamed(gone, came)]
        found += [Change(path, path, None, entry) for path, entry in came.items()]
        found += [Change(path, path, entry, None) for path, entry in gone.items()]
        found += [
            Change(path, path, old[path], new[path])
            for path in old
            if path in new and old[path] != new[path]
        ]
        return sorted(found)

    def _renamed(self, gone: dict[str, Entry], came: dict[str, Entry]) -> Iterator[Change]:
        """Take the pairs of files out that are one which moved."""
        equal = {entry[1]: path for path, entry in sorted(gone.items(), reverse=True)}
        for path, entry in sorted(came.items()):
            source = equal.pop(entry[1], "")
            if source and entry[1] != _EMPTY and entry[0] != SUBMODULE:
                yield Change(path, source, gone.pop(source), came.pop(path))
        if len(gone) * len(came) > _PAIRS:
            return
        pairs = [
            (-self._commits.similarity(old[1], new[1]), path, source)
            for path, new in came.items()
            for source, old in gone.items()
            if old[0] == new[0] != SUBMODULE
        ]
        for score, path, source in sorted(pairs):
            if -score >= _RENAMED and path in came and source in gone:
                yield Change(path, source, gone.pop(source), came.pop(path), -score)

    def find(self, path: str) -> Change | None:
        """Return what happened to the file at this path, as it is called now."""
        return next((change for change in self.changes if change.path == path), None)

    def hunks(self, change: Change) -> Sequence[Hunk] | None:
        """Return what changed in a file; None for one that is not text."""
        old, new = self._content(change.old), self._content(change.new)
        return None if is_binary(old) or is_binary(new) else hunks(old, new)

    def text(self) -> str:
        """Write the whole as `git diff` does; raises GitHubError for too much of it."""
        if len(self.changes) > FILES:
            raise _too_large(
                f"files ({FILES}). Consider using 'List pull requests files' API or locally"
                " cloning the repository instead."
            )
        lines = [line for change in self.changes for line in self._written(change)]
        if len(lines) > LINES:
            raise _too_large(f"lines ({LINES})")
        return "".join(f"{line}\n" for line in lines)

    def _written(self, change: Change) -> Iterator[str]:
        old, new = change.old, change.new
        if old and new and change.status == "changed":  # as git has it, one goes, another comes
            yield from self._written(change._replace(new=None))
            yield from self._written(change._replace(old=None))
            return
        before, after = _quoted(f"a/{change.before}"), _quoted(f"b/{change.path}")
        yield f"diff --git {before} {after}"
        yield from _header(change)
        found = self.hunks(change)
        one, other = (before if old else _NOWHERE), (after if new else _NOWHERE)
        if found is None:
            yield f"Binary files {one} and {other} differ"
        elif found:
            yield f"--- {one}" + "\t" * (" " in one)
            yield f"+++ {other}" + "\t" * (" " in other)
            for hunk in found:
                yield from hunk.written()

    def _content(self, entry: Entry | None) -> bytes:
        if entry is None:
            return b""
        if entry[0] == SUBMODULE:
            return f"Subproject commit {entry[1]}\n".encode()
        return self._commits.blob(self._repository, entry[1])


def patch_of(found: Sequence[Hunk] | None) -> str:
    """Return the patch of a file; '' for one that is not text or too large."""
    text = patch(found or ())
    return "" if len(text) > BYTES or text.count("\n") >= LINES else text


def _header(change: Change) -> Iterator[str]:
    old, new = change.old, change.new
    if old is None and new:
        yield f"new file mode {new[0]}"
    elif new is None and old:
        yield f"deleted file mode {old[0]}"
    elif old and new and old[0] != new[0]:
        yield f"old mode {old[0]}"
        yield f"new mode {new[0]}"
    if change.path != change.before:
        yield f"similarity index {change.score}%"
        yield f"rename from {_quoted(change.before)}"
        yield f"rename to {_quoted(change.path)}"
    one, other = (old or ("", _ABSENT))[1], (new or ("", _ABSENT))[1]
    if one != other:
        mode = f" {old[0]}" if old and new and old[0] == new[0] else ""
        yield f"index {one[:7]}..{other[:7]}{mode}"


def _quoted(path: str) -> str:
    """Write a path as git does: in quotes where it has signs that are not plain.

    https://git-scm.com/docs/git-config#Documentation/git-config.txt-corequotePath
    """
    plain = {ord('"'): '\\"', ord("\\"): "\\\\", 9: "\\t", 10: "\\n", 13: "\\r"}
    written = "".join(
        plain.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
        for byte in path.encode()
    )
    return path if written == path else f'"{written}"'


def _too_large(limit: str) -> GitHubError:
    error = {"resource": "PullRequest", "field": "diff", "code": "too_large"}
    return GitHubError(406, f"Sorry, the diff exceeded the maximum number of {limit}", [error])
