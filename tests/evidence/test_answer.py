"""What stays of an answer, and that nothing is shown which is taken back."""

import random
from collections.abc import Collection
from functools import partial

import pytest

from shared.evidence.answer import CheckedAnswer, sources
from shared.evidence.gate import Gate
from shared.evidence.kinds import asks_for_facts
from shared.evidence.passages import GivenPassage, GivenPassages
from tests import campaigns

GOOD = frozenset({1, 2, 3})


def given() -> GivenPassages:
    passages = GivenPassages()
    for number in range(1, 6):
        url = f"https://github.com/acme/shop/issues/{number}"
        passages.add(GivenPassage.of("memory", str(number), f"Title {number}", url, f"t{number}"))
    return passages


def stand(numbers: Collection[int]) -> Collection[int]:
    return GOOD.intersection(numbers)


def answered(text: str, *, asks: bool = True) -> CheckedAnswer:
    answer = CheckedAnswer(given(), stand, asks=asks)
    answer.take(text, ended=True)
    return answer


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("A [2]. B [1].", "A [1]. B [2]."),
        ("A [4]. B [1].", "B [1]."),
        ("A [1][4]. B [2].", "B [1]."),  # one of two that fails takes the sentence with it
        ("One [1]. So far. No [4]. So no. Two [2].", "One [1]. So far. Two [2]."),
        ("Well. A [1].", "Well. A [1]."),
        ("A [1].\n\nB [4].\n\nC [2].", "A [1].\n\nC [2]."),
        ("P.\n\n- a [1]\n- b [5]\n- c [3]", "P.\n\n- a [1]\n- c [2]"),
        ("A [1].\n\nSources:\n[1] https://evil.example", "A [1]."),
        ("A [1].\n\n**Quellen**\n- x [2]", "A [1]."),
        ("A [9]. B [1].", "B [1]."),
        ("See rows[0] and a[7]. B [1].", "See rows[0] and a[7]. B [1]."),
        ("```\nx[4]\n```\nA [1].", "```\nx[4]\n```\nA [1]."),
        ("[facts] A【2】.", "A[1]."),
        ("[GENERAL] One. Two [4].", "One."),
    ],
)
def test_what_stands_stays(text: str, shown: str) -> None:
    answer = answered(text)
    assert answer.shown == shown
    assert not answer.is_silent


@pytest.mark.parametrize(
    "text", ["A.", "A [4].", "[unknown]", "Yes. No [5]. So.", "", "[facts] A."]
)
def test_nothing_cited_is_nothing_said(text: str) -> None:
    assert answered(text).is_silent


def test_two_texts_of_one_address_are_one_source() -> None:
    passages = given()
    passages.add(GivenPassage.of("issue", "x", "Title 1", passages[1].url, "another text"))
    answer = CheckedAnswer(passages, lambda numbers: numbers, asks=True)
    answer.take("A [1]. B [6]. C [2][6].", ended=True)
    assert answer.shown == "A [1]. B [1]. C [2][1]."
    assert sources(answer.cited, "Sources").count("Title 1") == 1


def test_a_title_can_neither_close_its_link_nor_speak() -> None:
    title = "x](https://evil.example) <!channel> `code`\n\n# Now"
    passage = GivenPassage.of("memory", "1", title, "https://github.com/a/b", "t")
    assert sources({1: passage}, "Sources").split("\n")[1:] == [
        "1. [x https://evil.example !channel code # Now](https://github.com/a/b)"
    ]


PARTS = [
    *("Yes. ", "A fact [1]. ", "Another [2] here. ", "Gone [4]. ", "Both [1][5]. ", "So it is. "),
    *("\n\n", "- item [3]\n", "- gone [5]\n", "```\ncode [4]\n```\n", "周二[1]。"),
    *("Dr. Li said [9]. ", "| a | b [2] |\n", "\n## Heading\n", "`x. Y [4]` is code. "),
]


def test_what_is_shown_is_never_taken_back() -> None:
    chance = random.Random(11)
    for _ in range(campaigns.size(5_000, 200, 40)):
        text = chance.choice(["", "", "[facts] ", "[talk] ", "[general] "])
        text += "".join(chance.choice(PARTS) for _ in range(chance.randrange(12)))
        asks = chance.random() < 0.7
        seen: list[str] = []

        class Shows:
            def __call__(self, text: str, seen: list[str] = seen) -> None:
                seen.append(text)

            def waits(self, what: str) -> None: ...

        gate = Gate(Shows(), partial(CheckedAnswer, given(), stand, asks=asks))
        at = 0
        while at < len(text):
            at += chance.randrange(1, 9)
            gate(text[:at])
        whole = answered(text, asks=asks)
        final = "" if whole.is_silent else whole.shown
        for one in seen:
            assert final.startswith(one), (text, one, final)
            assert "Gone" not in one and "Both" not in one


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("When do we deploy?", True),
        ("wann deployen wir", True),
        ("什么时候部署", True),
        ("We deploy?", True),
        ("Who is on call", True),
        ("Hello", False),
        ("Thanks, that helps.", False),
        ("How are you?", True),
        ("Bist du ein Mensch?", True),
        ("你好吗？", True),
        ("<@U1> who are you?", True),
        ("Please write a haiku.", False),
    ],
)
def test_which_messages_ask_for_facts(text: str, asks: bool) -> None:
    assert asks_for_facts(text) is asks
