"""The hunks of a patch are read line by line, whatever the lines hold."""

import random

import pytest

from shared.actions.github.pulls.diff import DiffLine, file_diffs, hunks_of
from shared.errors import ActionRejected
from tests.reviewing.changes import changes, patch_of


def test_lines_have_their_numbers_on_both_sides() -> None:
    (hunk,) = hunks_of("a.py", "@@ -1,3 +1,3 @@ def f():\n a\n-b\n+c\n d")
    assert hunk.section == "def f():"
    assert hunk.lines == (
        DiffLine(1, 1, "a"),
        DiffLine(2, None, "b"),
        DiffLine(None, 2, "c"),
        DiffLine(3, 3, "d"),
    )
    assert "".join(line.sign for line in hunk.lines) == " -+ "
    assert hunk.holds(1, 3) and not hunk.holds(0, 1) and not hunk.holds(3, 4)
    assert not hunk.holds(2, 1)


def test_a_hunk_that_only_deletes_the_whole_file_holds_no_line() -> None:
    (hunk,) = hunks_of("a.py", "@@ -1,2 +0,0 @@\n-a\n-b")
    assert (hunk.first, hunk.last) == (0, 0)
    assert not hunk.holds(0, 0) and not hunk.holds(1, 1)


@pytest.mark.parametrize(
    "text", ["a\x0bb\x0cc\x1dd\x85e\u2028f\u2029g", "\r", "a\rb", "@@ -1 +1 @@", "--- a", "+++ b"]
)
def test_only_a_line_feed_ends_a_line(text: str) -> None:
    (hunk,) = hunks_of("a.txt", patch_of("x\n", f"x\n{text}\n{text}"))
    assert [line.text for line in hunk.lines if line.sign == "+"] == [text, text]


def test_generated_patches_give_back_the_lines_of_the_head(size: int = 200) -> None:
    for change in changes(random.Random(1), size):
        lines = change.text.split("\n")
        (file,) = file_diffs([change.row])
        for hunk in file.hunks:
            for line in hunk.lines:
                assert line.new is None or lines[line.new - 1] == line.text


def test_a_file_without_a_patch_has_no_hunks() -> None:
    row = {"filename": "b", "status": "renamed", "previous_filename": "a"}
    (file,) = file_diffs(
        [
            row,
        ]
    )
    assert file == ("b", "a", "renamed", ())


@pytest.mark.parametrize("patch", ["words", "@@ -1,9 +1,9 @@\n a", "@@ -1 +1 @@\n*a"])
def test_a_patch_that_is_none_is_refused(patch: str) -> None:
    with pytest.raises(ActionRejected, match=r"the patch of a\.py cannot be read"):
        hunks_of("a.py", patch)
