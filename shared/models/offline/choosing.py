"""Chooses among names by the words of a text that speak for each."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from shared.models.offline.parsed_request import ParsedRequest
from shared.models.offline.similarity import overlap, stem, terms
from shared.models.offline.word_lists import AFFINITIES, NEUTRAL

#: The score that a name needs to be chosen: one strong word, or two weak ones.
ENOUGH = 1.5

#: The share of the best score that a further name of a set needs.
_NEAR = 0.5

#: The similarity from which two texts are about the same.
_SAME = 0.5

_TITLE, _BODY = 1.0, 0.75
_STRONG, _WEAK, _NAMED, _DESCRIBED = 2.0, 1.0, 2.0, 0.25


#: Words do not tell a duplicate from a report about the same thing.
_CLAIMS = frozenset(map(stem, ("duplicate", "dupe", "重复")))


class Name(NamedTuple):
    """A name to choose, and its meaning if the author gave one."""

    text: str
    about: str = ""


def scores(names: Sequence[Name], parsed: ParsedRequest) -> list[float]:
    """Return the score of each name in the question, or in the sources that name it."""
    parts = _parts(parsed)
    return [_score(name, parts, parsed) for name in names]


def best(names: Sequence[Name], parsed: ParsedRequest) -> tuple[int, float]:
    """Return the position and score of the best name; without any score, of a neutral one."""
    found = scores(names, parsed)
    place = max(range(len(found)), key=lambda i: (found[i], -i))
    if found[place] < _WEAK:
        neutral = [i for i, name in enumerate(names) if name.text.lower() in NEUTRAL]
        place = neutral[0] if neutral else place
    return place, found[place]


def several(names: Sequence[Name], parsed: ParsedRequest, least: int, most: int) -> list[int]:
    """Return the positions of all names with a high enough score, best first."""
    found = scores(names, parsed)
    order = sorted(range(len(found)), key=lambda i: (-found[i], i))
    bar = max(ENOUGH, _NEAR * max(found, default=0.0))
    chosen = [i for i in order if found[i] >= bar]
    return (chosen if len(chosen) >= least else order[:least])[:most]


class _Part(NamedTuple):
    """A part of the question, as text and as stems."""

    text: str
    stems: frozenset[str]
    weight: float
    opening: bool


def _parts(parsed: ParsedRequest) -> list[_Part]:
    """Return the title, which weighs most, and the rest."""
    title, rest = parsed.lines[:1], parsed.lines[1:]
    pieces = [(" ".join(title), _TITLE, True), (" ".join(rest), _BODY, False)]
    return [
        _Part(" ".join(text.lower().split()), _stems(text), weight, opening)
        for text, weight, opening in pieces
        if text
    ]


def _score(name: Name, parts: list[_Part], parsed: ParsedRequest) -> float:
    """Return how much speaks for a name; nothing ever for one that claims a duplicate."""
    if _stems(name.text) & _CLAIMS:
        return -1.0
    known = [source for source in parsed.sources if _names(source.name, name.text)]
    if known:
        return max(_likeness(parsed, source.text) for source in known)
    tokens = _stems(re.sub(r"^.*[/:]\s*(?=\w)|_", " ", name.text))
    about = set(terms(name.about))
    total = 0.0
    for part in parts:
        total += part.weight * _NAMED * (bool(tokens) and tokens <= part.stems)
        total += part.weight * _DESCRIBED * len(about & part.stems - tokens)
        for affinity in AFFINITIES:
            if tokens & _stems(" ".join(affinity.names)):
                strong = sum(_stands_in(word, part) for word in affinity.strong)
                weak = sum(_stands_in(word, part) for word in affinity.weak)
                total += part.weight * (_STRONG * strong + _WEAK * weak)
    return total


def _likeness(parsed: ParsedRequest, text: str) -> float:
    alike = overlap(terms(parsed.question), terms(text))
    return 10 * alike if alike >= _SAME else 0.0


def _names(source: str, name: str) -> bool:
    """Tell whether `name` is a word of a source's name, such as `acme/shop#7`."""
    return bool(name) and name in re.split(r"[\s()]+", source)


def _stems(text: str) -> frozenset[str]:
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text.lower())
    return frozenset(stem(word) for word in words)


def _stands_in(word: str, part: _Part) -> bool:
    """Tell whether the text holds a word of the table: as a stem, or literally when it is Chinese
    or several words."""
    if word.startswith("^"):
        opening = re.match(r"(\[[^\]]*\]|\w+:)?\s*", part.text)
        start = part.text[opening.end() if opening else 0 :]
        return part.opening and start.startswith(f"{word[1:]} ")
    if word.isascii() and word.isalnum():
        return stem(word) in part.stems
    if word.isascii() and word[0].isalpha():
        return re.search(rf"\b{re.escape(word)}", part.text) is not None
    return word in part.text
