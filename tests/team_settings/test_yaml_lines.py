"""YAML is read with lines, and what could hurt is refused with one."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.team_settings.resolving import resolve
from shared.team_settings.yaml_lines import Unreadable, read_yaml
from tests.campaigns import examples


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing yet\n", None),
        ("a: 1\nb: -20\n", {"a": 1, "b": -20}),
        ("mode: off\nother: on\nlanguage: no\n", {"mode": "off", "other": "on", "language": "no"}),
        ("a: yes\nb: Null\nc: TRUE\n", {"a": "yes", "b": None, "c": True}),
        ("a: '1'\nb: \"off\"\n", {"a": "1", "b": "off"}),
        ("a: 2026-11-30\nb: 12:30:45\nc: 010\n", {"a": "2026-11-30", "b": "12:30:45", "c": 10}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
        ("a: [x, 'y', 3]\n", {"a": ["x", "y", 3]}),
        ("---\na: 1\n...\n", {"a": 1}),
        ("a:\r\n  - x\r\n", {"a": ["x"]}),
        ("1: a\n", {"1": "a"}),
        ("中文: 好\n", {"中文": "好"}),
    ],
)
def test_what_is_written_plainly_is_read(text: str, value: object) -> None:
    assert read_yaml(text).plain == value


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: &x [1]\n", 2, "anchor"),
        ("a: 1\n\nb: *x\n", 3, "alias"),
        ("&x a: 1\n", 1, "anchor"),
        ("*x : 1\n", 1, "alias"),
        ("a: !!python/object/apply:os.system ['true']\n", 1, "tag"),
        ("a: !!str 1\n", 1, "tag"),
        ("%YAML 1.1\n---\na: 1\n", 1, "directive"),
        ("%TAG ! tag:evil,2000:\n---\na: 1\n", 1, "directive"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: 1\nb: 2\na: 3\n", 3, "again"),
        ("x:\n  a: 1\n  'a': 3\n", 3, "again"),
        ("a: " + "[" * 5_000, 1, "deep"),
        ("a: " + "{b: " * 5_000, 1, "deep"),
        ("- " * 30_000, 1, "deep"),
        ("? [a]\n: b\n", 1, "key"),
        ("a: [1\n", 2, "expected"),
        ("a:\n\tb: 1\n", 2, "token"),
        ("a: 'open\n", 2, "end of stream"),
        ("a: 1\nb: \x07\n", 2, "no text"),
        ("- x\n" * 6_000, 5000, "many"),
    ],
)
def test_what_could_hurt_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(Unreadable, match=says) as caught:
        read_yaml(text)
    assert caught.value.line == line


#: Each fills 64 KiB with what makes readers of YAML slow, or grow.
HOSTILE = {
    "laughs": "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 900)),
    "opened": "[" * 65_000,
    "dashes": "- " * 32_000,
    "questions": "? " * 32_000,
    "keys": "".join(f"k{i}: {i}\n" for i in range(6_000)),
    "long key": "a" * 65_000 + ": 1",
    "long text": "a: " + "b " * 32_000,
    "quotes": "a: " + '"\\x41' * 10_000,
    "comments": "#\n" * 32_000,
    "indented": "".join(" " * (i % 60) + "a:\n" for i in range(2_000)),
    "anchors": "".join(f"- &a{i} x\n" for i in range(5_000)),
    "flow": "a: {" + "b, " * 20_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_little(name: str) -> None:
    """In the time of the processor, of which others take none."""
    begun = time.process_time()
    resolve(None, {"text": HOSTILE[name][:65_536], "problem": ""})
    assert time.process_time() - begun < 5


@examples(2_000)
@given(st.text("abc:-[]{}&*!?|>'\"%#@,~ \n\t\\0no\ufeff\x85\u2028", max_size=80))
def test_whatever_stands_there_is_read_or_refused(text: str) -> None:
    resolve({"text": text, "problem": ""}, {"text": text, "problem": ""})
