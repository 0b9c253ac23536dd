"""The changed files of a pull request, with their hunks.

GitHub lists a file with its `patch`: the hunks of a unified diff, without headers.
https://docs.github.com/en/rest/pulls/pulls#list-pull-requests-files
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from shared.errors import ActionRejected
from shared.events import Json

if TYPE_CHECKING:
    from unidiff.patch import Line


class DiffLine(NamedTuple):
    """A line of a hunk, without its end; `old` and `new` number it, None where it is not there."""

    old: int | None
    new: int | None
    text: str

    @property
    def sign(self) -> str:
        return "-" if self.new is None else "+" if self.old is None else " "


class Hunk(NamedTuple):
    """Lines that stand together. `section` is what git takes for the function around them."""

    section: str
    lines: tuple[DiffLine, ...]

    @property
    def first(self) -> int:
        """The number of the first line at the head commit, 0 where all of them are deleted."""
        return min((line.new for line in self.lines if line.new), default=0)

    @property
    def last(self) -> int:
        return max((line.new for line in self.lines if line.new), default=0)

    def holds(self, first: int, last: int) -> bool:
        """Do these lines of the head commit all stand in it?"""
        return 0 < self.first <= first <= last <= self.last

    @property
    def added(self) -> tuple[DiffLine, ...]:
        return tuple(line for line in self.lines if line.sign == "+")


class FileDiff(NamedTuple):
    """A file that changed. `old_path` is its path before; `status` is GitHub's word for it.

    Without `hunks` it is binary, only renamed, or too large for GitHub to show.
    """

    path: str
    old_path: str
    status: str
    hunks: tuple[Hunk, ...]

    def hunk_of(self, first: int, last: int) -> Hunk | None:
        """Return the hunk with these lines of the head commit: a comment's lines stand in one."""
        return next((hunk for hunk in self.hunks if hunk.holds(first, last)), None)

    @property
    def changes(self) -> int:
        return sum(line.sign != " " for hunk in self.hunks for line in hunk.lines)


def file_diffs(rows: Iterable[Json]) -> tuple[FileDiff, ...]:
    """Read the files as GitHub lists them; raises ActionRejected for a patch that is none."""
    return tuple(
        FileDiff(
            row["filename"],
            row.get("previous_filename") or row["filename"],
            row["status"],
            hunks_of(row["filename"], row.get("patch") or ""),
        )
        for row in rows
    )


def hunks_of(path: str, patch: str) -> tuple[Hunk, ...]:
    """Read the hunks of a patch; raises ActionRejected when it is none."""
    if not patch:
        return ()
    from unidiff.errors import UnidiffParseError  # late: few runs read a diff
    from unidiff.patch import PatchSet

    try:
        (file,) = PatchSet(f"--- a\n+++ b\n{patch}\n")
    except (UnidiffParseError, ValueError) as err:
        raise ActionRejected(f"github: the patch of {path} cannot be read: {err}") from err
    if not file:
        raise ActionRejected(f"github: the patch of {path} cannot be read: it has no hunk")
    return tuple(
        Hunk(hunk.section_header, tuple(_line(line) for line in hunk if line.line_type != "\\"))
        for hunk in file
    )


def _line(line: "Line") -> DiffLine:
    return DiffLine(line.source_line_no, line.target_line_no, line.value.removesuffix("\n"))
