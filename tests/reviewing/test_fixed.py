"""A finding that nothing defines a name is mended by what a push defines, wherever that is."""

import pytest

from shared.actions.github.pulls.diff import FileDiff, hunks_of
from shared.learning.findings import KeptFinding, kept_as
from shared.reviewing.delta import fixed_by
from shared.reviewing.head import Head, HeadFile
from tests.learning.histories import PULL


def finding(claim: str, code: str, path: str) -> KeptFinding:
    return kept_as(PULL, path, 1, code, severity="high", category="bug", claim=claim)


def fixed(claim: str, code: str, path: str, in_path: str, line: str) -> str:
    """Return what mends a finding when a push adds a line to a file."""
    texts = {path: HeadFile(path, f"{code}\n")}
    head = Head(lambda: [*texts], texts.get)
    lines = line.split("\n")
    patch = "\n".join([f"@@ -0,0 +1,{len(lines)} @@", *(f"+{one}" for one in lines)])
    newer = [FileDiff(in_path, in_path, "modified", hunks_of(in_path, patch))]
    return fixed_by(finding(claim, code, path), head, newer)


CLAIM = "Nothing defines `total`, so this raises `NameError`."


@pytest.mark.parametrize(
    ("path", "code", "in_path", "line"),
    [
        ("a.py", "x = total(y)", "a.py", "def total(items):"),
        ("a.py", "x = total(y)", "a.py", "from b import price, total"),
        ("a.py", "x = total(y)", "a.py", "from b import (\n    price,\n    total,\n)"),
        ("a.py", "x = total(y)", "a.py", "total: Callable = sum"),
        ("a.py", "x = b.total(y)", "b.py", "def total(items):"),
        ("a.ts", "x = total(y);", "a.ts", "import { total } from './b';"),
        ("a.go", "x := total(y)", "b.go", "func total(y int) int {"),
        ("A.java", "x = total(y);", "A.java", "    private int total(int y) {"),
        ("a.rb", "x = total(y)", "b.rb", "def total(y)"),
    ],
)
def test_a_definition_mends_it(path: str, code: str, in_path: str, line: str) -> None:
    assert fixed(CLAIM, code, path, in_path, line) == "`total` is defined"


@pytest.mark.parametrize(
    ("claim", "path", "in_path", "line"),
    [
        (CLAIM, "a.py", "a.py", "y = total(3)"),
        (CLAIM, "a.py", "a.py", "def totals(items):"),
        (CLAIM, "a.py", "a.py", "if total == 3:"),
        (CLAIM, "a.py", "b.py", "def total(items):"),  # nobody imports it
        (CLAIM, "A.java", "A.java", "    return total(y) +"),
        ("`total` gets a string here.", "a.py", "a.py", "def total(items):"),
        ("Nothing defines `other`.", "a.py", "a.py", "def other():"),  # not of these lines
    ],
)
def test_another_line_does_not(claim: str, path: str, in_path: str, line: str) -> None:
    assert fixed(claim, "x = total(y)", path, in_path, line) == ""


def test_changed_lines_mend_anything() -> None:
    head = Head(lambda: ["a.py"], lambda path: HeadFile(path, "y = 1\n"))
    assert (
        fixed_by(finding("It is wrong.", "x = 1", "a.py"), head, []) == "These lines were changed"
    )
