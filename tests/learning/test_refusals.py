"""Whether a reply refuses a finding is read in the words of people, however long they talk."""

import time

import pytest

from shared.learning.refusals import is_refusal, said_itself
from shared.learning.replies import _PATH

_LONG = 65_000


@pytest.mark.parametrize(
    ("text", "refuses"),
    [
        ("Won't fix.", True),
        ("Nope, works as intended", True),
        ("Not a bug; see the docs.", True),
        ("Thanks! But that's intended.", True),
        ("This is on purpose. Does it hurt?", True),
        ("Is it on purpose?", False),
        ("Isn't this intentional", False),
        ("I'm not sure it's intentional.", False),
        ("I wonder whether it is by design.", False),
        ("I disagree: nobody passes None.", False),
        ("It was never on purpose, I will mend it", False),
        ("不确定是不是故意的", False),
        ("这是故意的。", True),
        ("误报？", False),
        ("> It's by design\nWhy?", False),
        ("  > It's by design\n\nSo be it.", False),
        ("~~~\nwon't fix\n~~~\nI will.", False),
        ("```\nwon't fix", True),  # a fence that nobody closes hides nothing
        ("", False),
    ],
)
def test_words_are_read_as_people_mean_them(text: str, refuses: bool) -> None:
    assert is_refusal(text) is refuses


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        " ",
        "+",
        "a.",
        "a/",
        "`",
        "```\n",
        "```\n~~~\n",
        "not by design ",
        "?",
        "@a ",
        "> ",
        "为什么",
    ],
)
def test_a_huge_reply_takes_no_time(text: str) -> None:
    huge = text * (_LONG // len(text))
    begun = time.process_time()
    is_refusal(huge)
    said_itself(huge)
    _PATH.findall(huge)
    assert time.process_time() - begun < 1
