"""Nothing of a change gets lost on the way into calls, and no call is larger than its room."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions.github.pulls.diff import DiffLine, FileDiff, Hunk, file_diffs
from shared.agent.context import Code
from shared.models.tokens import tokens
from shared.models.windows import ModelWindow
from shared.reviewing.fitting.packing import CALLS, Packed, packed, size_of
from shared.reviewing.fitting.room import MOST, Room, room_in, within
from tests.campaigns import examples
from tests.reviewing.changes import row_of

_WHOLE_LINE = re.compile(r"^ *(\d+) \+ (.*)$", re.MULTILINE)


def added(path: str, text: str) -> FileDiff:
    return file_diffs([row_of(path, "", text)])[0]


def shown(found: Packed) -> list[tuple[str, int]]:
    """Return the new lines that the parts show, with their files."""
    lines = []
    for part in found.parts:
        path = ""
        for line in part.text.split("\n"):
            if start := re.match(r"=== (.+) \([a-z]+(?:, before .*)?\)$", line):
                path = start[1]
            elif number := re.match(r" *(\d+) \+ ", line):
                lines.append((path, int(number[1])))
    return lines


def new_lines(files: list[FileDiff]) -> list[tuple[str, int]]:
    return [
        (file.path, line.new or 0) for file in files for hunk in file.hunks for line in hunk.added
    ]


_TEXTS = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=60)
_PATHS = st.sampled_from(["a", "b", "src/c", "tests/test_d", "größe/状", "x y"])
_ENDINGS = st.sampled_from([".py", ".md", ".json", ".go", ""])


@st.composite
def files_of(draw: st.DrawFn) -> list[FileDiff]:
    paths = draw(st.lists(st.tuples(_PATHS, _ENDINGS), unique=True, max_size=6))
    return [_file(draw, f"{path}{ending}") for path, ending in paths]


def _file(draw: st.DrawFn, path: str) -> FileDiff:
    hunks, number = [], 1
    for size in draw(st.lists(st.integers(1, 30), max_size=4)):
        lines = []
        for text in draw(st.lists(_TEXTS, min_size=size, max_size=size)):
            sign = draw(st.sampled_from("++- "))
            lines.append(
                DiffLine(None if sign == "+" else number, None if sign == "-" else number, text)
            )
            number += 1
        hunks.append(Hunk(draw(_TEXTS), tuple(lines)))
        number += 10
    old = draw(st.sampled_from([path, f"old/{path}"]))
    return FileDiff(path, old, "renamed" if old != path else "modified", tuple(hunks))


@given(files_of(), st.integers(300, 1_500), st.integers(1, 6))
@examples(300)
def test_each_line_stands_in_one_part_or_its_file_is_named(
    files: list[FileDiff], room: int, calls: int
) -> None:
    found = packed(files, room, calls)
    assert len(found.parts) <= calls
    assert all(size_of(part.text) <= room for part in found.parts)
    lines = shown(found)
    assert len(lines) == len(set(lines))
    assert set(lines) <= set(new_lines(files))
    lost = {path for path, _ in set(new_lines(files)) - set(lines)}
    assert lost <= set(found.left_out)
    assert set(found.left_out) <= {file.path for file in files}


@given(files_of())
@examples(100)
def test_the_same_change_is_packed_the_same_whatever_its_order(files: list[FileDiff]) -> None:
    assert packed(files) == packed(files[::-1])


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"x{n} = {n}\n" for n in range(20_000)),
        "x" * 1_000_000,
        "支付 💶 = '状態'\r\n" * 5_000,
        "\n" * 3_000,
        "\f\v\x1c\u2028 = 1\n" * 50,
    ],
    ids=["20,000 lines", "a line of 1 MB", "Chinese, CRLF", "empty lines", "other ends of lines"],
)
def test_huge_files_are_cut_into_calls(text: str) -> None:
    found = packed([added("a.py", text)])
    assert 1 <= len(found.parts) <= CALLS
    assert all(size_of(part.text) <= MOST for part in found.parts)
    whole = len(shown(found)) == len(new_lines([added("a.py", text)]))
    assert whole or [*found.left_out] == ["a.py"]


def test_3_000_files_end_at_the_calls_and_the_rest_is_named() -> None:
    files = [added(f"f{n}.py", f"x = {n}\n" * 20) for n in range(3_000)]
    found = packed(files)
    assert len(found.parts) == CALLS
    assert {path for path, _ in shown(found)} | {*found.left_out} == {file.path for file in files}


def test_what_matters_comes_first() -> None:
    paths = ("README.md", "conf.yaml", "tests/test_a.py", "small.py", "large.py")
    files = [added(path, "x = 1\n" * (9 if path == "large.py" else 3)) for path in paths]
    [part] = packed(files).parts
    order = re.findall(r"^=== (\S+)", part.text, re.MULTILINE)
    assert order == ["large.py", "small.py", "tests/test_a.py", "conf.yaml", "README.md"]


def test_long_deletions_are_shortened_and_renames_named() -> None:
    before = "".join(f"old{n} = {n}\n" for n in range(40))
    [file] = file_diffs([row_of("b.py", before, "new = 1\n", "a.py")])
    [part] = packed([file]).parts
    assert part.text.startswith("=== b.py (renamed, before a.py)")
    assert "old2 = 2" in part.text and "old3 = 3" not in part.text
    assert "… 37 more deleted lines" in part.text


def test_a_line_that_looks_like_the_head_of_a_file_stays_one_of_code() -> None:
    [part] = packed([added("a.md", "=== b.py (added)\n@@ x\n")]).parts
    assert _WHOLE_LINE.findall(part.text) == [("1", "=== b.py (added)"), ("2", "@@ x")]


def test_a_path_that_is_longer_than_the_room_is_named() -> None:
    found = packed([added(f"{'a/' * 500}b.py", "x = 1\n")], room=300)
    assert all(size_of(part.text) <= 300 for part in found.parts)


def test_nothing_makes_no_call() -> None:
    assert packed([]) == Packed((), {})


def test_numbers_rise_within_a_file() -> None:
    text = "".join(f"x{n} = {n}\n" for n in range(5_000))
    numbers = [number for _, number in shown(packed([added("a.py", text)]))]
    assert all(one < next_ for one, next_ in pairwise(numbers))


@pytest.mark.parametrize(
    ("window", "room"),
    [
        (ModelWindow(1_000_000, 128_000), Room(6_000, 1_000, 12_000, 4_096, 3)),
        (ModelWindow(128_000, 2_000), Room(6_000, 1_000, 12_000, 2_000, 3)),
        (ModelWindow(16_384, 16_384), Room(6_000, 1_000, 2_048, 4_096, 1)),
        (ModelWindow(8_192, 8_192), Room(2_496, 512, 1_024, 2_048, 1)),
        (ModelWindow(4_096, 4_096), Room(600, 256, 512, 1_024, 1)),
        (ModelWindow(2_048, 1), Room(600, 128, 256, 1, 1)),
    ],
)
def test_the_room_follows_from_the_window(window: ModelWindow, room: Room) -> None:
    assert room_in(window) == room


@pytest.mark.parametrize(
    "text",
    ["支付状態" * 20, "{[(<>)]}" * 20, "💶" * 80, "a b " * 20],
    ids=["Chinese", "signs", "emoji", "letters"],
)
def test_dense_text_fills_a_call_by_its_tokens(text: str) -> None:
    file = added("a.txt", f"{text}\n" * 400)
    small, large = packed([file], 1_000, 100), packed([file], 4_000, 100)
    assert len(small.parts) > 2 * len(large.parts)
    assert all(tokens(part.text) <= 1_000 for part in small.parts)
    assert not small.left_out


def test_a_background_is_cut_to_its_room_and_the_first_comes_first() -> None:
    found = [Code("a", "word " * 100), Code("b", "word " * 1_000), Code("c", "x"), "d"]
    one, two = within(400, found)
    assert one == found[0]
    assert isinstance(two, Code) and tokens(two.text) <= 300 and "cut" in two.text
    assert [*within(2_000, found)] == found
