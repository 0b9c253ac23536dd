"""Compares two versions of a file by lines, and writes what differs as git does."""

import difflib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

#: Lines around a change that are shown with it.
_AROUND = 3
#: So many bytes git searches for a zero, which makes a file binary.
_SEARCHED = 8000
_LONGEST_HEADING = 80
#: The mark of a last line without an end.
NO_END = "\\ No newline at end of file"

#: How two sequences of lines become one another: difflib's opcodes.
Opcodes = Sequence[tuple[str, int, int, int, int]]


class Line(NamedTuple):
    """A line of a hunk: `sign` is ' ', '-' or '+'; its number on a side is 0 where it is not."""

    sign: str
    text: str
    old: int
    new: int


class Hunk(NamedTuple):
    """`header` is the line with @@. `lines` keep their ends, as far as they have one."""

    header: str
    lines: Sequence[Line]

    def written(self) -> Iterator[str]:
        """Yield the lines as they stand in a patch, without their ends."""
        yield self.header
        for line in self.lines:
            yield line.sign + line.text.removesuffix("\n")
            if not line.text.endswith("\n"):
                yield NO_END


def is_binary(content: bytes) -> bool:
    return b"\0" in content[:_SEARCHED]


def lines_of(content: bytes) -> list[str]:
    """Return the lines with their ends. Only a line feed ends one, as for git; what is not UTF-8
    is taken for Latin-1."""
    try:
        lines = content.decode().split("\n")
    except UnicodeDecodeError:
        lines = content.decode("latin-1").split("\n")
    return [line + "\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


@lru_cache(maxsize=64)
def opcodes(old: bytes, new: bytes) -> Opcodes:
    """Return how the lines of `old` become those of `new`."""
    lines, others = lines_of(old), lines_of(new)
    shortest = min(len(lines), len(others))
    head = 0
    while head < shortest and lines[head] == others[head]:
        head += 1
    tail = 0
    while tail < shortest - head and lines[-1 - tail] == others[-1 - tail]:
        tail += 1
    ends = len(lines) - tail, len(others) - tail
    between = difflib.SequenceMatcher(None, lines[head : ends[0]], others[head : ends[1]])
    found = [("equal", 0, head, 0, head)] if head else []
    for tag, *places in between.get_opcodes():
        a, b, c, d = (place + head for place in places)
        found.append((tag, a, b, c, d))
    if tail:
        found.append(("equal", ends[0], len(lines), ends[1], len(others)))
    return _joined(found)


def _joined(found: Opcodes) -> Opcodes:
    """Join what follows upon the same: the common ends were cut off before the comparison."""
    joined: list[tuple[str, int, int, int, int]] = []
    for tag, a, b, c, d in found:
        if joined and joined[-1][0] == tag:
            joined[-1] = (tag, joined[-1][1], b, joined[-1][3], d)
        else:
            joined.append((tag, a, b, c, d))
    return joined


@lru_cache(maxsize=64)
def hunks(old: bytes, new: bytes) -> Sequence[Hunk]:
    """Return the hunks between two versions of a text, with three lines around each change."""
    lines, others = lines_of(old), lines_of(new)
    return [_hunk(group, lines, others) for group in _groups(opcodes(old, new))]


def counted(found: Sequence[Hunk]) -> tuple[int, int]:
    """Return how many lines were added and deleted."""
    signs = [line.sign for hunk in found for line in hunk.lines]
    return signs.count("+"), signs.count("-")


def patch(found: Sequence[Hunk]) -> str:
    return "\n".join(line for hunk in found for line in hunk.written())


def _groups(found: Opcodes) -> Iterator[Opcodes]:
    """Yield the opcodes of each hunk: changes less than seven lines apart share one."""
    group: list[tuple[str, int, int, int, int]] = []
    for place, (tag, a, b, c, d) in enumerate(found):
        if tag != "equal":
            group.append((tag, a, b, c, d))
            continue
        is_last, length = place == len(found) - 1, b - a
        if group and not is_last and length <= 2 * _AROUND:
            group.append((tag, a, b, c, d))
            continue
        if group:
            group.append((tag, a, min(b, a + _AROUND), c, min(d, c + _AROUND)))
            yield group
        group = [(tag, max(a, b - _AROUND), b, max(c, d - _AROUND), d)] if not is_last else []
    if group and any(tag != "equal" for tag, *_ in group):
        yield group


def _hunk(group: Opcodes, lines: Sequence[str], others: Sequence[str]) -> Hunk:
    start, end, first, last = group[0][1], group[-1][2], group[0][3], group[-1][4]
    inside: list[Line] = []
    for tag, a, b, c, d in group:
        if tag == "equal":
            inside += [Line(" ", lines[a + n], a + n + 1, c + n + 1) for n in range(b - a)]
        else:
            inside += [Line("-", lines[n], n + 1, 0) for n in range(a, b)]
            inside += [Line("+", others[n], 0, n + 1) for n in range(c, d)]
    heading = _heading(lines, start)
    spans = f"@@ -{_span(start, end)} +{_span(first, last)} @@"
    return Hunk(f"{spans} {heading}" if heading else spans, inside)


def _span(start: int, end: int) -> str:
    count = end - start
    return f"{start + bool(count)}" if count == 1 else f"{start + bool(count)},{count}"


def _heading(lines: Sequence[str], start: int) -> str:
    """Return the nearest line above that begins with a letter, as git shows it: it often names the
    function."""
    for line in reversed(lines[:start]):
        if line[0].isalpha() or line[0] in "_$":
            return line[:_LONGEST_HEADING].rstrip()
    return ""
