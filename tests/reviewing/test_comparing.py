"""Large files are compared by lines: nothing is lost, and it takes no longer than it must."""

import random
import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions.github.pulls.diff import FileDiff, Hunk, file_diffs
from shared.reviewing.fitting.comparing import hunks_between
from shared.reviewing.fitting.hidden import with_hidden
from shared.reviewing.head import HeadFile
from tests.campaigns import examples
from tests.reviewing.changes import row_of


def applied(before: str, hunks: Sequence[Hunk]) -> list[str]:
    """Return the lines that the hunks make of a text; each must fit where it says."""
    lines = before.split("\n")
    lines = lines if lines[-1] else lines[:-1]
    made: list[str] = []
    at = 0
    for hunk in hunks:
        for line in hunk.lines:
            if line.old is not None:
                made += lines[at : line.old - 1]
                assert lines[line.old - 1] == line.text
                at = line.old
            if line.new is not None:
                assert len(made) == line.new - 1
                made.append(line.text)
    return made + lines[at:]


_LINES = st.lists(st.sampled_from(["a", "b", "c", "}", "", "x = 1", "x = 1\r", "状"]), max_size=40)


@given(_LINES, _LINES)
@examples(400)
def test_what_the_hunks_say_makes_the_new_text_of_the_old(old: list[str], new: list[str]) -> None:
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    hunks = hunks_between(before, after)
    assert applied(before, hunks) == new
    assert bool(hunks) == (old != new)
    for hunk in hunks:
        signs = [line.sign for line in hunk.lines]
        assert "+" in signs or "-" in signs
        assert len([*_edge(signs)]) <= 3 and len([*_edge(signs[::-1])]) <= 3


def _edge(signs: list[str]) -> list[str]:
    first = next(at for at, sign in enumerate(signs) if sign != " ")
    return signs[:first]


@pytest.mark.parametrize("after", ["a\nb", "a\nb\n"])
def test_the_end_of_a_file_counts_for_nothing(after: str) -> None:
    assert hunks_between("a\nb\n", after) == ()


def test_a_change_is_as_small_as_git_shows_it() -> None:
    before = "".join(f"line {n}\n" for n in range(30_000))
    after = before.replace("line 700\n", "line seven\n").replace("line 20000\n", "")
    one, two = hunks_between(before, after)
    assert [line.text for line in one.added] == ["line seven"]
    assert (one.first, one.last, two.first, two.last) == (698, 704, 19_998, 20_003)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("}\n" * 30_000, "}\n{\n" * 30_000),
        (
            "".join(f"{n % 7}\n" for n in range(40_000)),
            "".join(f"{n % 5}\n" for n in range(40_000)),
        ),
        ("".join(f"{n}\n" for n in range(40_000)), "".join(f"{n}\n" for n in range(40_000, 0, -1))),
        ("", "x\n" * 60_000),
        ("x\n" * 60_000, ""),
        ("".join(f"{n}\na\n" for n in range(20_000)), "".join(f"{n}\nb\n" for n in range(20_000))),
    ],
    ids=["braces", "few lines", "reversed", "new", "emptied", "every second"],
)
def test_no_text_takes_long(before: str, after: str) -> None:
    began = time.process_time()
    hunks = hunks_between(before, after)
    assert time.process_time() - began < 5
    assert applied(before, hunks) == after.split("\n")[:-1]


def test_generated_edits_of_a_large_file_are_found() -> None:
    some = random.Random(5)
    lines = [f"    value_{some.randrange(5_000)} = {n % 90}" for n in range(21_000)]
    edited = [*lines]
    for _ in range(300):
        at = some.randrange(len(edited))
        edited[at : at + some.randint(0, 3)] = [f"new {some.random()}"] * some.randint(0, 3)
    hunks = hunks_between("\n".join(lines), "\n".join(edited))
    assert applied("\n".join(lines), hunks) == edited
    assert sum(len(hunk.lines) for hunk in hunks) < 4_000


def listed(*rows: tuple[str, str]) -> list[FileDiff]:
    made = [row_of(path, "a\n", "b\n") | {"status": status} for path, status in rows]
    return [file._replace(hunks=()) for file in file_diffs(made)]


def test_only_hidden_files_that_are_to_be_reviewed_are_read() -> None:
    read: list[str] = []

    def text(path: str) -> HeadFile | None:
        read.append(path)
        return None if path == "image.py" else HeadFile(path, "a\n" * len(read))

    files = listed(
        ("a.py", "modified"), ("b.py", "added"), ("image.py", "modified"),
        ("poetry.lock", "modified"), ("vendor/a.py", "modified"),
        ("gone.py", "removed"), ("shown.py", "modified"),
    )  # fmt: skip
    hidden = {file.path for file in files} - {"shown.py"}
    found = {file.path: file for file in with_hidden(files, hidden, text, text)}
    assert {path for path, file in found.items() if file.hunks} == {"a.py", "b.py"}
    assert sorted(read) == ["a.py", "a.py", "b.py", "image.py", "image.py"]
    assert [*found] == [file.path for file in files]


def test_no_more_than_a_few_hidden_files_are_read() -> None:
    files = listed(*((f"a{n}.py", "added") for n in range(3_000)))
    hidden = {file.path for file in files}
    found = with_hidden(files, hidden, lambda path: None, lambda path: HeadFile(path, "a\n"))
    assert sum(bool(file.hunks) for file in found) == 60
