"""Shows hunks with the code around them: the function that they are in, and the heads of what that
is in. In a language without a grammar, some lines before and after."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import NamedTuple

from shared.actions.github.pulls.diff import DiffLine, FileDiff, Hunk
from shared.reviewing.fitting.packing import rank
from shared.reviewing.head import HeadFile
from shared.reviewing.syntax import Scope, scopes_around

#: Files whose surroundings are shown.
_READ = 80
#: Lines of a function that is shown as a whole; of a larger one, lines before and after a change.
_WHOLE, _AROUND = 40, 8
#: Lines of the head of a function or class.
_HEAD = 6
#: Lines that are shown around the changes of a file.
_MOST = 240


class Surrounded(NamedTuple):
    """A file with more lines in its hunks than GitHub shows, which nobody can comment on, and the
    names of the functions and classes that it `touches`."""

    file: FileDiff
    touches: tuple[str, ...] = ()


def needed_texts(files: Sequence[FileDiff]) -> list[str]:
    """Return the files whose texts are needed to widen the hunks of the most important ones."""
    wanted = (file.path for file in sorted(files, key=rank) if file.status != "added")
    return [*islice(wanted, _READ)]


def with_surroundings(
    files: Sequence[FileDiff], needed: Collection[str], read: Callable[[str], HeadFile | None]
) -> list[Surrounded]:
    """Widen the hunks of the files whose texts are `needed`, and of new ones."""
    found = []
    for file in files:
        if file.status == "added":
            found.append(surrounded(file, text_of_added(file)))
        else:
            found.append(surrounded(file, read(file.path) if file.path in needed else None))
    return found


def surrounded(file: FileDiff, head: HeadFile | None) -> Surrounded:
    """Widen the hunks of a file; without its text at the head commit they stay as they are."""
    if head is None or not _fits(file, head):
        return Surrounded(file, tuple(filter(None, (hunk.section for hunk in file.hunks))))
    changes = [*_changes(file)]
    scopes = scopes_around(file.path, head.text, changes)
    names = tuple(dict.fromkeys(scope.name for scope in scopes or () if scope.name))
    if file.status == "added":
        return Surrounded(file, names)
    shown = {
        number
        for change in changes
        for number in _around(change, scopes, len(head.lines))
        if 1 <= number <= len(head.lines)
    }
    extra = sorted(shown.difference(*(range(hunk.first, hunk.last + 1) for hunk in file.hunks)))
    return Surrounded(_with(file, extra[:_MOST], head), names)


def text_of_added(file: FileDiff) -> HeadFile:
    """Return a new file, all of which its hunks show."""
    lines = [line.text for hunk in file.hunks for line in hunk.lines if line.new]
    return HeadFile(file.path, "\n".join([*lines, ""]))


def _fits(file: FileDiff, head: HeadFile) -> bool:
    """Do the lines of the hunks stand at the head commit?"""
    lines = head.lines
    return all(
        line.new <= len(lines) and lines[line.new - 1] == line.text
        for hunk in file.hunks
        for line in hunk.lines
        if line.new
    )


def _changes(file: FileDiff) -> Iterator[tuple[int, int]]:
    """Yield the first and last lines at the head commit of what changed; where lines were only
    deleted, the one before."""
    for hunk in file.hunks:
        before = max(1, hunk.first)
        for is_same, group in groupby(hunk.lines, key=lambda line: line.sign == " "):
            numbers = [line.new for line in group if line.new] or [before]
            if not is_same:
                yield numbers[0], numbers[-1]
            before = numbers[-1]


def _around(change: tuple[int, int], scopes: Sequence[Scope] | None, last: int) -> Iterable[int]:
    """Yield the lines to show with a change."""
    first, end = change
    near = range(first - _AROUND, end + _AROUND + 1)
    if scopes is None:
        yield from near
        return
    within = [scope for scope in scopes if scope.first <= first and end <= scope.last]
    for scope in within:
        yield from range(scope.first, min(scope.body, scope.first + _HEAD - 1) + 1)
    inner = [scope for scope in within if scope.is_code]
    if inner:
        own = inner[-1]
        is_small = own.last - own.first < _WHOLE
        yield from (
            range(own.first, own.last + 1)
            if is_small
            else (number for number in near if own.first <= number <= own.last)
        )


def _with(file: FileDiff, extra: Iterable[int], head: HeadFile) -> FileDiff:
    """Add lines to the hunks; those that then touch become one."""
    pieces = [(hunk.first, hunk.last, hunk) for hunk in file.hunks]
    for number in extra:
        text = head.lines[number - 1]
        pieces.append((number, number, Hunk("", (DiffLine(number, number, text),))))
    pieces.sort(key=lambda piece: piece[0])
    joined: list[tuple[int, Hunk]] = []
    for first, last, hunk in pieces:
        if joined and 0 < first == joined[-1][0] + 1:
            before = joined.pop()[1]
            both = Hunk(before.section or hunk.section, before.lines + hunk.lines)
            joined.append((last, both))
        else:
            joined.append((last, hunk))
    return file._replace(hunks=tuple(hunk for _, hunk in joined))
