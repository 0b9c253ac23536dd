"""When one text covers another: what is lost by keeping one of them is nothing but the wording."""

import pytest

from shared.memory.upkeep.likeness import covers

SAID = "The checkout of build 42 fails on Friday when the cache is full"


@pytest.mark.parametrize(
    "other",
    [
        SAID,
        SAID.upper(),
        SAID.replace("The checkout", "checkout"),
        SAID + "!!",
        "  " + SAID.replace(" ", "\n"),
        "Checkout of build 42 really fails on Friday when a cache is full.",
    ],
)
def test_the_wording_does_not_matter(other: str) -> None:
    assert covers(SAID, other)
    assert covers(other, SAID)


def test_what_says_a_little_more_covers_what_says_less() -> None:
    assert covers(SAID + " again", SAID)
    assert not covers(SAID, SAID + " again")


@pytest.mark.parametrize(
    ("text", "other"),
    [
        (SAID, SAID.replace("42", "43")),
        (SAID, SAID.replace("fails", "never fails")),
        (SAID.replace("fails", "never fails"), SAID),
        (SAID + " unless it rains", SAID),
        (SAID, SAID.replace("Friday", "Monday")),
        ("Ada reviews what Bob writes", "Bob reviews what Ada writes"),
        ("Ada owns the billing service of team red", "Bob owns the billing service of team red"),
        ("We don't deploy on Fridays any more", "We deploy on Fridays any more"),
        ("Use port 8080 for the shop", "Use port 8081 for the shop"),
        ("星期五部署到生产环境", "星期五不部署到生产环境"),
        ("星期五不部署到生产环境", "星期五部署到生产环境"),
        ("星期五部署到生产环境", "星期一部署到生产环境"),
        (SAID + " and everything else that was ever said about it in the shop", SAID),
        (SAID, ""),
        ("", ""),
        ("", SAID),
    ],
)
def test_what_says_something_else_is_not_covered(text: str, other: str) -> None:
    assert not covers(text, other)


def test_chinese_that_differs_in_its_marks_is_covered() -> None:
    assert covers("星期五部署到生产环境。", "星期五，部署到生产环境")
