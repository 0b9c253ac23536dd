"""Follows findings to where their files are now."""

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from shared.actions.github.pulls.diff import FileDiff
from shared.learning.findings import KeptFinding


def followed(
    known: Sequence[KeptFinding], number: int, files: Sequence[FileDiff]
) -> Iterator[KeptFinding]:
    """Yield what is known with the paths as they are now in the pull request `number`, of which
    these are all changed files.

    A file that was new in it, and is renamed there, is simply another new one: git compares with
    the base alone. So what stood in a file that is gone is looked for in the new ones of its kind.
    """
    now = {file.path for file in files}
    renamed = {file.old_path: file.path for file in files}
    new = [file.path for file in files if file.status == "added"]
    for one in known:
        yield one
        if one.path in now:
            continue
        if one.path in renamed:
            yield one._replace(path=renamed[one.path])
        elif one.number == number:
            yield from (one._replace(path=path) for path in new if _kind(path) == _kind(one.path))


def _kind(path: str) -> str:
    return PurePosixPath(path).suffix
