"""Choosing among names by what speaks for each of them in a text."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from shared.models.offline.parsed_request import ParsedRequest
from shared.models.offline.similarity import overlap, stem, terms
from shared.models.offline.word_lists import AFFINITIES, NEUTRAL

#: What a name needs to be chosen: one strong word, or two weak ones.
ENOUGH = 1.5

#: In a set, what a name needs in proportion to the best one.
_NEAR = 0.5

#: How alike two texts must be to count as being about the same.
_SAME = 0.5

_TITLE, _BODY = 1.0, 0.75
_STRONG, _WEAK, _NAMED, _DESCRIBED = 2.0, 1.0, 2.0, 0.25


class Name(NamedTuple):
    """Something to choose, and what it means if anybody said so."""

    text: str
    about: str = ""


def scores(names: Sequence[Name], parsed: ParsedRequest) -> list[float]:
    """Return how much speaks for each name in the question, or in what it is similar to."""
    parts = _parts(parsed)
    return [_score(name, parts, parsed) for name in names]


def best(names: Sequence[Name], parsed: ParsedRequest) -> tuple[int, float]:
    """Return the place and the score of the best name; where nothing speaks, of a neutral one."""
    found = scores(names, parsed)
    place = max(range(len(found)), key=lambda i: (found[i], -i))
    if found[place] < _WEAK:
        neutral = [i for i, name in enumerate(names) if name.text.lower() in NEUTRAL]
        place = neutral[0] if neutral else place
    return place, found[place]


def several(names: Sequence[Name], parsed: ParsedRequest, least: int, most: int) -> list[int]:
    """Return the places of all names for which enough speaks, best first."""
    found = scores(names, parsed)
    order = sorted(range(len(found)), key=lambda i: (-found[i], i))
    bar = max(ENOUGH, _NEAR * max(found, default=0.0))
    chosen = [i for i in order if found[i] >= bar]
    return (chosen if len(chosen) >= least else order[:least])[:most]


class _Part(NamedTuple):
    """A piece of the question in the forms that words are looked up in."""

    text: str
    stems: frozenset[str]
    weight: float
    opening: bool


def _parts(parsed: ParsedRequest) -> list[_Part]:
    """Return the title, which says most, and the rest."""
    title, rest = parsed.lines[:1], parsed.lines[1:]
    pieces = [(" ".join(title), _TITLE, True), (" ".join(rest), _BODY, False)]
    return [
        _Part(" ".join(text.lower().split()), _stems(text), weight, opening)
        for text, weight, opening in pieces
        if text
    ]


def _score(name: Name, parts: list[_Part], parsed: ParsedRequest) -> float:
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
    """Does a source's name hold `name` as a word of its own, such as `acme/shop#7`?"""
    return bool(name) and name in re.split(r"[\s()]+", source)


def _stems(text: str) -> frozenset[str]:
    words = re.findall(r"[^\W_]+(?:['’][^\W_]+)?", text.lower())
    return frozenset(stem(word) for word in words)


def _stands_in(word: str, part: _Part) -> bool:
    """Does a word of the table stand in the text: as a stem, or as it is when it is several words
    or Chinese."""
    if word.startswith("^"):
        opening = re.match(r"(\[[^\]]*\]|\w+:)?\s*", part.text)
        start = part.text[opening.end() if opening else 0 :]
        return part.opening and start.startswith(f"{word[1:]} ")
    if word.isascii() and word.isalnum():
        return stem(word) in part.stems
    if word.isascii() and word[0].isalpha():
        return re.search(rf"\b{re.escape(word)}", part.text) is not None
    return word in part.text
