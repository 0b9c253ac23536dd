"""No finding passes that a program can show to be false."""

import json
import random
import re
import unicodedata
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from shared.actions.github.pulls.diff import file_diffs
from shared.events import Json
from shared.reviewing.finding import Finding
from shared.reviewing.head import Head, HeadFile
from shared.reviewing.proof import Fault, Proof
from tests.campaigns import size
from tests.reviewing.changes import Change, changes, proof_of, row_of

BEFORE = "def pay(cart):\n    return cart.total\n"
AFTER = "def pay(cart):\n    if cart == None:\n        return 0\n    return cart.total\n"


def proof(after: str = AFTER, before: str = BEFORE, path: str = "src/pay.py") -> Proof:
    return proof_of([Change(row_of(path, before, after), after)])


def finding(**other: Any) -> Finding:
    return replace(
        Finding(
            path="src/pay.py",
            first=2,
            last=2,
            quote="    if cart == None:",
            severity="low",
            category="bug",
            confidence=0.9,
            claim="`cart` is compared with `None` by equality.",
            evidence="`pay` may get an object with its own `__eq__`.",
            suggestion="    if cart is None:",
        ),
        **other,
    )


def faults(found: Finding | list[Fault]) -> set[str]:
    return {fault.check for fault in found} if isinstance(found, list) else set()


def test_a_true_finding_passes_as_it_is() -> None:
    true = finding(evidence="`pay` may get None.")
    assert proof().prove(true) == true


@pytest.mark.parametrize(
    ("wrong", "checks"),
    [
        ({"path": "src/other.py"}, {"file"}),
        ({"quote": "    if cart is None:"}, {"quote"}),
        ({"quote": "   if cart == None:"}, {"quote"}),
        ({"quote": "\tif cart == None:"}, {"quote"}),
        ({"quote": "", "suggestion": None}, {"quote"}),
        ({"first": 3, "last": 2, "quote": "pay"}, {"quote", "anchor"}),
        ({"first": 90, "last": 91, "quote": "x"}, {"quote", "anchor"}),
        ({"claim": "`checkout_total` is wrong."}, {"symbol"}),
        ({"claim": "The method getTotal is wrong."}, {"symbol"}),
        ({"claim": "charge() is called twice."}, {"symbol"}),
        ({"claim": "cart.discount is read."}, {"symbol"}),
        ({"claim": "PaymentGateway is created here."}, {"symbol"}),
        ({"evidence": "See src/checkout.py."}, {"file"}),
        ({"evidence": "See `lib/tax/rates`."}, {"file"}),
        ({"suggestion": "    if cart == None:"}, {"suggestion"}),
        ({"suggestion": "    if cart == None:   "}, {"suggestion"}),
        ({"suggestion": "    if cart is None"}, {"suggestion"}),
        ({"suggestion": "if cart is None:"}, {"suggestion"}),
        ({"suggestion": ""}, {"suggestion"}),
        ({"suggestion": "    if cart is\u202e None:"}, {"suggestion"}),
        ({"suggestion": "\n".join(["    pass"] * 40)}, {"suggestion"}),
        ({"suggestion": "    if cart is None:\r        pass"}, {"suggestion"}),
        ({"suggestion": "    if cart is None:  # \x1b[31m"}, {"suggestion"}),
        ({"suggestion": "    if cart is None:  # \u2028"}, {"suggestion"}),
        ({"suggestion": "\n    if cart == None:\n\n"}, {"suggestion"}),
        ({"suggestion": "    if cart  ==  None:"}, {"suggestion"}),
        ({"claim": "`cart\u200btotal` is wrong."}, {"symbol"}),
        ({"claim": "`cart\u200dtotal` is wrong."}, {"symbol"}),
        ({"claim": " "}, {"claim"}),
        ({"claim": "\u200b"}, {"claim"}),
    ],
)
def test_each_false_part_is_named(wrong: dict[str, Any], checks: set[str]) -> None:
    given = {"evidence": "It is so."} | wrong
    found = proof().prove(finding(**given))
    assert faults(found) == checks


def test_a_quote_that_stands_once_elsewhere_in_the_diff_gives_the_lines() -> None:
    found = proof().prove(finding(first=1, last=1, evidence=""))
    assert isinstance(found, Finding) and (found.first, found.last) == (2, 2)


def test_a_quote_that_stands_twice_does_not() -> None:
    twice = "x = 1\ny = 2\nx = 1\n"
    found = proof(twice, "z = 1\n").prove(
        finding(first=2, last=2, quote="x = 1", suggestion=None, claim="It is set.", evidence="")
    )
    assert faults(found) == {"quote"}


