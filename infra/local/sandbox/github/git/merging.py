"""Merges two versions that went different ways from a common one, as git does without renames."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from infra.local.sandbox.github.git.hunks import is_binary, lines_of, opcodes

#: The mode and the name of an object, by path.
Files = Mapping[str, Sequence[str]]


class MergeConflict(Exception):
    """Both sides changed the same."""


def merged_files(
    common: Files,
    ours: Files,
    theirs: Files,
    join: Callable[[Sequence[str], Sequence[str], Sequence[str]], list[str]],
) -> dict[str, list[str]]:
    """Return our files with their changes; `join` merges a file that both changed. Raises
    MergeConflict."""
    merged = {path: list(entry) for path, entry in ours.items()}
    for path in {*common, *theirs}:
        was, we, they = common.get(path), ours.get(path), theirs.get(path)
        if they in (was, we):
            continue
        if we != was:
            if was is None or we is None or they is None:
                raise MergeConflict(path)
            merged[path] = join(was, we, they)
        elif they is None:
            del merged[path]
        else:
            merged[path] = list(they)
    return merged


def merged_text(common: bytes, ours: bytes, theirs: bytes) -> bytes:
    """Return a text with the changes of both sides; raises MergeConflict where they touch."""
    if any(is_binary(side) or not _is_text(side) for side in (common, ours, theirs)):
        raise MergeConflict
    changes = sorted(
        (start, end, lines_of(side)[first:last])
        for side in (ours, theirs)
        for tag, start, end, first, last in opcodes(common, side)
        if tag != "equal"
    )
    for (_, end, _), (start, _, _) in pairwise(changes):
        if start <= end:
            raise MergeConflict
    lines = lines_of(common)
    for start, end, new in reversed(changes):
        lines[start:end] = new
    return "".join(lines).encode()


def _is_text(content: bytes) -> bool:
    """Tell if the lines of a content are written back as they were."""
    return "".join(lines_of(content)).encode() == content
