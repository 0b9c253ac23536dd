"""Compares two texts by lines, for files whose changes GitHub does not show because they are large.

Lines that stand once in both texts belong together, as in a patience diff; only what is short
between them is compared line by line. So a large file takes little longer than a small one.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from shared.actions.github.pulls.diff import DiffLine, Hunk

#: Lines around a change, as git shows them.
_CONTEXT = 3
#: Pairs of lines that are compared with each other, and how often a part is divided.
_PAIRS, _DEPTH = 10_000, 24


class _Part(NamedTuple):
    """Lines of both texts that are still to be compared."""

    old: int
    old_end: int
    new: int
    new_end: int
    depth: int = 0


def hunks_between(before: str, after: str) -> tuple[Hunk, ...]:
    """Return what changed, with three lines around it."""
    old, new = _lines(before), _lines(after)
    whole = [*_walked(old, new)]
    changed = [at for at, line in enumerate(whole) if line.sign != " "]
    spans: list[list[int]] = []
    for at in changed:
        if spans and at - spans[-1][1] <= 2 * _CONTEXT + 1:
            spans[-1][1] = at
        else:
            spans.append([at, at])
    return tuple(
        Hunk("", tuple(whole[max(0, first - _CONTEXT) : last + _CONTEXT + 1]))
        for first, last in spans
    )


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return lines if lines[-1] else lines[:-1]


def _walked(old: Sequence[str], new: Sequence[str]) -> Iterator[DiffLine]:
    """Yield all lines of both, what was deleted before what came in its place."""
    at = other = 0
    for match, same in [*_matched(old, new), (len(old), len(new))]:
        yield from (DiffLine(n + 1, None, old[n]) for n in range(at, match))
        yield from (DiffLine(None, n + 1, new[n]) for n in range(other, same))
        if match < len(old):
            yield DiffLine(match + 1, same + 1, new[same])
        at, other = match + 1, same + 1


def _matched(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the pairs of equal lines, in order."""
    found: list[tuple[int, int]] = []
    pending = [_Part(0, len(old), 0, len(new))]
    while pending:
        part = pending.pop()
        ends, part = _trimmed(old, new, part)
        found += ends
        if part.old == part.old_end or part.new == part.new_end:
            continue
        anchors = _anchors(old, new, part) if part.depth < _DEPTH else []
        if anchors:
            found += anchors
            pending += _between(part, anchors)
        elif (part.old_end - part.old) * (part.new_end - part.new) <= _PAIRS:
            found += _compared(old, new, part)
    return sorted(found)


def _trimmed(
    old: Sequence[str], new: Sequence[str], part: _Part
) -> tuple[list[tuple[int, int]], _Part]:
    """Take equal lines off both ends."""
    first, last, other, end, depth = part
    found = []
    while first < last and other < end and old[first] == new[other]:
        found.append((first, other))
        first, other = first + 1, other + 1
    while first < last and other < end and old[last - 1] == new[end - 1]:
        last, end = last - 1, end - 1
        found.append((last, end))
    return found, _Part(first, last, other, end, depth)


def _anchors(old: Sequence[str], new: Sequence[str], part: _Part) -> list[tuple[int, int]]:
    """Return the longest row of lines that stand once in both, and in the same order."""
    counts = Counter(old[part.old : part.old_end])
    others = Counter(new[part.new : part.new_end])
    places = {new[n]: n for n in range(part.new, part.new_end) if others[new[n]] == 1}
    pairs = [
        (n, places[old[n]])
        for n in range(part.old, part.old_end)
        if counts[old[n]] == 1 and old[n] in places
    ]
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for number, (_, place) in enumerate(pairs):
        at = bisect_left(ends, place)
        ends[at : at + 1] = [place]
        tops[at : at + 1] = [number]
        before.append(tops[at - 1] if at else -1)
    row, number = [], tops[-1] if tops else -1
    while number >= 0:
        row.append(pairs[number])
        number = before[number]
    return row[::-1]


def _between(part: _Part, anchors: Sequence[tuple[int, int]]) -> Iterator[_Part]:
    at, other = part.old, part.new
    for match, same in [*anchors, (part.old_end, part.new_end)]:
        if at < match and other < same:
            yield _Part(at, match, other, same, part.depth + 1)
        at, other = match + 1, same + 1


def _compared(old: Sequence[str], new: Sequence[str], part: _Part) -> Iterator[tuple[int, int]]:
    lines, others = old[part.old : part.old_end], new[part.new : part.new_end]
    for at, other, size in SequenceMatcher(None, lines, others, False).get_matching_blocks():
        yield from ((part.old + at + n, part.new + other + n) for n in range(size))
