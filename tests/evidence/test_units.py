"""Units: how an answer is cut, whole and while it grows."""

import random

import pytest

from shared.evidence.units import Unit, units
from tests import campaigns

LONG = """Yes. We deploy e.g. on Tuesdays [1]. See **this. Thing** now. Then [2][3].

- a thing [1]
- another. With two [2]
  goes on
1. x

```py
a[1]. B
```
| a | b |
|---|---|
| 1 | 2 [1] |

我们周二部署。[1] 然后休息。Ende am 3. Mai. [4] `x. Y [1]` is code.
## Heading [2]
And so it is… Or [3–5]? “Yes.” [1, 2] Fine【6】. Done"""


def cut(text: str) -> list[tuple[str, list[int]]]:
    return [(unit.text, unit.numbers) for unit in units(text, ended=True)]


def grown(text: str, sizes: list[int]) -> list[tuple[str, list[int]]]:
    """Cut a text that grows by pieces of these sizes."""
    found: list[Unit] = []
    read, seen = 0, 0
    for size in sizes:
        seen += size
        for unit in units(text[read:seen], ended=False, first=not found):
            found.append(unit)
            read += unit.length
    found += units(text[read:], ended=True, first=not found)
    return [(unit.text, unit.numbers) for unit in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("On Tuesdays [1]. Or not.", [("On Tuesdays [1].", [1]), ("Or not.", [])]),
        ("On Tuesdays. [1] Or not. [2]", [("On Tuesdays. [1]", [1]), ("Or not. [2]", [2])]),
        ("On Tuesdays.[1][2] Or not.", [("On Tuesdays.[1][2]", [1, 2]), ("Or not.", [])]),
        ("See Dr. Li, e.g. at 3. Mai [1].", [("See Dr. Li, e.g. at 3. Mai [1].", [1])]),
        ("`a. B` is. C", [("`a. B` is.", []), ("C", [])]),
        ("Use `x[1]` here.", [("Use `x[1]` here.", [])]),
        ("See [1](http://x/y). Now", [("See [1](http://x/y).", [1]), ("Now", [])]),
        ("周二。[1]周三。", [("周二。[1]", [1]), ("周三。", [])]),
        ("~~~\na. B [1]\n~~~\nC", [("~~~\na. B [1]\n~~~", []), ("C", [])]),
        ("- [ ] open\n- [x] done [2]", [("- [ ] open", []), ("- [x] done [2]", [2])]),
        ("a\n\nb", [("a", []), ("b", [])]),
        ("", []),
    ],
)
def test_a_text_is_cut_into_units(text: str, expected: list[tuple[str, list[int]]]) -> None:
    assert cut(text) == expected


def test_a_growing_text_is_cut_as_the_whole() -> None:
    assert grown(LONG, [1] * len(LONG)) == cut(LONG)
    chance = random.Random(7)
    for _ in range(campaigns.size(2_000, 60, 10)):
        start = chance.randrange(len(LONG))
        text = LONG[start : start + chance.randrange(200)]
        sizes = [chance.randrange(1, 12) for _ in text]
        assert grown(text, sizes) == cut(text), text


def test_the_units_and_the_space_between_them_are_the_text() -> None:
    assert "".join(unit.space + unit.text for unit in units(LONG, ended=True)) == LONG


def test_a_long_answer_is_cut_in_little_time() -> None:
    text = "We deploy on Tuesdays [1]. " * 2_000
    read = 0
    for seen in range(0, len(text), 20):
        for unit in units(text[read:seen], ended=False):
            read += unit.length
    assert read > len(text) - 60
