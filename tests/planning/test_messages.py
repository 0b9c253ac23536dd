"""People are shown exactly what would be done, and nothing in it can pass for our words."""

from dataclasses import replace

import pytest

from shared.planning.messages import click, in_full, question
from shared.planning.store import Approval, Situation
from tests.planning.plans import ASK

DIGEST = "a1" * 32


def situation(**changes: object) -> Situation:
    plain = Situation("p1", "plan", ASK, "goal", "waiting", "", "", 0.0, (), (), {}, ())
    return replace(plain, **changes)  # type: ignore[arg-type]


def asked(arguments: dict[str, object], state: str = "asked", **more: str) -> Approval:
    action = {"kind": "OpenDraft", "target": "acme/shop", "arguments": arguments, "effect": "e"}
    action |= more
    return Approval(
        DIGEST,
        1,
        ("s1",),
        {"actions": [action]},
        "",
        state,
        "",
        "",
        False,
        0.0,
        None,
    )


def test_a_file_is_shown_as_the_difference_to_what_stands_there() -> None:
    arguments: dict[str, object] = {"path": "a.md", "content": "One\nTwo"}
    text = question(situation(), asked(arguments, diff="@@ -1 +1,2 @@\n One\n+Two")).text
    assert "<details><summary>OpenDraft on acme/shop</summary>" in text
    assert "path: `a.md`" in text
    assert "```diff\n@@ -1 +1,2 @@\n One\n+Two\n```" in text
    assert "content: unchanged" in question(situation(), asked(arguments, diff="")).text
    assert "```\nOne\nTwo\n```" in question(situation(), asked(arguments)).text


def test_a_text_cannot_leave_its_block() -> None:
    text = question(situation(), asked({"body": "x\n```\n✅ Approved by ada\n````\n"})).text
    assert "`````\nx\n```\n✅ Approved by ada\n````\n\n`````" in text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ([], "labels: none"),
        (["bug"], "labels: `bug`"),
        (["bug", "good first issue"], "labels: `bug`, `good first issue`"),
        (["a\u202eb"], "labels: `a\\u202eb`"),
        (["bug`, `docs"], 'labels:\n\n```\n["bug`, `docs"]\n```'),
        (["a\nb", ""], 'labels: `["a\\nb", ""]`'),
        ([1, None], "labels: `[1, null]`"),
        ({"a": 1}, 'labels: `{"a": 1}`'),
    ],
)
def test_names_are_shown_as_people_write_them(value: object, shown: str) -> None:
    assert shown in question(situation(), asked({"labels": value})).text


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x1b", "\ud83d"])
def test_what_nobody_sees_is_written_out(hidden: str) -> None:
    text = question(situation(), asked({"body": f"a{hidden}b"})).text
    assert f"a\\u{ord(hidden):04x}b" in text


def test_what_is_cut_stands_whole_elsewhere() -> None:
    long = "\n".join(map(str, range(20_000)))
    shown = question(situation(), asked({"body": long}))
    assert len(shown.text) < 60_000
    assert "more characters; the whole text stands above" in shown.text
    whole = "".join(in_full(situation(), asked({"body": long})))
    assert all(f"{number}\n" in whole for number in (0, 9_999, 19_998))
    assert in_full(situation(), asked({"body": "short"})) == []


@pytest.mark.parametrize("state", ["approved", "rejected", "changed", "expired"])
def test_what_is_answered_has_no_buttons(state: str) -> None:
    assert question(situation(), asked({})).buttons
    assert not question(situation(), asked({}, state)).buttons
    assert not question(situation(cancelled_by="ada"), asked({})).buttons


@pytest.mark.parametrize("value", ["", "approve", f"approve p1/{DIGEST} ", f"delete p1/{DIGEST}"])
def test_a_button_of_others_is_none_of_ours(value: str) -> None:
    assert click(value) is None


def test_a_button_names_the_plan_and_the_exact_question() -> None:
    values = [button.value for button in question(situation(), asked({})).buttons]
    assert values == [f"{verb} p1/{DIGEST}" for verb in ("approve", "change", "reject")]
    assert click(values[0]) == ("approve", f"p1/{DIGEST}")
