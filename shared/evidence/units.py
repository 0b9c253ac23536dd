"""Cuts an answer into units: sentences, items of lists, tables, headings, blocks of code.

A unit is shown or dropped as a whole. Of a growing answer only units that are surely whole are cut
off: a sentence may still get its number.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from shared.models.offline.word_lists import listed
from shared.patterns import lazily

_FENCE = lazily(r" {0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n?")
_ITEM = lazily(r"[ \t]*(?:[-*+•][ \t]|\d{1,9}[.)][ \t])")
_HEADING = lazily(r" {0,3}#{1,6}[ \t]|[ \t]*>")
_TABLE = lazily(r"[ \t]*\|")
#: Ends a paragraph: a blank line, or a line that begins something else.
_BREAK = lazily(
    r"\n(?=[ \t]*\n|[ \t]*(?:[-*+•][ \t]|\d{1,9}[.)][ \t])"
    r"| {0,3}(?:`{3}|~{3}|#{1,6}[ \t]|>)|[ \t]*\|)"
)
#: May end a sentence, with the quotation marks and brackets behind it.
_END = lazily(r"[.!?…]+[\"'”’»)*_]*|[。！？]+[”’」』）*_]*")
_WIDE = frozenset("。！？")
_DIGITS = r"\d{1,3}(?:[ ]?[,;–-][ ]?\^?\d{1,3}){0,9}"
_CITATION = rf"(?:\[\^?{_DIGITS}\](?!:)|【\d{{1,3}}[^】\n]{{0,20}}】)(?:\([^()\s]{{0,500}}\))?"
_CITATIONS = lazily(rf"(?:[ \t]*{_CITATION})*[.]?")
#: What may become a citation, at the end of a text that grows.
_BEGUN = lazily(r"[ \t]*(?:[\[【][^\]】\n]{0,40}|\([^()\s]{0,500})?")
_CODE = r"(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)"
_MARK = lazily(rf"{_CODE}|(?P<space>[ \t]*)(?P<mark>{_CITATION})", re.DOTALL)
_NUMBERS = lazily(r"\d{1,3}")
_RANGE = lazily(r"(\d{1,3})\s*[–-]\s*(\d{1,3})")
#: Words that end with a full stop inside a sentence.
_SHORT = frozenset(
    listed(
        "e.g, i.e, z.b, d.h, u.a, bzw, vs, dr, mr, mrs, ms, approx, ca, prof, inc, cf,"
        " resp, evtl, ggf"
    )
)


class Unit(NamedTuple):
    """A piece of an answer: the white space before it, and its text."""

    space: str
    text: str
    is_code: bool = False

    @property
    def length(self) -> int:
        return len(self.space) + len(self.text)

    @property
    def numbers(self) -> list[int]:
        """The numbers that it cites, in their order."""
        if self.is_code:
            return []
        return list(
            dict.fromkeys(
                number
                for found in _MARK.finditer(self.text)
                if found["mark"]
                for number in _read(found["mark"])
            )
        )

    def marked(self, shown: Callable[[int], str]) -> str:
        """Return the text with other marks: `shown` writes that of a number."""
        if self.is_code:
            return self.text

        def replaced(found: re.Match[str]) -> str:
            if not found["mark"]:
                return found[0]
            marks = "".join(dict.fromkeys(filter(None, map(shown, _read(found["mark"])))))
            return f"{found['space']}{marks}" if marks else ""

        return _MARK.sub(replaced, self.text)


def units(text: str, *, ended: bool, first: bool = True) -> Iterator[Unit]:
    """Yield the units at the beginning of `text`, which is an answer from its `first` unit on, or
    the rest behind some. While it grows, the last are left out that may still change."""
    at, starts = 0, first
    while at < len(text):
        begin = at + len(text[at:]) - len(text[at:].lstrip())
        if begin == len(text):
            return
        space = text[at:begin]
        line = text.rfind("\n", 0, begin) + 1
        starts = starts or "\n" in space
        end, is_code = _unit(text, line if starts and line >= at else begin, begin, starts, ended)
        if end < 0:
            return
        yield Unit(space, text[begin:end], is_code)
        at, starts = end, False


def _unit(text: str, line: int, begin: int, starts: bool, ended: bool) -> tuple[int, bool]:
    """Return where the unit that begins there ends, -1 while that is open, and if it is code."""
    if starts and (fence := _FENCE.match(text, line)):
        return _code(text, fence, ended), True
    if starts and _TABLE.match(text, line):
        return _lines(text, begin, ended, lambda at: _TABLE.match(text, at) is not None), False
    if starts and _ITEM.match(text, line):
        indented = re.compile(r"[ \t]{2,}(?![ \t]*(?:[-*+•][ \t]|\d{1,9}[.)][ \t]))\S")
        return _lines(text, begin, ended, lambda at: indented.match(text, at) is not None), False
    if starts and _HEADING.match(text, line):
        return _lines(text, begin, ended, lambda at: False), False
    return _sentence(text, begin, ended), False


def _code(text: str, fence: re.Match[str], ended: bool) -> int:
    closing = re.compile(rf"^ {{0,3}}{re.escape(fence['fence'])}[`~]*[ \t]*$", re.MULTILINE)
    found = closing.search(text, fence.end())
    if found and (ended or found.end() < len(text)):
        return found.end()
    return len(text) if ended else -1


def _lines(text: str, begin: int, ended: bool, follows: Callable[[int], bool]) -> int:
    """Return the end of a line and of the lines that follow as a part of it."""
    end = text.find("\n", begin)
    while end >= 0:
        if not ended and not text[end:].strip():
            return -1  # what follows is not known yet
        if not follows(end + 1):
            return end
        end = text.find("\n", end + 1)
    return len(text) if ended else -1


def _sentence(text: str, begin: int, ended: bool) -> int:
    broken = _BREAK.search(text, begin)
    limit = broken.start() if broken else len(text)
    for found in _END.finditer(text, begin, limit):
        end = _CITATIONS.match(text, found.end(), limit)
        at = end.end() if end and end.end() > found.end() else found.end()
        if _ends(text, begin, found, at, limit):
            return at
        if not ended and not broken and _BEGUN.fullmatch(text, at):
            return -1
    if broken:
        return limit
    return len(text) if ended else -1


def _ends(text: str, begin: int, found: re.Match[str], at: int, limit: int) -> bool:
    """Does the sentence end `at`, behind the signs that were found?"""
    before = text[begin : found.start()]
    if before.count("`") % 2 or before.count("**") % 2:
        return False
    after = text[at:limit]
    following = after.lstrip()
    if not following:
        return False  # the end of the paragraph is seen otherwise
    if found[0][0] in _WIDE:
        return _BEGUN.fullmatch(after) is None
    if after[0] not in " \t\n" or following[0].islower():
        return False
    if following[0] in "[【" and _BEGUN.fullmatch(following):
        return False
    word = re.split(r"[\s(\"“]", before)[-1].casefold()
    counts = word in {"no", "nr", "fig"} and following[0].isdigit()
    is_short = word in _SHORT or counts or len(word) == 1 or word.isdigit()
    return not (found[0] == "." and is_short)


def _read(mark: str) -> list[int]:
    inside = mark.partition("](")[0].partition("】(")[0]
    numbers = [int(number) for number in _NUMBERS.findall(_RANGE.sub(_whole, inside))]
    return numbers[:1] if mark[0] == "【" else numbers


def _whole(found: re.Match[str]) -> str:
    first, last = int(found[1]), int(found[2])
    return ",".join(map(str, range(first, last + 1))) if 0 <= last - first < 10 else found[0]