def test_lines_outside_of_the_diff_are_no_anchor() -> None:
    after = "".join(f"line{number} = {number}\n" for number in range(40))
    before = after.replace("line20 = 20\n", "")
    about: Json = {
        "claim": "It is set.",
        "evidence": "",
        "suggestion": None,
        "quote": "line2 = 2",
    }
    assert faults(proof(after, before).prove(finding(first=3, last=3, **about))) == {"anchor"}


def test_a_comment_spans_no_two_hunks() -> None:
    after = "".join(f"line{number} = {number}\n" for number in range(20))
    before = after.replace("line2 = 2\n", "").replace("line12 = 12\n", "")
    quote = "\n".join(f"line{number} = {number}" for number in range(2, 13))
    about: Json = {
        "claim": "They are set.",
        "evidence": "",
        "suggestion": None,
        "quote": quote,
    }
    assert faults(proof(after, before).prove(finding(first=3, last=13, **about))) == {"anchor"}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "end"])
def test_ends_of_lines_stay_as_the_file_has_them(end: str, last: str) -> None:
    after = end.join(("a = 1", "b = 2", "c = 3")) + (end if last else "")
    file = HeadFile("a.py", after)
    changed = file.with_lines(3, 3, "c = 4\nd = 5")
    assert changed == end.join(("a = 1", "b = 2", "c = 4", "d = 5")) + (end if last else "")
    assert file.with_lines(1, 1, "") == end.join(("b = 2", "c = 3")) + (end if last else "")
    found = proof(after, "b = 2\n").prove(
        finding(first=3, last=3, quote="c = 3\r\n", claim="It is 3.", evidence="",
                suggestion="c = 4\r\n")
    )  # fmt: skip
    assert isinstance(found, Finding) and (found.quote, found.suggestion) == ("c = 3", "c = 4")


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        ("a.py", "x = (2)", "x = (2"),
        ("a.js", "let x = {};", "let x = {;"),
        ("a.ts", "let x: number = 2;", "let x: = 2;"),
        ("a.tsx", "const x = <a>b</a>;", "const x = <a>b</b;"),
        ("a.json", '{"x": 2}', '{"x": 2,}'),
        ("a.yaml", "x: [2]", "x: [2"),
        ("a.sql", "select a from b where c = 2;", "select a from where c = 2;"),
        ("a.go", "package b", "package {"),
        ("A.java", "class B { }", "class { B"),
    ],
)
def test_a_suggestion_must_parse_in_the_language_of_the_file(
    path: str, good: str, bad: str
) -> None:
    start = {"a.json": "{}", "a.go": "package a", "A.java": "class A { }", "a.yaml": "x: 1",
             "a.sql": "select a from b;"}.get(path, "x")  # fmt: skip
    prove = partial(_proved_suggestion, path, start)
    assert prove(good) == set()
    assert prove(bad) == {"suggestion"}
    # A file that was broken may be mended, and not be broken further.
    assert _proved_suggestion(path, bad, good) == set()
    assert _proved_suggestion(path, bad, f"{bad} {bad}") == {"suggestion"}


def _proved_suggestion(path: str, line: str, suggestion: str) -> set[str]:
    made = proof(f"{line}\n", "", path)
    about: Json = {"claim": "It is so.", "evidence": "", "suggestion": suggestion}
    return faults(made.prove(finding(path=path, first=1, last=1, quote=line, **about)))


def test_a_language_without_a_grammar_takes_any_change() -> None:
    assert _proved_suggestion("a.zig", "x", "((") == set()


def test_prose_is_no_code() -> None:
    claim = (
        "On GitHub and JavaScript (e.g. Node.js) this isn't UTF-8; I/O and and/or 24/7 are fine."
        ' `len` and `str` exist, it\'s 3.5 times as slow, and `"any text"` is a value.'
    )
    assert faults(proof().prove(finding(claim=claim, evidence=""))) == set()


def test_findings_that_are_true_and_false_are_told_apart() -> None:
    """Nothing that passes breaks a rule, by checks that share no code with the proof."""
    random_, posted, true, survived = random.Random(16), 0, 0, 0
    for _ in range(size(500, 25)):
        made = changes(random_, 4)
        prove = proof_of(made).prove
        for _ in range(20):
            change = random_.choice(made)
            is_true, found = _invented(random_, change)
            proved = prove(found)
            true, survived = true + is_true, survived + (is_true and not faults(proved))
            if isinstance(proved, Finding):
                posted += 1
                _assert_valid(proved, made)
    assert posted > 0 and survived >= 0.95 * true


