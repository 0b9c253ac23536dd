"""Memories without end, for scale: clustered vectors, words as frequent as in speech.

Everything follows from its seed, so a load can stop and go on, and what is exactly right can be
computed again without reading the database.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DIMENSIONS = 384
#: Memories that are made at once; a multiple of it starts anywhere.
BLOCK = 1_000
CLUSTERS = 1_000
#: Noise over signal: memories of a cluster have cosines near 1 / (1 + SPREAD²), that is .5, and a
#: question has one near 1 / sqrt(1 + ASIDE²), that is .82, with the memory it is about.
SPREAD, ASIDE = 1.0, 0.7
WORDS = 50_000
#: Words that a cluster prefers, and the share of a text that they make up.
TOPIC, TOPICAL = 60, 0.3
#: Of one text, in words: the median, and the width of the log-normal distribution.
LENGTH, WIDTH = 25, 0.5
QUESTION_WORDS = 6

_SYLLABLES = (
    *("ba", "be", "di", "do", "fa", "ga", "ke", "ko", "la", "li", "ma", "mo", "na", "ne", "pi"),
    *("ra", "re", "ri", "sa", "so", "ta", "te", "ti", "to", "va", "ve", "vi", "zo", "xu", "qua"),
)


class MemoryBlock(NamedTuple):
    """Texts, and as many vectors of length one."""

    texts: list[str]
    vectors: Floats


@dataclass(frozen=True)
class Generated:
    """The memories and questions of one seed. Word 0 is the most frequent one."""

    seed: int = 7

    @cached_property
    def words(self) -> Sequence[str]:
        """Invented words; the frequent ones are short, as in speech."""
        base = len(_SYLLABLES)
        return [_spelled(number + base, base) for number in range(WORDS)]

    def block(self, tenant: int, number: int) -> MemoryBlock:
        """Return BLOCK memories of a tenant, the first of them `number * BLOCK`."""
        chance = np.random.default_rng((self.seed, tenant, number))
        clusters = chance.integers(CLUSTERS, size=BLOCK)
        noise = chance.standard_normal((BLOCK, DIMENSIONS), np.float32)
        vectors = unit(self._centres[clusters] + SPREAD * noise / np.float32(DIMENSIONS**0.5))
        return MemoryBlock(list(self._texts(chance, clusters)), vectors)

    def questions(self, tenant: int, memories: int, count: int) -> MemoryBlock:
        """Return questions near memories of the first `memories` of a tenant.

        The words are of the same memory, frequent and rare as they come.
        """
        chance = np.random.default_rng((self.seed, tenant, memories, count))
        places = np.sort(chance.integers(memories, size=count)).tolist()
        texts, vectors = [], []
        for number, own in groupby(places, lambda place: place // BLOCK):
            block = self.block(tenant, number)
            for place in own:
                words = block.texts[place % BLOCK].split()
                texts.append(" ".join(chance.choice(words, QUESTION_WORDS)))
                noise = chance.standard_normal(DIMENSIONS, np.float32) / np.float32(DIMENSIONS**0.5)
                vectors.append(block.vectors[place % BLOCK] + ASIDE * noise)
        return MemoryBlock(texts, unit(np.array(vectors, np.float32)))

    @cached_property
    def _centres(self) -> Floats:
        chance = np.random.default_rng(self.seed)
        return unit(chance.standard_normal((CLUSTERS, DIMENSIONS), np.float32))

    @cached_property
    def _cumulated(self) -> NDArray[np.float64]:
        """How much of all speech the first words make up: Zipf's law with Mandelbrot's shift."""
        frequencies = 1 / (np.arange(WORDS) + 2.7)
        shares: NDArray[np.float64] = np.cumsum(frequencies / frequencies.sum())
        return shares

    @cached_property
    def _topics(self) -> NDArray[np.int64]:
        """The words of each cluster, none of them among the 1,000 most frequent."""
        chance = np.random.default_rng((self.seed, 1))
        return chance.integers(1_000, WORDS, size=(CLUSTERS, TOPIC))

    def _texts(self, chance: np.random.Generator, clusters: NDArray[np.int64]) -> Iterator[str]:
        lengths = np.clip(LENGTH * np.exp(WIDTH * chance.standard_normal(BLOCK)), 3, 200)
        ends = np.cumsum(lengths.astype(int))
        total = int(ends[-1])
        drawn = np.minimum(np.searchsorted(self._cumulated, chance.random(total)), WORDS - 1)
        topics = self._topics[np.repeat(clusters, np.diff(ends, prepend=0))]
        preferred = topics[np.arange(total), chance.integers(TOPIC, size=total)]
        numbers = np.where(chance.random(total) < TOPICAL, preferred, drawn)
        for one in np.split(numbers, ends[:-1]):
            yield " ".join(self.words[number] for number in one.tolist())


def unit(rows: Floats) -> Floats:
    scaled: Floats = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return scaled


def nearest(questions: Floats, blocks: Iterator[Floats], count: int) -> NDArray[np.int64]:
    """Return the places of the `count` vectors nearest to each question, best first.

    Vectors are compared as the database keeps them, in 16 bits.
    """
    scores = np.empty((len(questions), 0), np.float32)
    places = np.empty((len(questions), 0), np.int64)
    offset = 0
    for block in blocks:
        fresh = questions @ unit(block.astype(np.float16).astype(np.float32)).T
        numbers = np.broadcast_to(np.arange(offset, offset + len(block)), fresh.shape)
        scores = np.concatenate([scores, fresh], axis=1)
        places = np.concatenate([places, numbers], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
        scores = np.take_along_axis(scores, order, axis=1)
        places = np.take_along_axis(places, order, axis=1)
        offset += len(block)
    return places


def _spelled(number: int, base: int) -> str:
    syllables = ""
    while number:
        number, digit = divmod(number, base)
        syllables += _SYLLABLES[digit]
    return syllables
