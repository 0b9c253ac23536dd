"""Tells which claims about the same code mean the same though they share no word: by the vectors of
the tenant's embedder.

Embedders differ in how alike they find texts that have nothing in common, so each is measured once
by claims that have not. Nothing is embedded unless a finding is about code of which something is
known. Hashed words tell nothing that `likeness` does not.
"""

from collections.abc import Sequence
from itertools import combinations, islice
from math import sqrt
from statistics import fmean, pstdev
from typing import NamedTuple

from shared.database import Statement, queries
from shared.errors import MemoryUnavailable, ModelError, SettingsError
from shared.journal import Outcome, Run
from shared.learning.dismissed import in_doubt, is_manifold
from shared.learning.findings import KeptFinding
from shared.log import log
from shared.memory.embedding.embedder import Embedder
from shared.memory.embedding.tenant_embedders import Embedders
from shared.memory.embedding.vectors import as_text, check_vectors

SQL = queries(__file__, "meaning.sql")

Vector = Sequence[float]

#: Claims that have nothing to do with each other.
_UNLIKE = (
    "The file is never closed when reading fails.",
    "User input is put into the SQL statement, so anybody can run a query of their own.",
    "Two threads write the counter at once, and an update is lost.",
    "The password is written to the log.",
    "A total that is a multiple of the page size gets one page too many.",
    "The promise is not awaited, so the window closes before the draft is stored.",
    "Every exception is swallowed here, an interrupt too.",
    "Each order sends another query for its customer.",
    "The deadline adds milliseconds to seconds.",
    "The default list is shared by all calls.",
    "There is no docstring that says what it returns.",
    "The name is too short to say what it means.",
    "No test covers this branch.",
    "A redirect to another host takes the token along.",
)
#: So many standard deviations above these, two claims about the same code mean the same; and where
#: several findings fit the same lines. On the generated histories all-MiniLM-L6-v2 then lets half
#: as much return, and no more true findings are lost than without (tests/learning).
_ABOVE, _FAR_ABOVE = 1.9, 4.1
#: Embedders that compare words alone.
_OF_WORDS = frozenset({"hashing-1"})
#: Pairs that one review compares.
_MOST = 300


class Threshold(NamedTuple):
    """How alike two vectors must be, and those of claims of which several fit the same lines."""

    plain: float
    manifold: float


#: What was measured in this process, by the name of the embedder.
_THRESHOLDS: dict[str, Threshold] = {}


class Meanings:
    """Compares the claims of one run."""

    def __init__(self, run: Run, embedders: Embedders) -> None:
        self._run = run
        self._embedders = embedders

    def in_other_words(
        self, found: Sequence[KeptFinding], known: Sequence[KeptFinding]
    ) -> list[KeptFinding]:
        """Return what is known in the words of what was found, wherever both mean the same. While
        the embedder is away it is nothing."""
        pairs = [*islice(in_doubt(found, known), _MOST)]
        if not pairs:
            return []
        asked = [[one.id, other.id] for one, other in pairs]
        same = self._run.step("meanings", {"pairs": asked}, lambda: self._compared(pairs))
        return [pairs[number][1]._replace(claim=pairs[number][0].claim) for number in same]

    def _compared(self, pairs: Sequence[tuple[KeptFinding, KeptFinding]]) -> Outcome:
        try:
            embedder = self._embedders.answering(self._run.event.tenant)
            if embedder is None or embedder.name in _OF_WORDS:
                return Outcome([])
            threshold = threshold_of(embedder)
            vectors, new = self._vectors(embedder, pairs)
        except (ModelError, MemoryUnavailable, SettingsError) as err:
            log("meanings not compared", run=self._run.id, error=type(err).__name__)
            return Outcome([])
        same = [
            number
            for number, (one, other) in enumerate(pairs)
            if _alike(vectors[one.claim], vectors[other.claim]) >= _wanted(threshold, one, other)
        ]
        return Outcome(same, statements=new)

    def _vectors(
        self, embedder: Embedder, pairs: Sequence[tuple[KeptFinding, KeptFinding]]
    ) -> tuple[dict[str, Vector], list[Statement]]:
        """Return the vectors of all claims, and what keeps those that what is known had not."""
        known = {other.id: other for _, other in pairs}
        kept = self._kept(embedder, known)
        claims = {one.claim for pair in pairs for one in pair} - kept.keys()
        vectors: dict[str, Vector] = dict(kept)
        ordered = sorted(claims)
        vectors |= zip(ordered, _embedded(embedder, ordered), strict=True)
        lacking = [one for one in known.values() if one.claim in claims and vectors[one.claim]]
        values = {
            "tenant": self._run.event.tenant,
            "embedder": embedder.name,
            "ids": [one.id for one in lacking],
            "vectors": [as_text(vectors[one.claim]) for one in lacking],
        }
        return vectors, [Statement(SQL["keep_vectors"], values)] if lacking else []

    def _kept(self, embedder: Embedder, known: dict[str, KeptFinding]) -> dict[str, Vector]:
        """Return the vectors that are kept of what is known, by claim."""
        ids = [one.id for one in known.values() if one.embedder == embedder.name]
        if not ids:
            return {}
        values = {"tenant": self._run.event.tenant, "embedder": embedder.name, "ids": ids}
        [rows] = self._run.write([Statement(SQL["vectors"], values)])
        return {known[row["id"]].claim: row["vector"] for row in rows}


def threshold_of(embedder: Embedder) -> Threshold:
    """Return from where on claims mean the same to an embedder, which is measured once."""
    if embedder.name not in _THRESHOLDS:
        vectors = [one for one in _embedded(embedder, _UNLIKE) if one]
        found = [_alike(one, other) for one, other in combinations(vectors, 2)] or [1.0]
        middle, spread = fmean(found), pstdev(found)
        _THRESHOLDS[embedder.name] = Threshold(
            middle + _ABOVE * spread, middle + _FAR_ABOVE * spread
        )
    return _THRESHOLDS[embedder.name]


def _embedded(embedder: Embedder, claims: Sequence[str]) -> list[list[float]]:
    vectors = embedder.embed(claims) if claims else []
    check_vectors(embedder, vectors, len(claims))
    return vectors


def _wanted(threshold: Threshold, one: KeptFinding, other: KeptFinding) -> float:
    is_plain = not is_manifold(one) and not is_manifold(other)
    return threshold.plain if is_plain else threshold.manifold


def _alike(one: Vector, other: Vector) -> float:
    """Return the cosine; 0 for a text that the embedder refused."""
    if not one or not other:
        return 0.0
    both = sum(x * y for x, y in zip(one, other, strict=True))
    return both / sqrt(sum(x * x for x in one) * sum(y * y for y in other))