def _invented(random: random.Random, change: Change) -> tuple[bool, Finding]:
    """Make a finding about lines of a hunk, and break it in one of many ways, or not."""
    shown = _shown(change)
    hunk = random.choice(shown)
    first = random.choice(hunk)
    last = min(first + random.choice((0, 0, 1, 3)), hunk[-1])
    lines = [line.removesuffix("\r") for line in change.text.split("\n")]
    quote = "\n".join(lines[first - 1 : last])
    names = re.findall(r"[^\W\d]\w*", quote) or ["value"]
    base = finding(
        path=change.row["filename"], first=first, last=last, quote=quote, suggestion=None,
        claim=f"`{random.choice(names)}` is wrong.", evidence="It is so.",
    )  # fmt: skip
    breaks: dict[str, dict[str, Any]] = {
        "nothing": {},
        "moved": {"first": first + 1, "last": last + 1},
        "far": {"first": first + 500, "last": last + 500},
        "zero": {"first": max(first - 1, 1)},
        "symbol": {"claim": f"`zz_invented{random.randint(0, 9)}` is wrong."},
        "bare symbol": {"evidence": "It calls zz_inventedHelper() first."},
        "file": {"evidence": "As src/zz_invented/file.py does."},
        "quote": {"quote": quote + random.choice((" ", "x", "\n", "\t"))},
        "path": {"path": f"zz/{change.row['filename']}"},
        "old path": {"path": change.row.get("previous_filename", "zz.py")},
        "same": {"suggestion": quote},
        "broken": {"suggestion": "}{ ((\n'"},
        "hidden": {"suggestion": f"{quote}\u200b"},
        "CRLF": {"quote": quote.replace("\n", "\r\n") + "\r\n"},
    }
    name = random.choice([*breaks, "nothing"])
    return name in {"nothing", "CRLF"} and bool(quote.strip()), replace(base, **breaks[name])


def _shown(change: Change) -> list[range]:
    """Return the numbers of the lines of each hunk, read from its header alone."""
    headers = re.findall(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", change.row["patch"], re.MULTILINE)
    return [range(int(at), int(at) + int(count or 1)) for at, count in headers if count != "0"]


def _assert_valid(found: Finding, made: list[Change]) -> None:
    change = next(change for change in made if change.row["filename"] == found.path)
    head = change.text.encode().split(b"\n")
    meant = [line.removesuffix(b"\r") for line in head[found.first - 1 : found.last]]
    assert b"\n".join(meant) == found.quote.encode()
    assert any({found.first, found.last} <= {*numbers} for numbers in _shown(change))
    assert "zz_invented" not in found.claim + found.evidence
    if found.suggestion is not None:
        assert found.suggestion != found.quote and "\u200b" not in found.suggestion
        _assert_parses(found, head)


def _assert_parses(found: Finding, head: list[bytes]) -> None:
    assert found.suggestion is not None
    lines = [*head]
    lines[found.first - 1 : found.last] = [found.suggestion.encode()]
    after = b"\n".join(lines)
    if found.path.endswith(".py"):
        compile(after, found.path, "exec")
    elif found.path.endswith(".json"):
        json.loads(after)
    else:
        assert found.path.endswith(".txt"), "only a text takes what was made to be broken"


def test_a_symbol_may_stand_in_a_file_that_the_finding_names() -> None:
    files = {"a.py": HeadFile("a.py", "x = 1\n"), "lib/tax.py": HeadFile("", "def rate(): ...\n")}
    made = Proof(file_diffs([row_of("a.py", "", "x = 1\n")]), Head(lambda: files, files.get))
    about: Json = {
        "path": "a.py",
        "first": 1,
        "last": 1,
        "quote": "x = 1",
        "suggestion": None,
    }
    told = finding(claim="`rate` of lib/tax.py is not used.", evidence="", **about)
    assert made.prove(told) == told
    assert faults(made.prove(replace(told, claim="`rate` is not used."))) == {"symbol"}


def test_words_are_posted_as_they_were_proved() -> None:
    """Nobody sees what changes the order of the others, or a NUL, which no row keeps."""
    found = proof().prove(finding(claim="`cart` is\u202e none\x00.", evidence="\u2066It is."))
    assert isinstance(found, Finding)
    assert (found.claim, found.evidence) == ("`cart` is none.", "It is.")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("said", ["NFC", "NFD"])
def test_a_name_is_the_same_however_its_accents_are_written(form: Any, said: Any) -> None:
    code = unicodedata.normalize(form, "größe = 1\n")
    claim = unicodedata.normalize(said, "`größe` is set.")
    about: Json = {"first": 1, "last": 1, "evidence": "", "suggestion": None}
    found = proof(code, "x = 1\n").prove(finding(quote=code.strip(), claim=claim, **about))
    assert isinstance(found, Finding)
    other = finding(quote=code.strip(), claim=claim.replace("gr", "fr"), **about)
    assert faults(proof(code, "x = 1\n").prove(other)) == {"symbol"}
