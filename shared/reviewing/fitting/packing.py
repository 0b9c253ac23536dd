"""Fits a change into calls to a model: ranks the files, numbers the lines, shortens deletions, and
packs as much into each call as it should hold."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import NamedTuple

from shared.actions.github.pulls.diff import DiffLine, FileDiff, Hunk
from shared.agent.context import Code
from shared.models.tokens import tokens
from shared.reviewing.fitting.room import MOST

#: Why a file is left out, or the rest of it.
_LARGE, _IN_PART = "too large a change", "only in part, too large a change"
#: Calls for one change; what is left over is named as not reviewed.
CALLS = 24
#: Deleted lines that stand together and are all shown.
_DELETED = 6
#: Lines of a hunk before and after a finding that show what it is about.
_NEAR = 12
#: Characters of a line that a model is shown.
_WIDTH = 500
#: What stands between two files of a call.
_BETWEEN = "\n\n"
#: No token has more characters of code than this.
_LONGEST_TOKEN = 8
#: Kinds of files, the most important first.
_KINDS = ("code", "tests", "settings", "document")
_DOCUMENTS = frozenset([".md", ".rst", ".txt", ".adoc"])
_SETTINGS = frozenset([".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".xml", ".properties"])


class Packed(NamedTuple):
    """The `parts` to review, a call for each, and the files that found no room, with why."""

    parts: tuple[Code, ...]
    left_out: Mapping[str, str]


def packed(
    files: Sequence[FileDiff],
    room: int = MOST,
    calls: int = CALLS,
    written: Callable[[FileDiff, int], Iterable["FilePiece"]] | None = None,
) -> Packed:
    """Pack the files, the most important first. `room` is in tokens. `written` gives the pieces of
    a file, as `pieces` does."""
    parts: list[list[str]] = []
    free: list[int] = []
    left_out: dict[str, str] = {}
    for file in sorted(files, key=rank):
        for number, (text, size) in enumerate((written or pieces)(file, room)):
            at = next((n for n, left in enumerate(free) if left > size), len(parts))
            if size > room or (at == len(parts) and len(parts) == calls):
                left_out.setdefault(file.path, _IN_PART if number else _LARGE)
            elif at == len(parts):
                parts.append([text])
                free.append(room - size)
            else:
                parts[at].append(text)
                free[at] -= size + 1
    texts = (_BETWEEN.join(texts) for texts in parts)
    numbered = (Code(f"part {n} of {len(parts)}", text) for n, text in enumerate(texts, 1))
    return Packed(tuple(numbered), left_out)


def size_of(text: str) -> int:
    """Estimate the tokens of a text: more than those of two halves and the line end between them
    it never has."""
    return max(tokens(text), -(-len(text) // _LONGEST_TOKEN))


def kind_of(file: FileDiff) -> str:
    """Return what kind of file it is."""
    path = PurePosixPath(file.path)
    if path.suffix in _DOCUMENTS:
        return "document"
    if path.suffix in _SETTINGS:
        return "settings"
    is_test = "test" in file.path.lower() or "spec" in path.name.lower()
    return "tests" if is_test else "code"


def rank(file: FileDiff) -> tuple[int, int, str]:
    """Order code before tests, settings and documents, and large changes before small ones."""
    return _KINDS.index(kind_of(file)), -file.changes, file.path


def written_near(file: FileDiff, first: int, last: int) -> str:
    """Write what changed near lines of the head commit, which stand in one hunk."""
    hunk = file.hunk_of(first, last)
    shown = () if hunk is None else hunk.lines
    at = [n for n, line in enumerate(shown) if line.new and first <= line.new <= last]
    near = shown[max(0, at[0] - _NEAR) : at[-1] + _NEAR + 1] if at else ()
    return "\n".join([_head(file), *_lines(near, _WIDTH)])


class FilePiece(NamedTuple):
    """A text that is not cut any more."""

    text: str
    size: int

    def and_(self, other: "FilePiece") -> "FilePiece":
        return FilePiece(f"{self.text}\n{other.text}", self.size + 1 + other.size)


def _piece(text: str) -> FilePiece:
    return FilePiece(text, size_of(text))


def pieces(file: FileDiff, room: int) -> Iterator[FilePiece]:
    """Write a file, in pieces of whole hunks where it is larger than a call."""
    texts = (line for hunk in file.hunks for line in _hunk(hunk, room))
    if (all_ := _piece("\n".join([_head(file), *texts]))).size <= room:
        yield all_
        return
    whole = head = _piece(_head(file))
    for hunk in file.hunks:
        for piece in _written(hunk, room - head.size - 1):
            if whole.size + piece.size + 1 > room and whole != head:
                yield whole
                whole = head
            whole = whole.and_(piece)
    yield whole


def _head(file: FileDiff) -> str:
    was = f", before {file.old_path}" if file.old_path != file.path else ""
    return f"=== {file.path} ({file.status}{was})"


def _written(hunk: Hunk, room: int) -> Iterator[FilePiece]:
    """Write a hunk, in pieces of whole lines where it is larger than a call."""
    lines = _hunk(hunk, room)
    title = whole = _piece(next(lines))
    for line in lines:
        piece = _piece(line)
        if whole.size + piece.size + 1 > room and whole != title:
            yield whole
            whole = title
        whole = whole.and_(piece)
    yield whole


def _hunk(hunk: Hunk, room: int) -> Iterator[str]:
    yield _cut(f"@@ {hunk.section}".rstrip(), room // 4)
    yield from _lines(hunk.lines, room // 4)


def _lines(lines: Iterable[DiffLine], most: int) -> Iterator[str]:
    """Write lines with their numbers at the head commit; a deleted one has none."""
    for sign, group in groupby(lines, key=lambda line: line.sign):
        together = [*group]
        shown = together[: _DELETED // 2] if _too_many(sign, together) else together
        for line in shown:
            text = _cut(line.text.removesuffix("\r"), most)
            yield f"{line.new or '':>6} {sign} {text}"
        if hidden := len(together) - len(shown):
            yield f"       - … {hidden} more deleted lines"


def _cut(text: str, most: int) -> str:
    """Return a line, or its beginning where it has too many characters or tokens."""
    kept = text[:_WIDTH]
    if 2 * len(kept) > most > 0 and (size := size_of(kept)) > most:
        kept = kept[: len(kept) * most // size]
    return kept if kept == text else f"{kept}…"


def _too_many(sign: str, lines: Sequence[DiffLine]) -> bool:
    return sign == "-" and len(lines) > _DELETED
