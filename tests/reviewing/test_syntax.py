"""Whether a file still parses after a change, in SQL by the statements that the change touches."""

import sys

import pytest

from shared.reviewing.syntax import still_parses

SQL = "".join(f"select a{n}, 'x;y' from orders where id = {n};\n" for n in range(400))
ENDS_IN_TEXTS = SQL[:500].replace("x;y", "x;\ny").rpartition(";\nselect")[0] + ";\n"
FUNCTION = (
    "create function f() returns int as $$\nbegin\n  update a set b = 1;\n  return 1;\nend;\n$$"
    " language plpgsql;\n"
)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("old", "new", "parses"),
    [
        ("where id = 7;", "where id > 7;", True),
        ("where id = 7;", "where where id = 7;", False),
        ("where id = 7;", "where id = 7", False),  # the next statement follows without an end
        ("where id = 7;", "where id = 'seven;", False),
        ("where id = 7;", "where id in (7;", False),
        ("select a7, 'x;y' from", "select a7, 'x;\nz' from", True),
        ("select a0,", "select count(*) filter (where a0 > 0),", True),
        ("where id = 399;\n", "where id = 399", True),
        ("where id = 7;", "where id = 7; -- why;", True),
        ("where id = 7;", "where id = 7;\n" + FUNCTION, True),
        ("select a7,", "select top 3 [a7],", True),  # T-SQL
        ("select a7,", "select `a7`,", True),  # MySQL
        ("where id = 7;", "where id = 7;\ncreate tabel x (a int);", False),
        ("where id = 7;", "", False),
    ],
)
def test_only_what_is_touched_is_read(old: str, new: str, parses: bool, end: str) -> None:
    before, after = SQL.replace("\n", end), SQL.replace(old, new, 1).replace("\n", end)
    assert after != before
    assert still_parses("a.sql", before, after) is parses


def test_what_is_odd_elsewhere_hinders_nobody() -> None:
    odd = "SELEKT a FRM b WHERE;\n"
    before = f"{SQL}{odd}{SQL}"
    assert still_parses("a.sql", before, before.replace("id = 7;", "id = 8;", 1))
    assert not still_parses("a.sql", before, before.replace("id = 7;", "id = = 8;", 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [("  return 1;", "  return 2;"), ("update a set b = 1;", "update a set b = 2;"), ("x;", "z;")],
)
def test_a_line_within_a_statement_may_look_like_its_end(old: str, new: str) -> None:
    before = f"{ENDS_IN_TEXTS}{FUNCTION}{ENDS_IN_TEXTS}"
    assert old in before
    assert still_parses("a.sql", before, before.replace(old, new, 1))


@pytest.mark.parametrize(
    ("path", "before", "after", "parses"),
    [
        ("a.py", "x = 1\n", "x = (1\n", False),
        ("a.py", "x = (1\n", "y = (1\n", False),
        ("a.py", "x = (1\ny = )\n", "x = (1)\ny = 1\n", True),
        ("a.json", "{}", '{"a": 1,}', False),
        ("a.json", "{}", '{"a": NaN}', False),
        ("a.ts", "let a: number = 1\n", "let a: = 1\n", False),
        ("a.unknown", "(", "((", True),
        ("Makefile", "a", "b", True),
        ("a.rs", "fn f() { x() }\n", "fn f() { x( }\n", False),
        ("a.rb", "def f\n  x\nend\n", "def f\n  x(\nend\n", False),
        (
            "a.c",
            "MACRO(a, b)\nint f() { return 1; }\n",
            "MACRO(a, b)\nint f() { return 2; }\n",
            True,
        ),
        ("a.cs", "class A { int b; }\n", "class A { int b }\n", False),
        ("a.php", "<?php\nf();\n", "<?php\nf(;\n", False),
        ("a.kt", "fun f() { x() }\n", "fun f() { x( }\n", False),
        ("a.swift", "func f() { x() }\n", "func f() { x( }\n", False),
        ("a.cpp", "class A { int b(); };\n", "class A { int b(; };\n", False),
    ],
)
def test_other_files_are_read_whole(path: str, before: str, after: str, parses: bool) -> None:
    assert still_parses(path, before, after) is parses


@pytest.mark.parametrize("path", ["a.sql", "a.go", "a.kt", "a.yaml"])
def test_a_bundle_without_the_grammars_doubts_nothing(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shared.reviewing.parsers", None)
    assert still_parses(path, "a", "(")
