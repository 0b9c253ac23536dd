"""The terms that the lexical half of recall compares: stems, identifiers and bigrams."""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

from shared.memory.stemming import stem
from shared.memory.stored_text import STORED_CHARACTERS
from shared.patterns import lazily

#: How many different terms of one text, and of one question, count.
TEXT_TERMS, QUERY_TERMS = 1_000, 48
#: Longer words and paths are cut: nobody types them.
TERM_CHARACTERS = 80

#: BM25: how fast a repeated word stops counting, how much a long text is held back, and the usual
#: length. It is constant: a true average would be a counter that all writes contend for.
SATURATION, LENGTH_WEIGHT, USUAL_LENGTH = 1.2, 0.5, 40.0
#: An impact is stored in two bytes, in thousandths.
IMPACT_UNIT = 1000
#: The largest impact, of a word in a text that says nothing else.
BEST_IMPACT = round(IMPACT_UNIT * (SATURATION + 1))

#: Scripts without spaces: Thai to Khmer, kana, ideographs, hangul.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
_RUN = lazily(rf"[{_UNSPACED}]+")
#: Words, and names made of words: `shared/flow.py`, `ERR_CONN_RESET`, `acme/shop#7`.
_NAME = lazily(r"#?\w+(?:(?:[./:#@\\-]|::|->)\w+)*")
_VERSION = lazily(r"v(\d+\.[\w.-]+)", re.IGNORECASE)
_PART = lazily(r"[^\W_]+")
#: The seams in camelCase and HTTPServer.
_SEAM = lazily(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CONTRACTION = lazily(r"(?<=\w)['’](?:s|t|d|m|re|ve|ll)\b", re.IGNORECASE)

_COMMON = """
i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her
hers herself it its itself they them their theirs themselves what which who whom this that these
those am is are was were be been being have has had having do does did doing a an the and but if or
because as until while of at by for with about against between into through during before after
above below to from up down in out on off over under again further then once here there when where
why how all any both each few more most other some such no nor not only own same so than too very s
t can will just don should now
"""
_COMMON_WORDS = frozenset(_COMMON.split())


class Posting(NamedTuple):
    """One term of a text in the index."""

    key: int
    impact: int


def terms(text: str) -> dict[str, int]:
    """Count the terms of a text, in the order of their first appearance.

    Words lose their case, accents and endings, and common English words are left out. A name
    counts as a whole and in parts. In scripts without spaces, pairs of neighbours and single
    characters count.

    >>> terms("Fixes in shared/flow.py")
    {'fix': 1, 'shared/flow.py': 1, 'flow.py': 1, 'share': 1, 'flow': 1, 'py': 1}
    """
    return _counted(_all_terms(text, single=True), TEXT_TERMS)


def query_terms(text: str) -> dict[str, str]:
    """Return the terms of a question, each with the word as it was written.

    Single characters count only if they stand alone, since pairs say more.
    """
    found: dict[str, str] = {}
    for term, word in _all_terms(text, single=False):
        found.setdefault(term, word)
        if len(found) == QUERY_TERMS:
            break
    return found


def postings(text: str) -> list[Posting]:
    """Return the key of each term of a text, and its weight in the text."""
    counts = terms(text)
    length = sum(counts.values()) / USUAL_LENGTH
    damping = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * length)
    return [
        Posting(key(term), round(IMPACT_UNIT * count * (SATURATION + 1) / (count + damping)))
        for term, count in counts.items()
    ]


@lru_cache(maxsize=16384)
def key(term: str) -> int:
    """Hash a term to a signed integer of 64 bits, Postgres's bigint."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "big", signed=True)


def _counted(found: Iterator[tuple[str, str]], most: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    for term, _ in found:
        if term in counts:
            counts[term] += 1
        elif len(counts) < most:
            counts[term] = 1
    return counts


def _all_terms(text: str, *, single: bool) -> Iterator[tuple[str, str]]:
    """Yield each term with the word that it came from."""
    text = text[:STORED_CHARACTERS].encode("utf-8", "replace").decode()
    text = unicodedata.normalize("NFKC", text)[: 2 * STORED_CHARACTERS]
    for run in _RUN.finditer(text):
        yield from _run_terms(run[0], single=single)
    for name in _NAME.finditer(_RUN.sub(" ", _CONTRACTION.sub("", text))):
        yield from _name_terms(name[0])


def _run_terms(run: str, *, single: bool) -> Iterator[tuple[str, str]]:
    for first, second in pairwise(run):
        yield first + second, first + second
    if single or len(run) == 1:
        for character in run:
            yield character, character


def _name_terms(name: str) -> Iterator[tuple[str, str]]:
    """Yield a name as a whole, its last part or number, by which people call it, and its parts."""
    name = name.strip("_")
    parts = _PART.findall(name)
    if len(parts) > 1 or name.startswith("#"):
        wholes = [name, name.rpartition("/")[2], *(f"#{end}" for end in name.split("#")[1:])]
        wholes += [version[1] for version in [_VERSION.fullmatch(name)] if version]
        for whole in dict.fromkeys(wholes):
            if len(whole) <= TERM_CHARACTERS and len(whole) > 1 and not whole.isalpha():
                yield _plain(whole), whole
    for part in parts:
        yield from _word_terms(part[:TERM_CHARACTERS])


def _word_terms(word: str) -> Iterator[tuple[str, str]]:
    pieces = _SEAM.split(word)
    for piece in dict.fromkeys([word, *pieces]):
        plain = _plain(piece)
        if plain and plain not in _COMMON_WORDS:
            yield stem(plain), piece


def _plain(word: str) -> str:
    """Remove case and accents."""
    word = word.casefold()
    if word.isascii():
        return word
    marked = unicodedata.normalize("NFD", word)
    return "".join(character for character in marked if not unicodedata.combining(character))
