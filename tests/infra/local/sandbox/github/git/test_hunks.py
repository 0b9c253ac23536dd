"""Patches of the sandbox lead from one text to the other, and git takes them."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.sandbox.github.git.hunks import (
    NO_END,
    counted,
    hunks,
    is_binary,
    opcodes,
    patch,
)

_LINES = st.sampled_from(
    ["def f():\n", "  x\n", "\n", "\r\n", "é 🙂\r\n", "\t}\n", "--- a\n", "@@\n"]
)
_TEXTS = st.lists(_LINES, max_size=40).flatmap(
    lambda lines: st.sampled_from(["", "end", " "]).map(lambda end: "".join(lines) + end)
)


@given(old=_TEXTS, new=_TEXTS)
def test_a_patch_holds_what_it_says_and_leads_from_one_text_to_the_other(
    old: str, new: str
) -> None:
    found = hunks(old.encode(), new.encode())
    sides = {"-": (old, [line for hunk in found for line in hunk.lines if line.sign != "+"])}
    sides["+"] = (new, [line for hunk in found for line in hunk.lines if line.sign != "-"])
    for sign, (text, lines) in sides.items():
        for line in lines:
            assert _split(text)[(line.old if sign == "-" else line.new) - 1] == line.text
    changed = [code for code in opcodes(old.encode(), new.encode()) if code[0] != "equal"]
    assert counted(found) == (
        sum(code[4] - code[3] for code in changed),
        sum(code[2] - code[1] for code in changed),
    )
    assert bool(found) == (old != new)
    kept = []
    for tag, start, end, first, last in opcodes(old.encode(), new.encode()):
        kept += _split(old)[start:end] if tag == "equal" else _split(new)[first:last]
    assert "".join(kept) == new


def _split(text: str) -> list[str]:
    lines = text.split("\n")
    return [line + "\n" for line in lines[:-1]] + lines[-1:] * bool(lines[-1])


_CASES = {
    "a change": ("a\nb\nc\n", "a\nB\nc\n"),
    "no newline before": ("a\nb", "a\nb\n"),
    "no newline after": ("a\nb\n", "a\nb"),
    "no newline in either": ("a\nb\nc", "A\nb\nc"),
    "carriage returns": ("a\r\nb\r\n", "a\r\nb\r\nc\r\n"),
    "all comes": ("", "a\nb\n"),
    "all goes": ("a\nb\n", ""),
    "two hunks": ("\n".join(map(str, range(40))), "\n".join(map(str, [9, *range(39), 7]))),
    "seven lines between": ("x\n1\n2\n3\n4\n5\n6\n7\ny\n", "X\n1\n2\n3\n4\n5\n6\n7\nY\n"),
    "six lines between": ("x\n1\n2\n3\n4\n5\n6\ny\n", "X\n1\n2\n3\n4\n5\n6\nY\n"),
    "below a function": ("def f():\n" + " a\n" * 9, "def f():\n" + " a\n" * 9 + " b\n"),
    "signs of patches": ("--- a\n+++ b\n@@ -1 +1 @@\n", "--- a\n+++ c\n@@ -1 +1 @@\n"),
}


@pytest.mark.parametrize("case", _CASES)
def test_git_takes_each_patch_and_writes_the_same_numbers(case: str, tmp_path: Path) -> None:
    git = shutil.which("git")
    if git is None:
        pytest.skip("git is not installed")
    old, new = (text.encode() for text in _CASES[case])
    for name, content in (("old", old), ("new", new), ("file", old)):
        (tmp_path / name).write_bytes(content)
    whole = f"--- a/file\n+++ b/file\n{patch(hunks(old, new))}\n".encode()
    apply = [git, "apply", "--whitespace=nowarn", "-"]
    subprocess.run(apply, input=whole, cwd=tmp_path, check=True)
    there = tmp_path / "file"
    assert (there.read_bytes() if there.exists() else b"") == new
    command = [git, "diff", "--no-index", "--no-color", "old", "new"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout.decode()
    theirs = [line for line in said.split("\n") if line.startswith("@@ ")]
    ours = [hunk.header for hunk in hunks(old, new)]
    assert ours == theirs[: len(ours)]
    assert said.count(NO_END) == patch(hunks(old, new)).count(NO_END)


def test_what_git_calls_binary() -> None:
    assert is_binary(b"\x89PNG\0")
    assert not is_binary(b"a" * 8000 + b"\0")
    assert not is_binary("é".encode("latin-1"))
