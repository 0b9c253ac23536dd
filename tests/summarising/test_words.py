"""Which words ask for a summary, and of what."""

import pytest

from shared.perception.commands import spoken, whispered
from shared.summarising.asked import Asked, asked
from tests.events.made import an_event

HERE = an_event(source="slack", conversation="slack:T1:C1", issue_target=None)


@pytest.mark.parametrize(
    "text",
    [
        "summarize",
        "Summarise this thread",
        "summarize since yesterday",
        "can you summarize <#C1|support> since Monday?",
        "sum up this thread please",
        "summarize the last 3 days",
        "what did I miss since Monday?",
        "catch me up on #general since 9",
        "fasse den Thread seit gestern zusammen",
        "总结一下",
    ],
)
def test_a_wish_for_a_summary_needs_no_slash(text: str) -> None:
    for order in (spoken(text), whispered(text)):
        assert order is not None
        assert order.name == "summarize"


@pytest.mark.parametrize(
    "text",
    [
        "summarize the build logs",
        "summarize what the PR does",
        "summarize #12",
        "summarize acme/shop#12",
        "summarize this for our customer",
        "what happened to the deploy?",
        "what happened yesterday in the shop incident",
        "a summary of what Bob did",
    ],
)
def test_a_question_about_something_else_stays_one(text: str) -> None:
    assert spoken(text) is None
    assert whispered(text) is None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", Asked("C1", "", "")),
        ("this channel since 9", Asked("C1", "", "since 9")),
        ("<#C0TWO|general> since Monday", Asked("C0TWO", "", "since Monday")),
        ("since Monday in #general", Asked("#general", "", "since Monday")),
        (
            "<https://a.slack.com/archives/C0TWO/p1700000000000100>",
            Asked("C0TWO", "1700000000.000100", ""),
        ),
        (
            "https://a.slack.com/archives/C0TWO/p1700000001000100?cid=C0TWO&thread_ts=1700000000.000100",
            Asked("C0TWO", "1700000000.000100", ""),
        ),
        (
            "<https://slack.com/app_redirect?team=T1&channel=C0TWO&message_ts=1700000000.000100|x>",
            Asked("C0TWO", "1700000000.000100", ""),
        ),
        ("https://evil.test/archives/C0TWO/p1700000000000100", None),
    ],
)
def test_a_place_and_a_time_are_read(words: str, expected: Asked | None) -> None:
    found = asked(HERE, words)
    assert found == expected or (expected is None and found.channel == "C1" and not found.thread)
