"""Hunks are shown with the code around them, and nothing of a change is lost or read twice."""

import random
import re
from collections.abc import Iterator, Sequence

import pytest

from shared.actions.github.pulls.diff import FileDiff, file_diffs
from shared.reviewing.fitting.outline import outlined
from shared.reviewing.fitting.packing import packed, size_of
from shared.reviewing.fitting.surroundings import (
    Surrounded,
    needed_texts,
    surrounded,
    with_surroundings,
)
from shared.reviewing.head import HeadFile
from tests.campaigns import size
from tests.reviewing.changes import changes, row_of

FILL = 30


def python() -> str:
    def body(name: str) -> str:
        return "".join(f"        {name}{n} = {n}\n" for n in range(FILL))

    return (
        "import a\n\n\nclass Cart:\n    kind = 1\n\n"
        f"    @cached\n    def total(\n        self, of\n    ):\n{body('t')}\n"
        f"    def other(self):\n{body('o')}\n\ndef free():\n    pass\n"
    )


def around(path: str, before: str, after: str) -> Surrounded:
    [file] = file_diffs([row_of(path, before, after)])
    return surrounded(file, HeadFile(path, after))


def shown(file: FileDiff) -> str:
    [part] = packed([file]).parts
    return part.text


def lines_of(file: FileDiff) -> list[int]:
    return [line.new for hunk in file.hunks for line in hunk.lines if line.new]


def test_a_small_function_is_shown_whole_below_the_head_of_its_class() -> None:
    after = python()
    found = around("a.py", after.replace("t9 = 9", "t9 = 0"), after)
    text = shown(found.file)
    assert found.touches == ("Cart", "Cart.total")
    assert "     4   class Cart:\n@@" in text
    assert "     8       def total(" in text and "        t29 = 29" in text
    assert "o0 = 0" not in text and "import a" not in text


@pytest.mark.parametrize(
    ("path", "text", "change", "wanted", "names"),
    [
        (
            "a.ts",
            "class Cart {{\n  a = 1;\n{0}  total(of: number) {{\n    let x = 1;\n{1}  }}\n}}\n",
            "let x = 1", ("class Cart {", "total(of: number) {", "b0()"), ("Cart", "Cart.total"),
        ),
        (
            "a.jsx", "const f = (a) => {{\n  let x = 1;\n{1}}};\n{0}", "let x = 1",
            ("const f = (a) => {", "b0()", "};"), ("f",),
        ),
        (
            "a.go", "package a\n{0}\nfunc (c *Cart) Total() int {{\n  x = 1\n{1}}}\n", "x = 1",
            ("func (c *Cart) Total() int {", "b0()"), ("Total",),
        ),
        (
            "A.java", "class A {{\n{0}\n  int total()\n  {{\n    x = 1;\n{1}  }}\n}}\n", "x = 1;",
            ("class A {", "int total()", "b0()"), ("A", "A.total"),
        ),
        (
            "a.yaml", "jobs:\n  # {0}\n  test:\n    steps:\n{2}\n    x: 1\n", "x: 1",
            ("jobs:", "test:"), ("jobs", "jobs.test", "jobs.test.x"),
        ),
        (
            "a.json", '{{\n "a": 1,\n "jobs": {{\n{3}\n  "x": {{\n   "y": 1\n  }}\n }}\n}}\n',
            '"y": 1',
            ('"jobs": {', '"x": {'), ('"jobs"', '"jobs"."x"'),
        ),
        (
            "a.rs", "impl Cart {{\n{0}  fn total(&self) {{\n    let x = 1;\n{1}  }}\n}}\n",
            "let x = 1", ("impl Cart {", "fn total(&self) {", "b0()"), ("Cart", "Cart.total"),
        ),
        (
            "a.c", "{0}int total(int a)\n{{\n    x = 1;\n{1}}}\n", "x = 1;",
            ("int total(int a)", "b0()"), ("total",),
        ),
        (
            "a.cpp", "class Cart {{\n{0}  int total() {{\n    x = 1;\n{1}  }}\n}};\n", "x = 1;",
            ("class Cart {", "int total() {", "b0()"), ("Cart", "Cart.total"),
        ),
        (
            "a.cs", "class Cart\n{{\n{0}  int Total()\n  {{\n    x = 1;\n{1}  }}\n}}\n", "x = 1;",
            ("class Cart", "int Total()", "b0()"), ("Cart", "Cart.Total"),
        ),
        (
            "a.kt", "class Cart {{\n{0}  fun total() {{\n    x = 1;\n{1}  }}\n}}\n", "x = 1;",
            ("class Cart {", "fun total() {", "b0()"), ("Cart", "Cart.total"),
        ),
        (
            "a.php", "<?php\nclass Cart {{\n{0}  function total() {{\n    $x = 1;\n{1}  }}\n}}\n",
            "x = 1;", ("class Cart {", "function total() {", "b0()"), ("Cart", "Cart.total"),
        ),
        (
            "a.swift", "class Cart {{\n{0}  func total() {{\n    x = 1;\n{1}  }}\n}}\n", "x = 1;",
            ("class Cart {", "func total() {", "b0()"), ("Cart", "Cart.total"),
        ),
        (
            "a.rb", "class Cart\n{4}  def total\n    x = 1;\n{1}  end\nend\n", "x = 1;",
            ("class Cart", "def total", "b0()"), ("Cart", "Cart.total"),
        ),
    ],
    ids=lambda one: one if isinstance(one, str) and len(one) < 9 else "",
)  # fmt: skip
def test_each_language_shows_what_a_change_is_in(
    path: str, text: str, change: str, wanted: Sequence[str], names: tuple[str, ...]
) -> None:
    far = "// far\n" * FILL if path[0] == "a" and path[-1] in "sxo" else "/* far */\n" * FILL
    if path.endswith("yaml"):
        far = "far"
    calls = "".join(f"    b{n}();\n" for n in range(20))
    steps = "\n".join(f"      - b{n}" for n in range(FILL))
    pairs = "\n".join(f'  "p{n}": 1,' for n in range(FILL))
    after = text.format(far, calls, steps, pairs, "# far\n" * FILL)
    found = around(path, after.replace(change, change.replace("1", "2")), after)
    written = shown(found.file)
    assert all(one in written for one in wanted), written
    assert set(found.touches) & set(names)
    assert written.count("far") < 5


