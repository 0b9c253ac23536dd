"""Secrets, and characters that nobody sees, are found without a model."""

import pytest

from shared.actions.github.pulls.diff import file_diffs
from shared.reviewing.certain import found_without_model
from shared.reviewing.finding import Finding
from tests.reviewing.changes import row_of

_SECRET = "ghp_" + "aB3xY9kQ2w" * 3 + "Zt7RmP"


def found(after: str, before: str = "", path: str = "a.py") -> list[Finding]:
    [file] = file_diffs([row_of(path, before, after)])
    return [*found_without_model(file)]


def test_a_secret_is_told_once_without_repeating_it() -> None:
    [one] = found(f'a = 1\nTOKEN = "{_SECRET}"; AGAIN = "{_SECRET}"\n')
    assert (one.first, one.last, one.severity, one.category) == (2, 2, "critical", "security")
    assert _SECRET not in one.claim + one.evidence


@pytest.mark.parametrize(
    "after",
    [
        f"{_SECRET}",
        f"{_SECRET}\r\n",
        f"# 密钥 💶 {_SECRET}\n",
        f"{'x ' * 500_000}{_SECRET}\n",
    ],
    ids=["no end", "CRLF", "Chinese", "a line of 1 MB"],
)
def test_a_secret_is_found_wherever_it_stands(after: str) -> None:
    [one] = found(after)
    assert "secret" in one.claim
    assert not one.quote.endswith("\r")


@pytest.mark.parametrize(
    "hidden",
    [*"\u200b\u2060\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"],
    ids=lambda one: f"{ord(one):x}",
)
def test_each_character_that_nobody_sees_is_named(hidden: str) -> None:
    [one] = found(f"if admin:{hidden} pass\n")
    assert one.severity == "high" and hidden not in one.claim


@pytest.mark.parametrize(
    "after",
    [
        "\ufeffa = 1\n",  # the mark at the beginning of a file
        "名 = '👩\u200d👩\u200d👧'\n",  # joins emoji
        "نام = 'می\u200cخواهم'\n",  # Persian needs it
        "x = 1\u00a0\n",
        "",
        "x\n" * 2_000,
    ],
    ids=["BOM", "emoji", "Persian", "no-break space", "empty", "long"],
)
def test_what_scripts_need_is_fine(after: str) -> None:
    assert found(after) == []


@pytest.mark.parametrize("after", ["\u202ea = 1\n", "a = 1\n\ufeffb = 2\n", "\u2066"])
def test_the_first_character_of_a_line_counts_too(after: str) -> None:
    assert len(found(after)) == 1


def test_only_new_lines_count() -> None:
    before = f"a = '{_SECRET}'\nb = '\u202e'\n"
    assert found(f"{before}c = 1\n", before) == []
    assert found("c = 1\n", before) == []
