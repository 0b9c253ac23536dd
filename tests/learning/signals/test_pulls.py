"""What became of a finding until the merge is told by the code alone."""

import pytest

from shared.learning.likeness import shape_of
from shared.learning.signals.pulls import Became, ToldFinding, became

LINE = "def total(items=[]):"


def told(suggestion: str = "") -> ToldFinding:
    return ToldFinding("f-1", "a.py", shape_of(LINE), 7, "run", "effect", suggestion)


@pytest.mark.parametrize(
    ("suggestion", "text", "expected"),
    [
        ("", f"{LINE}\n    return 1\n", "unchanged_before_merge"),
        ("", "def total(items=None):\n", "changed_before_merge"),
        ("def total(items=()):", "def  total( items=() ):\n", "committed"),
        ("def total(items=()):", "def total(items=None):\n", "changed_before_merge"),
        ("def total(items=()):", f"{LINE}\n", "unchanged_before_merge"),
        (f"# Shared.\n{LINE}", f"# Shared.\n{LINE}\n", "committed"),
        ("total", f"{LINE}\n", "unchanged_before_merge"),
        ("", None, ""),
    ],
)
def test_by_content_not_by_button(suggestion: str, text: str | None, expected: Became) -> None:
    assert became(told(suggestion), text) == expected
