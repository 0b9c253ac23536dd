"""Reads a time in words, such as `on Monday at 10`, `every weekday at 9`, `明天上午10点`: in
English, German and Chinese. The words beside it are what it is for.

A small grammar of our own: docs/decisions/0012-times-in-words.md says why.
"""

import re
from collections.abc import Iterable, Iterator

from shared.errors import RequestUnclear
from shared.frozen import frozen
from shared.patterns import lazily
from shared.reminding.grammar import WORDS, Read, Spoken

_HAN = lazily(r"[\u3040-\u30ff\u3400-\u9fff]")
_BETWEEN = lazily(r"[\s,，的]*")


@frozen
class FoundTime:
    """A time in a text, and the text without it."""

    spoken: Spoken
    rest: str


def find_time(text: str) -> FoundTime:
    """Find the time in a text: at its beginning, else at its end, else the only one in it. Raises
    RequestUnclear when there is none, or more than one that could be meant."""
    at_first = read_words(text, 0)
    if at_first[0]:
        return FoundTime(at_first[0], text[at_first[1] :])
    runs = [(start, *read_words(text, start)) for start in _starts(text)]
    found = [(start, spoken, end) for start, spoken, end in runs if spoken]
    for start, spoken, end in found:
        if not text[end:].strip(" .!。！"):
            return FoundTime(spoken, text[:start])
    apart = [one for one in found if not any(a < one[0] < c for a, _, c in found)]
    if len(apart) == 1:
        [(start, spoken, end)] = apart
        return FoundTime(spoken, f"{text[:start].rstrip()} {text[end:].lstrip()}".strip())
    raise RequestUnclear(
        "When? Say it such as `in 2 hours`, `tomorrow at 9`, `on Monday at 10` or `every weekday at"
        " 9`."
    )


def _starts(text: str) -> Iterator[int]:
    for at in range(1, len(text)):
        before = text[at - 1]
        is_start = not before.isalnum() or _HAN.match(before) or _HAN.match(text[at])
        if is_start and not text[at].isspace():
            yield at


def read_words(
    text: str, at: int, words: Iterable[tuple["re.Pattern[str]", Read]] = WORDS
) -> tuple[Spoken | None, int]:
    """Read as many words of a time in a row as there are, and return where they end."""
    spoken, end = Spoken(), at
    while True:
        begin = end
        if end > at and (between := _BETWEEN.match(text, end)):
            begin = between.end()
        for pattern, read in words:
            found = pattern.match(text, begin)
            if found and (more := read(spoken, found)) is not None:
                spoken, end = more, found.end()
                break
        else:
            return (spoken if end > at else None), end
