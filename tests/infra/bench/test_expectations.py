"""Answers are judged by what their rows expect."""

from typing import Any

import pytest

from infra.bench.expectations import Expectation, Pair


@pytest.mark.parametrize(
    ("expect", "output", "met"),
    [
        ("bug", "bug", True),
        ("bug", " bug\n", True),
        ("bug", "Bug", False),
        ("bug", "bug report", False),
        ("", "x", False),
        ("缺陷 🐞", "缺陷 🐞", True),
        (["bug", "crash"], "crash", True),
        (["bug", "crash"], "feature", False),
        ({"one_of": [1, 2]}, 2, True),
        ({"exact": ["a", "b"]}, ["a", "b"], True),
        ({"exact": ["a", "b"]}, ["b", "a"], False),
        ({"contains": "Refund"}, "we REFUND you", True),
        ({"contains": ["refund", "days"]}, "a refund", False),
        ({"contains": "bug"}, {"label": "bug"}, True),
        ({"regex": r"^\d+ days?$"}, "14 days", True),
        ({"regex": r"^\d+ days?$"}, "some days", False),
        ({"label": "bug"}, {"label": "bug", "why": "x"}, True),
        ({"label": "bug"}, {"label": "feature"}, False),
        ({"label": "bug"}, {}, False),
        ({"label": "bug"}, "bug", False),
        ({"json": {"contains": "x"}}, {"contains": "x"}, True),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2], "c": 3}}, True),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1]}}, False),
        ({"a": None}, {"a": None}, True),
        ({"a": None}, {"a": "null"}, False),
        (True, True, True),
        (True, 1, False),
        (1, True, False),
        (1, 1.0, True),
        (5, "5", True),
        ("true", True, True),
        ("5", 5, True),
    ],
)
def test_an_answer_is_judged_by_what_its_row_expects(expect: Any, output: Any, met: bool) -> None:
    assert Expectation.of(expect).is_met(output) is met


@pytest.mark.parametrize(
    "expect", [[], {}, {"contains": ""}, {"contains": [1]}, {"regex": "["}, {"one_of": "x"}]
)
def test_an_expectation_that_nothing_can_meet_is_refused(expect: Any) -> None:
    with pytest.raises(ValueError, match="expects"):
        Expectation.of(expect)


def test_labels_and_fields_of_objects_are_paired_for_the_confusions() -> None:
    assert Expectation.of("bug").pairs("feature") == [Pair("", "bug", "feature")]
    assert Expectation.of(["bug", "crash"]).pairs("crash") == [Pair("", "crash", "crash")]
    assert Expectation.of(["bug", "crash"]).pairs("x") == [Pair("", "bug | crash", "x")]
    both = Expectation.of({"label": "bug", "spam": False}).pairs({"label": "bug", "spam": True})
    assert both == [Pair("label", "bug", "bug"), Pair("spam", "false", "true")]
    assert Expectation.of({"contains": "x"}).pairs("x") == []
    assert len(Expectation.of("x" * 500).pairs("y" * 500)[0].got) == 60
