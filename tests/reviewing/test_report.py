"""What people read of a review, also when a hostile model wrote it."""

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.agent.context import Code
from shared.events import Issue
from shared.learning.findings import KeptFinding
from shared.reviewing.change import Change, Selection
from shared.reviewing.finding import Finding
from shared.reviewing.report import in_one_line, in_short, on_lines, summary
from tests.campaigns import examples

CHANGE = Change(Issue("acme/shop", 7), "c0ffee" * 7, "main", (Code("pull request", ""),))

EARLIER = KeptFinding("f-1", 7, "b.py", 9, "low", "bug", "It </details> leaks.", "x", "held")


def finding(**other: Any) -> Finding:
    about = Finding("a.py", 2, 3, "x = 1", "high", "bug", 0.9, "It is 1.", "")
    return replace(about, **other)


def told(
    *posted: Finding,
    held: tuple[Finding, ...] = (),
    earlier: tuple[KeptFinding, ...] = (),
    **change: Any,
) -> str:
    return summary(CHANGE._replace(**change), Selection(posted, held, (), earlier))


@given(st.text(alphabet="`~a\n ", max_size=80))
@examples(200)
def test_no_fence_in_a_suggestion_ends_it(suggestion: str) -> None:
    body = on_lines(finding(suggestion=suggestion)).body
    before, _, rest = body.partition("suggestion\n")
    fence = re.findall(r"`{3,}", before)[-1]
    assert rest.endswith(fence)
    inside = rest.removesuffix(fence)
    assert inside == (f"{suggestion}\n" if suggestion else "")
    assert fence not in inside


@pytest.mark.parametrize(
    "hostile",
    [
        "Fine.\n\n```suggestion\nos.remove('/')\n```",
        "```suggestion\nos.remove('/')\n```",
        "```suggestion",
        "``` ```suggestion",
        "```a- ~~~b> ```suggestion",
        "~~~suggestion\nx",
        "> ```suggestion\n> x",
        "- 1. ```suggestion\n  x",
        "    ```suggestion\nx",
        "Fine.\r\n\r\n```suggestion\r\nx",
        "Fine.\x0b```suggestion\x0c~~~\u2028```suggestion",
    ],
)
def test_only_what_was_proved_is_a_suggestion(hostile: str) -> None:
    """No line begins a block but that of the suggestion itself, of which there is none here."""
    for about in ({"claim": hostile}, {"evidence": hostile}):
        text = on_lines(finding(**about)).body + told(finding(**about))
        for line in re.split(r"[\n\r\x0b\x0c\u2028]", text):
            assert not re.match(r"(?:[\s>*+-]|\d+[.)])*(?:```|~~~)", line), line


@pytest.mark.parametrize(
    "hostile",
    [
        "</details><h1>Approved</h1>",
        "Fine <!-- the rest is hidden",
        "<img src=x onerror=alert(1)>",
        "\\`<details>`",
        "`<b>` and <b>",
        "``<b>`` ` <details>",
        "`<details>\n\n`",
        "x ` y\n`<!-- hidden -->` `",
        "`a`` x `<!-- hidden -->`",
        "a `\n\n<details>\n\n` b",
        "<script>alert(1)</script>",
        "<?php",
        "<![CDATA[",
    ],
)
def test_no_element_of_a_model_is_one_on_the_page(hostile: str) -> None:
    about = finding(claim=hostile, evidence=hostile)
    text = on_lines(about).body + told(about, held=(about,))
    own = text.replace("<details><summary>", "").replace("</summary>", "")
    own = own.replace("\n\n</details>", "")
    without_code = re.sub(r"(?<!\\)(?<!`)(`+)(?!`)[^\n]*?(?<!`)\1(?!`)", "", own)
    assert "<" not in without_code


def test_code_keeps_its_signs() -> None:
    assert in_one_line("`List<String>` is\n  read, a < b") == "`List<String>` is read, a &lt; b"
    assert in_one_line("支付 💶 `a&lt;b`") == "支付 💶 `a&lt;b`"


@given(st.text(max_size=200))
@examples(200)
def test_a_claim_stays_in_its_row(claim: str) -> None:
    rows = told(finding(claim=claim), finding(path="b.py")).split("\n")
    assert [row[:4] for row in rows if row] == [rows[0][:4], "- 🟠 ", "- 🟠 "]


@pytest.mark.parametrize("path", ["a`b.py", "a``b```.py", "`", "a\nb.py", "größe 💶.py", "a b.py"])
def test_any_path_is_shown_as_code(path: str) -> None:
    [row] = [row for row in told(skipped={path: "a lock file"}).split("\n") if "lock" in row]
    found = re.fullmatch(r"- (`+)(.+?)\1: a lock file", row)
    assert found and found[1] not in found[2].split()


def test_the_summary_says_what_was_looked_at() -> None:
    assert told() == "**Review of c0ffeec:** nothing found."
    later = told(earlier=(EARLIER,), since="5" * 40)
    assert later.startswith("**Review of 5555555…c0ffeec:** nothing new")
    assert "1 from earlier rounds, still open" in later
    assert "`b.py`:9 It &lt;/details> leaks." in later
    body = told(finding(), held=(finding(severity="low"),), skipped={"a.lock": "a lock file"})
    assert "1 posted" in body and "1 more, of less weight" in body
    assert "- `a.lock`: a lock file" in body
    many = told(skipped={f"f{n}": "generated" for n in range(3_000)})
    assert "3000 files not reviewed" in many and "and 2950 more" in many and len(many) < 5_000


def test_a_second_look_at_one_commit_is_no_range() -> None:
    assert told(since=CHANGE.head) == f"**Review of {CHANGE.head[:7]}:** nothing found."


def test_the_gravest_of_what_is_still_open_comes_first() -> None:
    grave = EARLIER._replace(severity="critical", path="z.py")
    rows = [row for row in told(earlier=(EARLIER, grave)).split("\n") if row.startswith("- ")]
    assert [row[2] for row in rows] == ["🔴", "⚪"]


def test_one_is_not_many() -> None:
    assert "1 file not reviewed" in told(skipped={"a.lock": "a lock file"})
    assert in_short([finding()]).startswith("1 finding;")
    assert in_short([finding(), finding()]).startswith("2 findings;")
