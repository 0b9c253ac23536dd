"""The long-term memory in Postgres: remembers texts, and recalls those nearest to a question."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.database import Database, Row, Statement, queries
from shared.errors import MemoryUnavailable, ModelError
from shared.log import log
from shared.memory import By, Entry, Memory
from shared.memory.embedding.embedder import Embedder, Purpose
from shared.memory.embedding.tenant_embedders import Embedders, OneEmbedder
from shared.memory.embedding.vectors import as_binary, as_text, check_vectors
from shared.memory.lexical import BEST_IMPACT, key, postings, query_terms
from shared.memory.ranking import HALF_LIFE, NEAR_DUPLICATE, WEIGHTS, ranked
from shared.memory.stored_text import digest_of, short_hash, storable

SQL = queries(__file__, "store.sql")

#: Characters of a text that are embedded: the windows of most embedders hold no more.
EMBEDDED_CHARACTERS = 8_000
#: How many candidates an index scan holds at least (hnsw.ef_search): more find more, more slowly.
BREADTH = 32
#: How many candidates the vectors and the words propose each: at least CANDIDATES, or half as many
#: again as asked for. Those of words are filtered afterwards, so PROPOSED are read, and more if a
#: time is given, which may leave few.
CANDIDATES, PROPOSED, PROPOSED_OF_ANY_TIME = 15, 200, 2_000
#: How many postings of each word are counted, and how many of the rarest words are read in all.
LISTED, LISTED_IN_ALL = 300, 600
#: How many hits are compared for near-duplicates: at least these, or twice as many as asked for.
SHOWN_AT_LEAST = 20
#: How many hits more are read than asked for: so a trusted one is seen behind those of outsiders.
SPARE = 5
#: Seconds for which the sizes of a scope are trusted. They choose the method, not the result.
COUNT_HOLDS = 60.0
MAX_RECALLED = 100
REF_CHARACTERS = 500
_SCOPES = 1_000


class MemoryStore:
    """The memories of one database. Threads may share it.

    Up to `exact_rows` candidates are compared one by one. The default is the number up to which
    that is faster than an index, which also holds the rows of others.
    """

    def __init__(
        self, database: Database, embedders: Embedders | Embedder, *, exact_rows: int | None = None
    ) -> None:
        self._database = database
        self._embedders = embedders if isinstance(embedders, Embedders) else OneEmbedder(embedders)
        self._exact_rows = exact_rows
        self._sizes = _Sizes()

    def remember_all(self, tenant: str, entries: Sequence[Entry]) -> list[Statement]:
        """Embed all texts in one call and return the statements that keep them.

        A text replaces the memory of the same (flow, kind, ref), but an outsider's never a
        member's; of several the last is kept. Without a ref, the same text for the same audience is
        one memory. A blocked text is dropped; a blank one is kept, and never recalled. If the
        embedder fails, the texts are found by their words until the upkeep adds vectors; so are
        those that it refuses. Raises SettingsError when the embedder returns other vectors than it
        declares.
        """
        rows = [self._row(tenant, entry) for entry in entries]
        last = {(row["flow"], row["kind"], row["ref"]): row for row in rows}
        kept = self._embedded(tenant, list(last.values()))
        return [Statement(SQL["remember"], row) for row in kept]

    @staticmethod
    def without_vector(remembered: Sequence[Statement]) -> int:
        """Count the texts that these statements keep without a vector, though they are not
        blank."""
        rows = [statement.parameters for statement in remembered]
        return sum(bool(str(row["text"]).strip()) and not row["embeddings"] for row in rows)

    def leaves_work(self, tenant: str, remembered: Sequence[Statement]) -> bool:
        """Does the upkeep still have to give vectors, since the embedder failed or changes?"""
        return bool(self.without_vector(remembered)) or len(self._embedders.keeping(tenant)) > 1

    def supersede(self, tenant: str, entries: Sequence[Entry]) -> list[Statement]:
        """Embed all texts in one call and return the statements that let them hold from now on.

        Another text of the same (flow, kind, ref) stays as history, with the time of its end and
        its successor; an outsider's text ends no member's. Run the statements in one transaction;
        of two writers at once, one memory holds in the end. Raises what `remember_all` raises.
        """
        rows = self._embedded(tenant, [self._row(tenant, entry) for entry in entries])
        rows.sort(key=lambda row: (row["flow"], row["kind"], row["ref"]))
        steps = ("hold_subject", "retire", "remember", "link_successor")
        return [Statement(SQL[step], row) for row in rows for step in steps]

    def used(self, tenant: str, ids: Iterable[str]) -> Statement:
        """Return the statement that counts one more use of these memories."""
        return Statement(SQL["used"], {"tenant": tenant, "ids": sorted(ids)})

    def recall(
        self,
        tenant: str,
        query: str,
        *,
        kinds: frozenset[str] = frozenset(),
        audiences: frozenset[str],
        limit: int = 5,
        exclude_ref: str = "",
        flow: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        by: By = By.BOTH,
    ) -> list[Memory]:
        """Return the best memories about `query` that `audiences` may see, best first.

        It searches the memories that all flows share, and `flow`'s own. No `kinds` means all kinds,
        no audiences means no memories. It returns at most `limit`, and 100, and nothing of
        outsiders where a trusted memory answers as much. `since` leaves out earlier memories;
        `until` asks for what held at that time, even if it no longer does. By BOTH, words alone are
        compared when the tenant's embedder fails or cannot be built. Raises DatabaseUnavailable,
        and SettingsError as `remember_all` does; by VECTOR also what the embedder raises.
        """
        query, limit = storable(query), min(limit, MAX_RECALLED)
        if not query.strip() or not audiences or limit < 1:
            return []
        words = {} if by is By.VECTOR else query_terms(query)
        embedder = self._embedders.answering(tenant)
        scope = (tenant, flow, kinds, audiences, embedder and embedder.name)
        # Sizes at a given time differ for each time, so they are not kept.
        sizes = self._sizes if since is until is None else _Sizes()
        parameters = {
            **_filters(tenant, flow, kinds, audiences, exclude_ref),
            "exact_rows": self._exact_rows,
            "terms": [key(term) for term in words],
            **_nearness(embedder, query, by),
            **_times(since, until),
            **sizes.get(scope)._asdict(),
            **_bounds(limit),
            **_ranking(by),
        }
        [rows] = self._database.run(tenant, [Statement(SQL["recall"], parameters)])
        if rows:
            sizes.put(scope, _Size(rows[0]["counted"], rows[0]["indexed"]))
        return ranked(rows, list(words.values()), limit)

    def _row(self, tenant: str, entry: Entry) -> Row:
        text = storable(entry.text)
        digest = digest_of(text)
        words = postings(text)
        return {
            "tenant": tenant,
            "flow": entry.flow,
            "kind": entry.kind,
            "ref": _subject(entry.ref) or f"text:{short_hash(entry.audience, digest)}",
            "text": text,
            "digest": digest,
            "terms": [word.key for word in words],
            "impacts": [word.impact for word in words],
            "url": storable(entry.url),
            "audience": entry.audience,
            "author": storable(entry.author),
            "source": entry.source,
            "trust": entry.trust,
            "event": entry.event,
        }

    def _embedded(self, tenant: str, rows: Sequence[Row]) -> list[Row]:
        """Add vectors to the rows, but none for blank texts and none of embedders that fail."""
        texts = [str(row["text"]) for row in rows]
        worth = [index for index, text in enumerate(texts) if text.strip()]
        found: list[dict[str, list[object]]] = [
            {"embedders": [], "dimensions": [], "embeddings": []} for _ in rows
        ]
        for embedder in self._embedders.keeping(tenant):
            try:
                vectors = _vectors(embedder, [texts[index] for index in worth])
            except (ModelError, MemoryUnavailable) as err:
                log("kept without a vector", texts=len(worth), error=type(err).__name__)
                continue
            if refused := vectors.count([]):
                log("kept without a vector", texts=refused, error="the embedder refuses them")
            for index, vector in zip(worth, vectors, strict=True):
                if not vector:
                    continue
                found[index]["embedders"].append(embedder.name)
                found[index]["dimensions"].append(embedder.dimensions)
                found[index]["embeddings"].append(as_text(vector))
        return [row | more for row, more in zip(rows, found, strict=True)]


def _bounds(limit: int) -> dict[str, object]:
    """Return how many candidates are read to find `limit` memories."""
    return {
        "breadth": max(BREADTH, 2 * limit),
        "listed": LISTED,
        "listed_in_all": LISTED_IN_ALL,
        "candidates": max(CANDIDATES, limit + limit // 2),
        "shown": max(2 * limit, SHOWN_AT_LEAST),
        "enough": limit + SPARE,
    }


def _ranking(by: By) -> dict[str, object]:
    """Return the weights of a score's parts."""
    return {
        "meaning_weight": WEIGHTS[by].meaning,
        "words_weight": WEIGHTS[by].words,
        "prior_weight": WEIGHTS[by].prior,
        "best_impact": BEST_IMPACT,
        "half_life": HALF_LIFE,
        "nearly_equal": NEAR_DUPLICATE,
    }


