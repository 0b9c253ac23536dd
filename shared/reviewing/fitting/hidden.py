"""Finds the hunks of files that GitHub lists without them, because they or the whole are large."""

from collections.abc import Callable, Collection, Sequence

from shared.actions.github.pulls.diff import FileDiff
from shared.reviewing.fitting.comparing import hunks_between
from shared.reviewing.fitting.packing import rank
from shared.reviewing.head import HeadFile
from shared.reviewing.skipping import reason_to_skip

#: Files whose texts are read and compared.
_MOST = 60

Read = Callable[[str], HeadFile | None]


def with_hidden(
    files: Sequence[FileDiff], hidden: Collection[str], before: Read, after: Read
) -> tuple[FileDiff, ...]:
    """Compare the texts of the most important `hidden` files that are to be reviewed."""
    found = {file.path: _filled(file, before, after) for file in wanted_of(files, hidden)}
    return tuple(found.get(file.path, file) for file in files)


def wanted_of(files: Sequence[FileDiff], hidden: Collection[str]) -> list[FileDiff]:
    """Return the most important `hidden` files that are to be reviewed."""
    names = frozenset(hidden)
    wanted = (file for file in files if file.path in names and _is_wanted(file))
    return sorted(wanted, key=rank)[:_MOST]


def _is_wanted(file: FileDiff) -> bool:
    """Would it be reviewed if its hunks were there?"""
    shown = file._replace(hunks=hunks_between("", "x"))
    return not reason_to_skip(shown)


def _filled(file: FileDiff, before: Read, after: Read) -> FileDiff:
    old = HeadFile(file.old_path, "") if file.status == "added" else before(file.old_path)
    new = after(file.path)
    if old is None or new is None:
        return file
    return file._replace(hunks=hunks_between(old.text, new.text))
