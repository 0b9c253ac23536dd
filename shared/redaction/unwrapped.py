"""Reads a text as people see it, without what stands in a secret only to break it up."""

from bisect import bisect_right
from typing import NamedTuple

from shared.patterns import lazily

_NAMED = {
    "amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " ", "lowbar": "_",
    "hyphen": "-", "dash": "-", "period": ".", "colon": ":", "equals": "=", "sol": "/",
    "shy": "", "zwj": "", "zwnj": "", "commat": "@", "num": "#", "plus": "+",
}  # fmt: skip
_CONTROL = {"n": "\n", "r": "\r", "t": "\t"}

_INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    r"\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e01ef"
)
#: Escapes of JSON and of URLs, entities, tags.
_ESCAPES = (
    r"\\(?:u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|[\\nrt\"'/_*`~.!+:=-])"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,31});"
    r"|%[0-9A-Fa-f]{2}"
    r"|</?(?:b|i|u|em|strong|code|span|wbr|mark)/?>"
    r"|<(?<=\w<)/?[A-Za-z][^<>]{0,100}>(?=\w)|\[\]\([^()\s]{0,100}\)|\x1b\[[0-9;]{0,20}[A-Za-z]"
    r"|<!--.{0,200}?-->"
)
#: What is taken out of a text that is all ASCII, and of any other.
_ASCII_NOISE = lazily(rf"[*`]|~~|{_ESCAPES}")
_NOISE = lazily(rf"[*`{_INVISIBLE}]|~~|{_ESCAPES}")
#: What makes that necessary. Emphasis around a word is not enough.
_INSIDE = "|".join(rf"{sign}(?<=\w{sign})(?=\w)" for sign in (r"\*", r"\*\*", "`", "``", "~~"))
_BREAKS = lazily(rf"{_INSIDE}|[{_INVISIBLE}]|{_ESCAPES}")
_ASCII_BREAKS = lazily(rf"{_INSIDE}|{_ESCAPES}")


#: A tag with attributes inside of a word.
_TAG_INSIDE = lazily(r"<(?<=\w<)/?[A-Za-z][^<>\s]{0,20}\s[^<>]{0,100}>(?=\w)")


def is_broken_up(text: str, words: str, foreign: str) -> bool:
    """Does something stand inside of the long words of a text that people do not see, or in a tag,
    or inside of any of its `foreign` words, which are not all ASCII?"""
    if (_ASCII_BREAKS if words.isascii() else _BREAKS).search(words):
        return True
    return not foreign.isprintable() or ("<" in text and bool(_TAG_INSIDE.search(text)))


_ASCII_PARTS = lazily(rf"[!-~{_INVISIBLE}]{{13,}}")


def ascii_parts(word: str) -> list[str]:
    """Return the long parts of a word of several scripts in which a token may stand."""
    return _ASCII_PARTS.findall(word)


class Unwrapped(NamedTuple):
    """The text as it is read, and where each of its pieces stood before."""

    text: str
    starts: list[int]
    places: list[tuple[int, int, bool]]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where `start` to `end` stood."""
        first, last = self._piece(start), self._piece(end - 1)
        begin, _, whole = self.places[first]
        left = begin if whole else begin + start - self.starts[first]
        begin, until, whole = self.places[last]
        right = until if whole else begin + end - self.starts[last]
        return left, right

    def _piece(self, place: int) -> int:
        return bisect_right(self.starts, place) - 1


def unwrapped(text: str) -> Unwrapped:
    """Take out what breaks words up."""
    parts: list[str] = []
    starts: list[int] = []
    places: list[tuple[int, int, bool]] = []
    at = length = 0
    noise = _ASCII_NOISE if text.isascii() else _NOISE
    for match in noise.finditer(text):
        begin, end = match.span()
        for part, place in (
            (text[at:begin], (at, begin, False)),
            (_read(match[0]), (begin, end, True)),
        ):
            if part:
                parts.append(part)
                starts.append(length)
                places.append(place)
                length += len(part)
        at = end
    parts.append(text[at:])
    starts.append(length)
    places.append((at, len(text), False))
    return Unwrapped("".join(parts), starts, places)


def _read(noise: str) -> str:
    """Return the character that is meant; none for what only breaks up."""
    kind, rest = noise[0], noise[1:]
    if kind == "\\":
        return (
            _character(rest[1:], 16) if rest[0] in "ux" and rest[1:] else _CONTROL.get(rest, rest)
        )
    if kind == "%":
        return _character(rest, 16)
    if kind == "&":
        name = rest[:-1]
        if not name.startswith("#"):
            known = _NAMED.get(name.lower())
            return _named(noise) if known is None else known
        return _character(name[2:], 16) if name[1] in "xX" else _character(name[1:], 10)
    return ""


def _named(entity: str) -> str:
    """Return what a rare entity spells, such as `&ZeroWidthSpace;`."""
    from html import unescape

    return "".join(char for char in unescape(entity) if char.isprintable())


def _character(digits: str, base: int) -> str:
    """Return the character of this number; what nobody sees, or what is no character, is none."""
    number = int(digits, base)
    if number > 0x10FFFF:
        return ""
    found = chr(number)
    return found if found.isprintable() or found in "\n\r\t" else ""
