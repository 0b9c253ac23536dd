"""English stems, by which a search for `failing` finds `failed` and `fails`.

The algorithm is Porter's second, https://snowballstem.org/algorithms/english/stemmer.html. The
tests compare it with Postgres's `english_stem`.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from shared.patterns import lazily

_VOWEL, _OTHER = "[aeiouy]", "[^aeiouy]"
_REGION = lazily(f"{_VOWEL}{_OTHER}")
_EARLY_REGION = lazily("gener|commun|arsen")
_SHORT_SYLLABLE = lazily(f"(?:{_OTHER}{_VOWEL}[^aeiouywxY]|^{_VOWEL}{_OTHER})$")
_DOUBLE = lazily(r"(?:bb|dd|ff|gg|mm|nn|pp|rr|tt)$")

_IRREGULAR = {
    "skis": "ski",
    "skies": "sky",
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "idly": "idl",
    "gently": "gentl",
    "ugly": "ugli",
    "early": "earli",
    "only": "onli",
    "singly": "singl",
}
_INVARIANT = frozenset(["sky", "news", "howe", "atlas", "cosmos", "bias", "andes"])
_INVARIANT_SINGULAR = frozenset(
    ["inning", "outing", "canning", "herring", "earring", "proceed", "exceed", "succeed"]
)

_STEP_2 = {
    "tional": "tion",
    "enci": "ence",
    "anci": "ance",
    "abli": "able",
    "entli": "ent",
    "izer": "ize",
    "ization": "ize",
    "ational": "ate",
    "ation": "ate",
    "ator": "ate",
    "alism": "al",
    "aliti": "al",
    "alli": "al",
    "fulness": "ful",
    "ousli": "ous",
    "ousness": "ous",
    "iveness": "ive",
    "iviti": "ive",
    "biliti": "ble",
    "bli": "ble",
    "ogi": "og",
    "fulli": "ful",
    "lessli": "less",
    "li": "",
}
_STEP_3 = {
    "tional": "tion",
    "ational": "ate",
    "alize": "al",
    "icate": "ic",
    "iciti": "ic",
    "ical": "ic",
    "ful": "",
    "ness": "",
    "ative": "",
}
_STEP_4_SUFFIXES = "al ance ence er ic able ible ant ement ment ent ism ate iti ous ive ize ion"
_STEP_4 = dict.fromkeys(_STEP_4_SUFFIXES.split(), "")
#: The letters after which a suffix counts as one.
_BEFORE = {"li": "cdeghkmnrt", "ogi": "l", "ion": "st"}


class Regions(NamedTuple):
    """The places in a word after its first and after its second syllable, where suffixes begin."""

    first: int
    second: int


@lru_cache(maxsize=16384)
def stem(word: str) -> str:
    """Return the stem of a word in small ASCII letters; any other word is its own stem."""
    if len(word) <= 2 or not (word.isascii() and word.isalpha()) or word in _INVARIANT:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    # A `y` at the beginning or after a vowel is a consonant: `Y`.
    word = re.sub("(?<=[aeiouy])y", "Y", re.sub("^y", "Y", word))
    regions = _regions(word)
    word = _without_plural(word)
    if word in _INVARIANT_SINGULAR:
        return word
    word = _without_tense(word, regions)
    if len(word) > 2 and word[-1] in "yY" and word[-2] not in "aeiouy":
        word = word[:-1] + "i"
    for step, region in ((_STEP_2, regions.first), (_STEP_3, regions.first)):
        word = _replaced(word, step, region, regions.second)
    word = _replaced(word, _STEP_4, regions.second, regions.second)
    return _without_end(word, regions).lower()


def _regions(word: str) -> Regions:
    early = _EARLY_REGION.match(word)
    first = early.end() if early else _region(word, 0)
    return Regions(first, _region(word, first))


def _region(word: str, start: int) -> int:
    """Return the place after the first vowel and the consonant behind it, or the end."""
    found = _REGION.search(word, start)
    return found.end() if found else len(word)


def _without_plural(word: str) -> str:
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith(("ied", "ies")):
        return word[:-2] if len(word) > 4 else word[:-1]
    if word.endswith("s") and not word.endswith(("us", "ss")) and re.search(_VOWEL, word[:-2]):
        return word[:-1]
    return word


def _without_tense(word: str, regions: Regions) -> str:
    for suffix in ("eedly", "eed"):
        if word.endswith(suffix):
            at = len(word) - len(suffix)
            return word[:at] + "ee" if at >= regions.first else word
    for suffix in ("ingly", "edly", "ing", "ed"):
        if word.endswith(suffix):
            rest = word.removesuffix(suffix)
            return _ended(rest, regions) if re.search(_VOWEL, rest) else word
    return word


def _ended(rest: str, regions: Regions) -> str:
    """Restore the `e` that `-ed` or `-ing` removed, or drop the letter that it doubled."""
    if rest.endswith(("at", "bl", "iz")):
        return rest + "e"
    if _DOUBLE.search(rest) and not (len(rest) == 3 and rest[0] in "aeo"):  # add, egg, off
        return rest[:-1]
    if regions.first >= len(rest) and _SHORT_SYLLABLE.search(rest):
        return rest + "e"
    return rest


def _replaced(word: str, step: dict[str, str], region: int, second: int) -> str:
    """Replace the longest suffix of a step if it is in its region."""
    for length in range(min(7, len(word) - 1), 1, -1):
        suffix = word[-length:]
        if suffix not in step:
            continue
        at = len(word) - length
        allowed = second if suffix == "ative" else region
        if at < allowed or word[at - 1] not in _BEFORE.get(suffix, word[at - 1]):
            return word
        return word[:at] + step[suffix]
    return word


def _without_end(word: str, regions: Regions) -> str:
    at = len(word) - 1
    if word[-1] == "e":
        short = _SHORT_SYLLABLE.search(word[:-1])
        if at >= regions.second or (at >= regions.first and not short):
            return word[:-1]
    elif word.endswith("ll") and at >= regions.second:
        return word[:-1]
    return word
