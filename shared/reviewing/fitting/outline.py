"""Outlines a change in few lines, which go along with each part of it."""

from collections.abc import Sequence

from shared.agent.context import Code
from shared.reviewing.fitting.packing import kind_of, rank, size_of
from shared.reviewing.fitting.surroundings import Surrounded

#: Names of functions that are told of a file.
_NAMES = 8


def outlined(files: Sequence[Surrounded], most: int) -> Code:
    """Name the files, their kinds, and the functions that they touch, in at most so many tokens."""
    ordered = sorted(files, key=lambda one: rank(one.file))
    lines = [f"{len(files)} files"]
    left = most - 10
    for one in ordered:
        line = _line(one)
        left -= size_of(line) + 1
        if left < 0:
            lines.append(f"and {len(files) - len(lines) + 1} more")
            break
        lines.append(line)
    return Code("outline of the change", "\n".join(lines))


def _line(one: Surrounded) -> str:
    changed = [line.sign for hunk in one.file.hunks for line in hunk.lines]
    counts = f"+{changed.count('+')} -{changed.count('-')}"
    named = ", ".join(one.touches[:_NAMES])
    more = len(one.touches) - _NAMES
    touches = f": {named}{f' and {more} more' if more > 0 else ''}" if named else ""
    return f"{one.file.path} ({one.file.status}, {kind_of(one.file)}, {counts}){touches}"
