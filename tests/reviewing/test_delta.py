"""A push is reviewed alone: the hunks of the whole change with lines that are newer."""

import pytest

from shared.actions.github.pulls.diff import FileDiff, file_diffs
from shared.reviewing.delta import changed_since
from tests.reviewing.changes import row_of

_BASE = [f"line{n} = {n}\n" for n in range(60)]


def edited(*numbers: int, of: list[str] = _BASE) -> list[str]:
    """Return the lines with those of these numbers, from 1, changed."""
    return [f"new{n} = {n}\n" if n in numbers else line for n, line in enumerate(of, 1)]


def diff(before: list[str], after: list[str], path: str = "a.py", old: str = "") -> list[FileDiff]:
    return [*file_diffs([row_of(path, "".join(before), "".join(after), old)])]


def firsts(files: tuple[FileDiff, ...]) -> list[tuple[str, list[int]]]:
    """Return the first new line of each hunk that is left."""
    return [(file.path, [hunk.added[0].new or 0 for hunk in file.hunks]) for file in files]


def test_without_knowing_what_is_newer_all_of_it_is_new() -> None:
    whole = diff(_BASE, edited(5, 40))
    assert changed_since(whole, None) == tuple(whole)


@pytest.mark.parametrize(
    ("first", "second", "left"),
    [
        ((5,), (40,), [("a.py", [40])]),
        ((5, 40), (40,), [("a.py", [40])]),  # changed again
        ((5, 40), (), []),  # a push of nothing
        ((5,), (5, 40), [("a.py", [5, 40])]),
        ((5,), (7,), [("a.py", [5])]),  # one hunk: the new line is the third in it
    ],
)
def test_a_hunk_with_a_newer_line_is_left(
    first: tuple[int, ...], second: tuple[int, ...], left: object
) -> None:
    reviewed = edited(*first)
    head = [line.replace("new", "newer") if n in second else line
            for n, line in enumerate(edited(*first, *second), 1)]  # fmt: skip
    newer = diff(reviewed, head) if second else []
    assert firsts(changed_since(diff(_BASE, head), newer)) == left


def test_what_a_push_brings_from_the_base_is_no_part_of_it() -> None:
    """The base went on, and the push merged it: GitHub compares the whole with the new base."""
    head = edited(5, of=[*_BASE, "of the base = 1\n"])
    newer = [*diff(edited(5), head), *diff([], ["x = 1\n"], "base.py")]
    whole = diff([*_BASE, "of the base = 1\n"], head)
    assert changed_since(whole, newer) == ()


def test_lines_that_only_moved_are_not_new() -> None:
    head = ["# above\n", *edited(40)]
    left = changed_since(diff(_BASE, head), diff(edited(40), head))
    assert firsts(left) == [("a.py", [1])]


def test_a_push_that_only_deletes_leaves_nothing_to_comment_on() -> None:
    head = edited(5)[:-9]
    assert changed_since(diff(_BASE, head), diff(edited(5), head)) == ()


def test_a_file_too_large_to_show_stays() -> None:
    whole = diff(_BASE, edited(5))
    newer = [FileDiff("a.py", "a.py", "modified", ())]
    assert changed_since(whole, newer) == tuple(whole)


@pytest.mark.parametrize("text", ["支付 = '💶'\n", "x = 1\r\n", "\f = 1\n"])
def test_any_text_may_be_newer(text: str) -> None:
    head = [*_BASE, text]
    left = changed_since(diff(_BASE, head), diff(_BASE, head))
    assert firsts(left) == [("a.py", [61])]


def test_a_renamed_file_is_compared_by_its_new_path() -> None:
    head = edited(5, 40)
    whole = diff(_BASE, head, "b.py", "a.py")
    assert firsts(changed_since(whole, diff(edited(5), head, "b.py", "a.py"))) == [("b.py", [40])]
    assert changed_since(whole, diff(edited(5), head, "a.py")) == ()
