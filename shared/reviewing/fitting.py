"""Fits a change into calls to a model: ranks the files, numbers the lines, shortens deletions, and
packs as much into each call as it should hold."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import NamedTuple

from shared.actions.github.pulls.diff import DiffLine, FileDiff, Hunk
from shared.agent.context import Code

#: Characters of a call: about 6,000 tokens. A small diff is reviewed better than a large one
#: (https://arxiv.org/abs/2603.26130), so a large window is no reason to fill it.
ROOM = 24_000
#: Calls for one change; what is left over is named as not reviewed.
CALLS = 24
#: Deleted lines that stand together and are all shown.
_DELETED = 6
#: Characters of a line that a model is shown.
_WIDTH = 500
#: What stands between two files of a call.
_BETWEEN = "\n\n"
_DOCUMENTS = frozenset([".md", ".rst", ".txt", ".adoc"])
_SETTINGS = frozenset([".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".xml", ".properties"])


class Packed(NamedTuple):
    """The `parts` to review, a call for each, and the files that found no room."""

    parts: tuple[Code, ...]
    left_out: tuple[str, ...]


def packed(files: Sequence[FileDiff], room: int = ROOM, calls: int = CALLS) -> Packed:
    """Pack the files, the most important first. `room` is in characters."""
    parts: list[list[str]] = []
    free: list[int] = []
    left_out: dict[str, None] = {}
    for file in sorted(files, key=_rank):
        for text in _pieces(file, room):
            size = len(text) + len(_BETWEEN)
            at = next((n for n, left in enumerate(free) if left >= size), len(parts))
            if len(text) > room or (at == len(parts) and len(parts) == calls):
                left_out[file.path] = None
            elif at == len(parts):
                parts.append([text])
                free.append(room - len(text))
            else:
                parts[at].append(text)
                free[at] -= size
    texts = (_BETWEEN.join(texts) for texts in parts)
    numbered = (Code(f"part {n} of {len(parts)}", text) for n, text in enumerate(texts, 1))
    return Packed(tuple(numbered), tuple(left_out))


def _rank(file: FileDiff) -> tuple[int, int, str]:
    """Order code before tests, settings and documents, and large changes before small ones."""
    path = PurePosixPath(file.path)
    if path.suffix in _DOCUMENTS:
        kind = 3
    elif path.suffix in _SETTINGS:
        kind = 2
    else:
        kind = int("test" in file.path.lower() or "spec" in path.name.lower())
    return kind, -file.changes, file.path


def _pieces(file: FileDiff, room: int) -> Iterator[str]:
    """Write a file, in pieces of whole hunks where it is larger than a call."""
    was = f", before {file.old_path}" if file.old_path != file.path else ""
    head = f"=== {file.path} ({file.status}{was})"
    piece = head
    for hunk in file.hunks:
        for text in _written(hunk, room - len(head) - 1):
            if len(piece) + len(text) + 1 > room and piece != head:
                yield piece
                piece = head
            piece += f"\n{text}"
    yield piece


def _written(hunk: Hunk, room: int) -> Iterator[str]:
    """Write a hunk, in pieces of whole lines where it is larger than a call."""
    title = f"@@ {hunk.section}".rstrip()[:_WIDTH]
    piece = title
    for line in _lines(hunk.lines):
        if len(piece) + len(line) + 1 > room:
            yield piece
            piece = title
        piece += f"\n{line}"
    yield piece


def _lines(lines: Iterable[DiffLine]) -> Iterator[str]:
    """Write lines with their numbers at the head commit; a deleted one has none."""
    for sign, group in groupby(lines, key=lambda line: line.sign):
        together = [*group]
        shown = together[: _DELETED // 2] if _too_many(sign, together) else together
        for line in shown:
            text = line.text.removesuffix("\r")
            cut = text if len(text) <= _WIDTH else f"{text[:_WIDTH]}…"
            yield f"{line.new or '':>6} {sign} {cut}"
        if hidden := len(together) - len(shown):
            yield f"       - … {hidden} more deleted lines"


def _too_many(sign: str, lines: Sequence[DiffLine]) -> bool:
    return sign == "-" and len(lines) > _DELETED
