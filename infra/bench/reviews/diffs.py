"""The files of a change as GitHub lists them."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from infra.bench.reviews.cases import FileTexts
from shared.events import Json

_CONTEXT = 3
_NO_END = "\\ No newline at end of file\n"


def row_of(file: FileTexts) -> Json:
    """Return a file as GitHub describes it, with its patch."""
    before, after = file.before or "", file.after or ""
    status = "added" if file.before is None else "removed" if file.after is None else "modified"
    return {"filename": file.path, "status": status, "patch": patch_of(before, after)}


def patch_of(before: str, after: str) -> str:
    """Return the hunks as git prints them: lines end at a line feed only, and a last line without
    one is followed by a remark."""
    old, new = _lines(before), _lines(after)
    groups = SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT)
    hunks = (_hunk([_Change(*code) for code in group], old, new) for group in groups)
    return "".join(part for hunk in hunks for part in hunk).removesuffix("\n")


class _Change(NamedTuple):
    """How lines of the old text became lines of the new one."""

    kind: str
    old_first: int
    old_last: int
    new_first: int
    new_last: int


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _hunk(changes: Sequence[_Change], old: list[str], new: list[str]) -> Iterator[str]:
    first, last = changes[0], changes[-1]
    ranges = (
        _range(first.old_first, last.old_last), _range(first.new_first, last.new_last)
    )  # fmt: skip
    yield "@@ -{} +{} @@\n".format(*ranges)
    for one in changes:
        if one.kind == "equal":
            yield from _signed(" ", old[one.old_first : one.old_last])
            continue
        yield from _signed("-", old[one.old_first : one.old_last])
        yield from _signed("+", new[one.new_first : one.new_last])


def _range(first: int, last: int) -> str:
    count = last - first
    return f"{first + 1 if count else first},{count}"


def _signed(sign: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield f"{sign}{line}" if line.endswith("\n") else f"{sign}{line}\n{_NO_END}"