class _Size(NamedTuple):
    """The numbers of memories in a scope, and of vectors in the indexes that are scanned for it."""

    counted: int | None = None
    indexed: int | None = None


class _Sizes:
    """The recent sizes of scopes. Threads may share it."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[_Size, float]] = {}

    def get(self, scope: object) -> _Size:
        size, until = self._known.get(scope, (_Size(), 0.0))
        return size if time.monotonic() < until else _Size()

    def put(self, scope: object, size: _Size) -> None:
        if len(self._known) >= _SCOPES:
            self._known.clear()
        if self.get(scope) == _Size():
            self._known[scope] = (size, time.monotonic() + COUNT_HOLDS)


def _nearness(embedder: Embedder | None, query: str, by: By) -> Row:
    """Return the parameters of the vector half; without an embedder it finds nothing."""
    if embedder is None:
        return {"embedder": "", "dimensions": 0, "embedding": None}
    dimensions, embedding = embedder.dimensions, _question(embedder, query, by)
    return {"embedder": embedder.name, "dimensions": dimensions, "embedding": embedding}


def _filters(
    tenant: str, flow: str, kinds: frozenset[str], audiences: frozenset[str], exclude_ref: str
) -> Row:
    return {
        "tenant": tenant,
        "flow": flow,
        "kinds": sorted(kinds),
        "audiences": sorted(audiences),
        "exclude_ref": _subject(exclude_ref),
    }


def _times(since: datetime | None, until: datetime | None) -> Row:
    proposed = PROPOSED if since is until is None else PROPOSED_OF_ANY_TIME
    return {"since": since, "until": until, "proposed": proposed}


def _question(embedder: Embedder, query: str, by: By) -> object:
    if by is By.LEXICAL:
        return None
    try:
        [vector] = _vectors(embedder, [query], "query")
        return as_binary(vector) if vector else None
    except (ModelError, MemoryUnavailable) as err:
        if by is By.VECTOR:
            raise
        log("recalled by words alone", error=type(err).__name__)
        return None


def _vectors(
    embedder: Embedder, texts: Sequence[str], purpose: Purpose = "document"
) -> list[list[float]]:
    if not texts:
        return []
    vectors = embedder.embed([text[:EMBEDDED_CHARACTERS] for text in texts], purpose)
    check_vectors(embedder, vectors, len(texts))
    return vectors


def _subject(ref: str) -> str:
    """Return the ref; one too long for an index is cut, and a hash of the whole appended."""
    if len(ref) <= REF_CHARACTERS:
        return storable(ref)
    return f"{storable(ref[:REF_CHARACTERS])}:{short_hash(ref)}"