def test_without_a_grammar_some_lines_before_and_after_are_shown() -> None:
    after = "".join(f"line {n}\n" for n in range(1, 101))
    found = around("a.zig", after.replace("line 50\n", "line fifty\n"), after)
    assert lines_of(found.file) == [*range(42, 59)]


def test_of_a_long_function_the_head_and_what_is_near_is_shown() -> None:
    after = "def f(\n    a,\n):\n" + "".join(f"    x{n} = {n}\n" for n in range(200)) + "y = 1\n"
    found = around("a.py", after.replace("x100 = 100", "x100 = 1"), after)
    assert lines_of(found.file) == [1, 2, 3, *range(96, 113)]
    assert found.touches == ("f",)


def test_hunks_that_meet_become_one_and_the_numbers_rise() -> None:
    after = python()
    before = after.replace("t2 = 2\n", "t2 = 0\n").replace("t25 = 25", "t25 = 0")
    [file] = file_diffs([row_of("a.py", before, after)])
    assert len(file.hunks) == 2
    found = around("a.py", before, after).file
    assert [len(hunk.lines) > 1 for hunk in found.hunks] == [False, True]
    assert lines_of(found) == sorted({*lines_of(found)})


@pytest.mark.parametrize("text", [None, "", "other\n" * 99, "x = 1\r\n" * 99])
def test_a_text_that_is_another_changes_nothing(text: str | None) -> None:
    [file] = file_diffs([row_of("a.py", "x = 1\n" * 40, "x = 1\n" * 20 + "x = 2\n" * 20)])
    head = None if text is None else HeadFile("a.py", text)
    assert surrounded(file, head).file == file


def test_what_was_deleted_is_shown_in_its_place() -> None:
    after = python()
    before = after.replace("        t9 = 9\n", "        t9 = 9\n        gone = 1\n" * 9)
    written = shown(around("a.py", before, after).file)
    assert written.index("t8 = 8") < written.index("more deleted lines") < written.index("t10 = 10")
    assert "def total(" in written


def test_nothing_of_a_change_is_lost_or_moved() -> None:
    for change in changes(random.Random(7), size(1_500, 80)):
        [file] = file_diffs([change.row])
        found = surrounded(file, HeadFile(file.path, change.text)).file
        wide = {line.new: line.text for hunk in found.hunks for line in hunk.lines if line.new}
        head = HeadFile(file.path, change.text).lines
        assert all(head[number - 1] == text for number, text in wide.items())
        for sign in "+-":
            assert [*_signed(found, sign)] == [*_signed(file, sign)]
        assert lines_of(found) == sorted(wide)


def _signed(file: FileDiff, sign: str) -> Iterator[tuple[int | None, str]]:
    for hunk in file.hunks:
        yield from ((line.old or line.new, line.text) for line in hunk.lines if line.sign == sign)


def test_each_file_is_read_once_and_only_so_many_are() -> None:
    read: list[str] = []

    def text(path: str) -> HeadFile:
        read.append(path)
        return HeadFile(path, "a = 1\nb = 2\n")

    changed = file_diffs(
        [row_of(f"a{n}.py", "a = 1\nb = 1\n", "a = 1\nb = 2\n") for n in range(200)]
    )
    new = file_diffs([row_of("new.py", "", "a = 1\n")])
    files = [*changed, *new]
    found = with_surroundings(files, needed_texts(files), text)
    assert {one.file.path for one in found} == {*(file.path for file in changed), "new.py"}
    assert len(read) == len({*read}) and 40 < len(read) < 100 and "new.py" not in read


def test_the_outline_names_files_kinds_and_functions() -> None:
    after = python()
    code = around("shop/a.py", after.replace("t9 = 9", "t9 = 0"), after)
    test = around("tests/test_a.py", "", "def test_it():\n    pass\n")
    text = outlined([test, code], 1_000).text
    assert text.split("\n") == [
        "2 files",
        "shop/a.py (modified, code, +1 -1): Cart, Cart.total",
        "tests/test_a.py (added, tests, +2 -0): test_it",
    ]


def test_the_outline_of_a_large_change_is_short() -> None:
    files = [around(f"a{n}.py", "", "a = 1\n") for n in range(3_000)]
    text = outlined(files, 400).text
    assert size_of(text) <= 400
    named = text.count("(added")
    assert re.search(rf"and {3_000 - named} more$", text) and named > 10
