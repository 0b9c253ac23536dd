"""An embedder in pure Python: it hashes words and pieces of words into a vector.

It finds shared words, parts of words and misspellings, but no shared meaning. Each feature adds its
weight, with a sign, at the place that its hash names, so collisions cancel out on average:
Weinberger et al., Feature Hashing for Large Scale Multitask Learning,
https://arxiv.org/abs/0902.2206.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from math import log, sqrt

from shared.memory.embedding.embedder import Purpose
from shared.patterns import lazily

DIMENSIONS = 384
#: The weights of a word, of all its pieces together, of one ideograph among several, and of a
#: common word.
WORD, PIECES, IDEOGRAPH, COMMON = 1.0, 1.4, 0.3, 0.1
#: The rest of a longer text adds little, and a megabyte would take seconds.
MAX_CHARACTERS = 20_000
#: Nothing longer is a word. The bound keeps hostile texts from filling the caches.
WORD_CHARACTERS = 40

#: Chinese, Japanese and Korean: written without spaces, or with particles glued to the word.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
_TOKEN = lazily(rf"(?P<run>[{_UNSPACED}]+)|(?P<word>[^\W_{_UNSPACED}]+)|(?P<sign>[^\s\w]|_)")

#: Words that say nothing about the subject. A list replaces counts over all texts.
_COMMON = """
a an and are as at be been but by can could do does for from get had has have how i if in into is it
its just me my no not of on or our please so than that the their then there these they this to us
was we what when where which why will with would you your
"""
_COMMON_WORDS = frozenset(_COMMON.split())

Feature = tuple[str, float]


class HashingEmbedder:
    """Makes vectors of length one, the same on every machine.

    The name has a version, because vectors of other features cannot be compared with these.
    """

    name = "hashing-1"
    dimensions = DIMENSIONS
    asymmetric = False

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[list[float]]:
        return [_vector(text[:MAX_CHARACTERS]) for text in texts]


def _vector(text: str) -> list[float]:
    counts: Counter[Feature] = Counter(_features(unicodedata.normalize("NFKC", text).casefold()))
    vector = [0.0] * DIMENSIONS
    for (feature, weight), count in counts.items():
        place, sign = _place(feature)
        vector[place] += sign * weight * (1 + log(count))
    length = sqrt(sum(value * value for value in vector))
    if length == 0:
        return [1.0] + [0.0] * (DIMENSIONS - 1)
    return [value / length for value in vector]


def _features(text: str) -> Iterator[Feature]:
    """Yield the features of a normalised text with their weights."""
    for match in _TOKEN.finditer(text):
        token = match[0]
        if match.lastgroup == "run":
            yield from _run_features(token)
        elif match.lastgroup == "sign":
            yield f"sign {token}", COMMON
        elif token in _COMMON_WORDS:
            yield f"word {token}", COMMON
        else:
            word = token[:WORD_CHARACTERS]
            yield f"word {word}", WORD
            yield from _pieces(word)


def _run_features(run: str) -> Iterator[Feature]:
    """Yield pairs of neighbours, which are nearly words, and single characters, which may be."""
    for character in run:
        yield f"word {character}", WORD if len(run) == 1 else IDEOGRAPH
    for first, second in pairwise(run):
        yield f"word {first}{second}", WORD


@lru_cache(maxsize=4096)
def _pieces(word: str) -> tuple[Feature, ...]:
    """Return all three and four neighbouring letters: `crashes` and `crashed` share most."""
    marked = f"<{word}>"
    pieces = [marked[i : i + n] for n in (3, 4) for i in range(len(marked) - n + 1)]
    return tuple((f"piece {piece}", PIECES / sqrt(len(pieces))) for piece in pieces)


@lru_cache(maxsize=16384)
def _place(feature: str) -> tuple[int, int]:
    """Return the place in the vector where a feature counts, and its sign."""
    number = int.from_bytes(
        blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"
    )
    return (number >> 1) % DIMENSIONS, 1 if number & 1 else -1
