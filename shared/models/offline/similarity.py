"""Compares texts by their words, lightly stemmed, and Chinese by pairs of characters."""

import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from shared.models.offline.word_lists import CHINESE_STOP, ORDERS, STOP_WORDS
from shared.patterns import lazily

_HAN = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3040-\u30ff"
_HAN_RUN = lazily(f"[{_HAN}]+")
_WORD = lazily(rf"[^\W_{_HAN}]+(?:['’][^\W\d_{_HAN}]+)?")
_NOISE = lazily(r"https?://\S+|<[@#!][^>]*>|`{3,}")
_SENTENCE_END = lazily(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")
_ORDERS = lazily("|".join(ORDERS), re.I)
_SUFFIXES = ("ings", "ing", "ies", "ed", "es", "s")
_LONGEST_SENTENCE = 400


def terms(text: str) -> list[str]:
    """Return the stems of the meaningful words of `text`, in order.

    >>> terms("The app crashes when I press “pay” 😀")
    ['ap', 'crash', 'pres', 'pay', '😀']
    """
    plain = _NOISE.sub(" ", text.lower())
    found = [stem(word) for word in _WORD.findall(plain) if word not in STOP_WORDS]
    for run in _HAN_RUN.findall(plain):
        found += _pairs(run)
    return found + [c for c in plain if ord(c) > 0x2000 and unicodedata.category(c) == "So"]


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """Cut the ending of an English word, so that its forms become one; the rest need not be a word.

    >>> [stem(word) for word in ("crash", "crashes", "crashed", "update", "updating")]
    ['crash', 'crash', 'crash', 'updat', 'updat']
    """
    word = re.sub(r"['’]s?$", "", word)
    for suffix in _SUFFIXES:
        rest = word.removesuffix(suffix)
        if rest != word and len(rest) >= 3 and not word.endswith("ss"):
            word = f"{rest}y" if suffix == "ies" else rest
            break
    word = word[:-1] if word.endswith("e") and len(word) > 3 else word
    return word[:-1] if len(word) > 2 and word[-1] == word[-2] and word[-1].isalpha() else word


def _pairs(run: str) -> list[str]:
    for word in CHINESE_STOP:
        run = run.replace(word, " ")
    return [part[i : i + 2] for part in run.split() for i in range(max(1, len(part) - 1))]


def is_chinese(text: str) -> bool:
    han = sum(len(run) for run in _HAN_RUN.findall(text))
    return han * 2 > len(_WORD.findall(text))


def sentences(text: str) -> list[str]:
    """Split into sentences, without those that try to give a model orders."""
    parts = (part.strip(" \t-*>#|") for part in _SENTENCE_END.split(text))
    return [part[:_LONGEST_SENTENCE] for part in parts if part and not _ORDERS.search(part)]


def joined(lines: Sequence[str]) -> str:
    """Join sentences, and end a title among them with a full stop."""
    *first, last = lines or [""]
    return " ".join([*(re.sub(r"(\w)$", r"\1.", line) for line in first), last])


def overlap(left: Collection[str], right: Collection[str]) -> float:
    """Return the cosine of two bags of terms, 0 to 1."""
    a, b = set(left), set(right)
    return len(a & b) / math.sqrt(len(a) * len(b)) if a and b else 0.0


def coverage(question: Collection[str], text: Iterable[str], rarity: dict[str, float]) -> float:
    """Return the share of `question` that is in `text`, 0 to 1; rare words count for more."""
    wanted = set(question)
    whole = sum(rarity.get(term, 1.0) for term in wanted)
    return sum(rarity.get(term, 1.0) for term in wanted & set(text)) / whole if whole else 0.0


def rarity(texts: Iterable[Collection[str]]) -> dict[str, float]:
    """Return the weight of each term: 1 when one text holds it, less for many."""
    counts: dict[str, int] = {}
    for text in texts:
        for term in set(text):
            counts[term] = counts.get(term, 0) + 1
    return {term: 1 / (1 + math.log(count)) for term, count in counts.items()}
