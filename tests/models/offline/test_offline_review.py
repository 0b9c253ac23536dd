"""The offline model reviews modestly: it tells what a fixed rule sees, and nothing else."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.actions.github.pulls.diff import file_diffs
from shared.events import Json
from shared.models.offline.review import review
from shared.models.offline.review.parts import files_of
from shared.reviewing.fitting.packing import packed
from tests.campaigns import examples
from tests.reviewing.changes import changes, row_of


def parts_of(path: str, after: str, before: str = "") -> list[str]:
    return [part.text for part in packed(file_diffs([row_of(path, before, after)])).parts]


def found(path: str, after: str, before: str = "") -> list[Json]:
    rows: list[Json] = review(parts_of(path, after, before))["findings"]
    return rows


def told(path: str, after: str, before: str = "") -> list[int]:
    return [row["first"] for row in found(path, after, before)]


@pytest.mark.parametrize(
    ("path", "code", "lines"),
    [
        ("a.py", "x = 1\nif x == None:\n    pass\n", [2]),
        ("a.py", "x = 1\nif None != x:\n    pass\n", [2]),
        ("a.py", "x = 1\nif x is None or '== None':\n    pass\n", []),
        ("a.py", 'x = "a == None"\n', []),
        ("a.js", "if (x == None) {}\n", []),
        ("a.py", "try:\n    a = 1\nexcept:\n    a = 2\n", [3]),
        ("a.py", "try:\n    a = 1\nexcept:\n    a = 2\n    raise\n", []),
        ("a.py", "try:\n    a = 1\nexcept:\n    if a:\n        raise\n", [3]),  # not always
        ("a.py", "try:\n    a = 1\nexcept Exception:\n    a = 2\n", []),
        ("a.py", "def f(a=[]):\n    a.append(1)\n", [1]),
        ("a.py", "def f(a={}):\n    a['x'] = 1\n", [1]),
        ("a.py", "def f(*, a=set()):\n    a |= {1}\n", [1]),
        ("a.py", "def f(a=[]):\n    return a\n", [1]),  # given away
        ("a.py", "def f(a=[]):\n    f(a)\n", [1]),
        ("a.py", "def f(a=[]):\n    return [a]\n", [1]),
        ("a.py", "def f(a=[]):\n    print(*a)\n    g(*a)\n\n\ndef g(): ...\n", []),
        ("a.py", "def f(a=[]):\n    return len(a), [b for b in a], 1 in a\n", []),
        ("a.py", "def f(a={}, b=[]):\n    return a.get(1), b[0]\n", []),
        ("a.py", "def f(a=[]):\n    a = [*a, 1]\n    return sum(a)\n", []),
        ("a.py", "def f(a=None):\n    a = a or []\n    return a\n", []),
        ("a.py", "def f(a=()):\n    return a\n", []),
        ("a.py", "breakpoint()\n", [1]),
        ("a.py", "import pdb\npdb.set_trace()\n", [2]),
        ("a.py", "# breakpoint()\n", []),
        ("a.js", "debugger;\n", [1]),
        ("a.js", "console.log(x)\n", [1]),
        ("a.js", "logger.log(x)\n", []),
        ("a.md", "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> main\n", [1, 5]),
        ("a.rst", "Title\n=======\n", []),
        ("a.go", "// TODO later\n", [1]),
        ("a.go", "// TODO(#7) later, FIXME https://example.com/1\n", []),
        ("a.go", "// TODO SHOP-12 later\n", []),
        ("a.md", "<!-- TODO later -->\n", []),
        ("a.py", "def f(:\n", [1]),
        ("a.py", "x = y\n", [1]),
        ("a.py", "from a import *\nx = y\n", []),
        ("a.py", "for x in range(3):\n    print(x, __file__)\n", []),
        ("a.py", "match 3:\n    case [a, *b] | {'c': a, **b}:\n        print(a, b)\n", []),
        ("a.py", "print((y := 3), y, [z for z in [1]], lambda q: q)\n", []),
        ("a.py", "", []),
        ("größe/状態.py", "状態 = None\nif 状態 == None:\n    pass  # 💶\n", [2]),
    ],
    ids=range(41),
)
def test_it_tells_what_a_rule_sees(path: str, code: str, lines: list[int]) -> None:
    assert told(path, code) == lines


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ends_of_lines_do_not_matter(end: str) -> None:
    code = end.join(("x = 1", "if x == None:", "    pass", ""))
    [row] = found("a.py", code)
    assert (row["quote"], row["suggestion"]) == ("if x == None:", "if x is None:")


def test_only_new_lines_are_told() -> None:
    old = "x = 1\nif x == None:\n    pass\n"
    assert told("a.py", f"{old}y = 2\n", old) == []
    assert told("a.py", f"{old}if x == None:\n    pass\n", old) == [4]


def test_of_a_part_of_a_file_no_name_is_missed() -> None:
    """The name may stand in lines that are not shown."""
    old = "import os\n" * 30
    assert told("a.py", f"{old}print(name)\n", old) == []


def test_a_long_block_of_text_is_no_code() -> None:
    assert told("a.py", 'x = """\nTitle\n"""\n') == []


@pytest.mark.parametrize(
    "text",
    [
        "x = 1\n" * 20_000,
        "x" * 1_000_000,
        "(" * 50_000,
        "\0" * 100,
        "if x == None:\n" * 3_000,
        "\f\n",
    ],
    ids=["20,000 lines", "1 MB", "brackets", "NUL", "many findings", "form feed"],
)
def test_huge_and_odd_files_end(text: str) -> None:
    found = [review([part])["findings"] for part in parts_of("a.py", text)]
    assert all(len(rows) <= 20 for rows in found)
    assert all(row["path"] == "a.py" for rows in found for row in rows)


def test_what_is_shown_is_read_back_line_by_line() -> None:
    """The reader of parts and their writer are one pair."""
    chance = random.Random(7)
    for change in changes(chance, 30):
        [diff] = file_diffs([change.row])
        for part in packed([diff]).parts:
            [file] = files_of(part.text)
            lines = [line for hunk in diff.hunks for line in hunk.lines if line.new]
            assert file.path == diff.path
            assert file.lines == {line.new: line.text.removesuffix("\r") for line in lines}
            assert file.added == [line.new for line in lines if line.sign == "+"]


@given(st.text(max_size=300))
@examples(200)
def test_any_text_is_read(text: str) -> None:
    assert all(file.path for file in files_of(text))
    for row in review([f"=== a.py (added)\n@@\n     1 + {text}"])["findings"]:
        assert row["first"] == row["last"] >= 1
