"""How alike two claims are, and two pieces of code.

Both are compared without a model, by their words and tokens. Claims that say the same without one
word in common need the vectors of an embedder: one for each finding, kept beside it with the name
of its embedder, and a threshold of its own for each of them.
"""

from bisect import bisect_right
from collections import Counter
from functools import cache, lru_cache
from itertools import accumulate, pairwise

from shared.memory.lexical import terms
from shared.memory.stemming import stem
from shared.patterns import lazily

_QUOTED = lazily(r"`[^`]*`")
_TOKEN = lazily(r"\w+|[^\w\s\x00]")  # Postgres keeps no NUL
#: Words by which reviewers say the same, a line for each meaning; the first one stands for all.
_SAME = """
    none nil null undefined nullable missing absent
    error exception throw raise fail failure crash panic reject
    swallow hide ignore catch caught suppress silence drop discard
    close release free dispose leak open cleanup
    concurrent race thread atomic lock parallel synchronize goroutine simultaneous
    await promise async wait
    inject injection escape unescaped sanitize interpolate concatenate script xss unsafe
    sql query statement database
    compare comparison equality equal identity
    loop iterate iteration each every
    log logger logging print output
    password secret credential token sensitive key
    lose lost overwrite stale
    unit millisecond second minute hour
    empty blank zero falsy
    bound index range off
    duplicate twice repeat again
    slow performance quadratic expensive
"""
#: Words that any claim may hold, whatever it is about.
_ANYWHERE = """
    add argument branch call case change check class code consider constant could field file find
    function here instead line may method might module must name need number object parameter
    possible return should test type use user value variable want way work write
"""
#: Words of a claim that code takes longer than it need, and meanings of one that it goes wrong.
_COST = """
    allocate cache calculate cheap complexity compute costly cost cycle efficient eager expensive
    fast faster hoist inefficient latency lazily lazy linear lookup memoize memoise milliseconds
    needless needlessly optimize optimise overhead performance precompute quadratic quick quicker
    recalculate recompute redundant redundantly slow slower speed time twice wasteful waste
"""
_HARM = "error close lose concurrent empty password inject memory exhaust never die kill hang wrong"
#: A part of code that is taken for known wherever it stands has at least so many tokens.
TELLING = 6
#: And a word of so many characters is the root of a longer one.
_ROOT = 4


@cache
def _same_stems() -> dict[str, str]:
    """Return for each stem of `_SAME` the one that stands for all of its line."""
    lines = [line.split() for line in _SAME.strip().splitlines()]
    return {stem(word): stem(line[0]) for line in lines for word in line}


@cache
def _stems(words: str) -> frozenset[str]:
    return frozenset(map(stem, words.split()))


def shape_of(code: str) -> str:
    """Return code without what changes when it moves: its spaces, and the ends of its lines."""
    return " ".join(_TOKEN.findall(code))


class ShapedCode:
    """Code in which shapes are looked for."""

    def __init__(self, code: str) -> None:
        lines = enumerate(map(shape_of, code.split("\n")), 1)
        told = [(number, shape) for number, shape in lines if shape]
        self._numbers = [number for number, _ in told]
        self._begins = [*accumulate((len(shape) + 1 for _, shape in told), initial=1)]
        self._text = f" {' '.join(shape for _, shape in told)} "

    def holds(self, shape: str) -> bool:
        return f" {shape} " in self._text

    def line_of(self, shape: str, near: int) -> int:
        """Return the line at which this shape begins, of several the nearest; `near` where it
        stands nowhere."""
        places, at = list[int](), self._text.find(f" {shape} ")
        while at >= 0:
            places.append(self._numbers[bisect_right(self._begins, at + 1) - 1])
            at = self._text.find(f" {shape} ", at + 1)
        return min(places, key=lambda line: abs(line - near), default=near)


def claims_alike(one: str, other: str) -> float:
    """Return the share of the meanings of two claims that both have."""
    of_one, of_other = _meanings(one), _meanings(other)
    return len(of_one & of_other) / max(len(of_one | of_other), 1)


def costs(claim: str) -> frozenset[str]:
    """Return the words by which a claim says that code takes longer than it need. What it quotes of
    the code says nothing."""
    return _stems(_COST).intersection(terms(_QUOTED.sub(" ", claim)))


def harms(claim: str) -> bool:
    """Does a claim say that something goes wrong? What it quotes says nothing."""
    return not _meanings(_QUOTED.sub(" ", claim)).isdisjoint(_stems(_HARM))


def shapes_alike(one: str, other: str) -> float:
    """Return how much of the longer shape the shorter one is: 1 for the same."""
    shorter, longer = sorted((one, other), key=len)
    if f" {shorter} " in f" {longer} ":
        return _size(shorter) / _size(longer)
    return 0.0


def edited(one: str, other: str) -> float:
    """Return the share of the neighbours of tokens that two shapes have in common: high where one
    was made of the other by an edit."""
    of_one, of_other = (Counter(pairwise(shape.split())) for shape in (one, other))
    both = (of_one & of_other).total()
    return 2 * both / max(of_one.total() + of_other.total(), 1)


@lru_cache(maxsize=4096)
def subject(claim: str, shape: str) -> frozenset[str]:
    """Return the words of the code that a claim names: `mailer` where it speaks of mails."""
    said = [term for term in terms(claim) if term not in _stems(_ANYWHERE)]
    return frozenset(word for word in terms(shape) if any(_names(term, word) for term in said))


def _names(term: str, word: str) -> bool:
    shorter, longer = sorted((term, word), key=len)
    return term == word or (len(shorter) >= _ROOT and longer.startswith(shorter))


def tells(shape: str) -> bool:
    """Is the code long enough to be known wherever it stands?"""
    return _size(shape) >= TELLING


def _size(shape: str) -> int:
    return shape.count(" ") + 1


@lru_cache(maxsize=4096)
def _meanings(claim: str) -> frozenset[str]:
    means = _same_stems()
    found = (means.get(term, term) for term in terms(claim) if term not in _stems(_ANYWHERE))
    return frozenset(found)
