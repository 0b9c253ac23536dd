"""Finds what a push added to a change that was reviewed before."""

from collections.abc import Sequence

from shared.actions.github.pulls.diff import FileDiff


def changed_since(
    files: Sequence[FileDiff], newer: Sequence[FileDiff] | None
) -> tuple[FileDiff, ...]:
    """Return the hunks of the change that hold a line which is `newer`; all without knowing it.

    A push may bring the base along, which nobody needs to review here, and comments stand on hunks
    of the whole change.
    """
    if newer is None:
        return tuple(files)
    by_path = {file.path: file for file in newer}
    found = []
    for file in files:
        push = by_path.get(file.path)
        if push and not push.hunks:
            found.append(file)  # too large for GitHub to show
        elif push:
            added = {line.new for hunk in push.hunks for line in hunk.added}
            hunks = tuple(
                hunk for hunk in file.hunks if any(line.new in added for line in hunk.added)
            )
            found += [file._replace(hunks=hunks)] if hunks else []
    return tuple(found)
