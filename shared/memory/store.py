"""The long-term memory in Postgres: remember a text, recall what is nearest to a question."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from pgvector import HalfVector

from shared.database import Database, Statement, queries
from shared.errors import SettingsError
from shared.memory import Memory
from shared.memory.embedders import Embedder
from shared.memory.text import storable

SQL = queries(__file__, "memory.sql")

#: Whether who wrote a memory may write at its source, or came from outside.
Trust = Literal["inside", "outside"]

#: What an embedder is given of a text, in characters: more does not fit into the window of most.
EMBEDDED_CHARACTERS = 8_000
#: So many candidates are compared one by one: exact, and faster than an index that skips most.
EXACT_ROWS = 5_000
#: How many candidates an index scan holds at once (hnsw.ef_search): recall against time.
BREADTH = 100
MAX_RECALLED = 100
REF_CHARACTERS = 500
#: The largest number of 16 bits; no comparison holds for what is none.
LARGEST = 65_504


class MemoryStore:
    """What one database remembers, as far as `embedder` can compare it. Threads may share it."""

    def __init__(
        self, database: Database, embedder: Embedder, *, exact_rows: int = EXACT_ROWS
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._exact_rows = exact_rows
        self._recall_sql = SQL["recall"].replace("DIMENSIONS", str(int(embedder.dimensions)))

    def remember(
        self,
        tenant: str,
        text: str,
        *,
        kind: str,
        ref: str = "",
        url: str = "",
        audience: str,
        author: str = "",
        event: str = "",
        source: str = "",
        trust: Trust = "outside",
        flow: str = "",
    ) -> Statement:
        """Embed `text` and return the statement that keeps it under (kind, ref), or replaces that.

        With a `flow` only that flow recalls it. Without a ref, the same text for the same audience
        is one memory. A blank text is kept, and never recalled. Raises SettingsError when the
        embedder does not do what it declares, and what the embedder raises.
        """
        text = storable(text)
        row = {
            "tenant": tenant,
            "flow": flow,
            "kind": kind,
            "ref": _subject(ref) or f"text:{_digest(audience, text)}",
            "text": text,
            "url": storable(url),
            "audience": audience,
            "author": storable(author),
            "source": source,
            "trust": trust,
            "event": event,
            "embedder": self._embedder.name,
            "dimensions": self._embedder.dimensions,
            "embedding": self._vector(text) if text.strip() else None,
        }
        return Statement(SQL["remember"], row)

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
    ) -> list[Memory]:
        """Return the memories most similar to `query` that `audiences` may see, best first.

        Of what all flows share, and of what is `flow`'s own. At most `limit`, and 100. No kinds
        means every kind; no audiences means nothing. Raises DatabaseUnavailable, and what
        `remember` raises.
        """
        query = storable(query)
        if not query.strip() or not audiences or limit < 1:
            return []
        parameters = {
            "tenant": tenant,
            "flow": flow,
            "embedder": self._embedder.name,
            "embedding": self._vector(query),
            "kinds": sorted(kinds),
            "audiences": sorted(audiences),
            "limit": min(limit, MAX_RECALLED),
            "exclude_ref": _subject(exclude_ref),
            "exact_rows": self._exact_rows,
        }
        prepare = Statement(SQL["prepare_recall"], {"breadth": str(BREADTH)})
        _, rows = self._database.run(tenant, [prepare, Statement(self._recall_sql, parameters)])
        return [Memory(**row) for row in rows]

    def _vector(self, text: str) -> str:
        """The vector of `text` as pgvector reads it, in the 16 bits that it keeps."""
        vectors = self._embedder.embed([text[:EMBEDDED_CHARACTERS]])
        self._check(vectors)
        return str(HalfVector(list(vectors[0])).to_text())

    def _check(self, vectors: Sequence[Sequence[float]]) -> None:
        name, dimensions = self._embedder.name, self._embedder.dimensions
        got = [len(vector) for vector in vectors]
        if got != [dimensions]:
            raise SettingsError(
                f"memory: embedder {name} declares one vector of {dimensions} dimensions"
                f" and returned {got}; look at MODEL_EMBED"
            )
        if not any(vectors[0]) or not all(abs(value) <= LARGEST for value in vectors[0]):
            raise SettingsError(
                f"memory: embedder {name} returned a vector without direction; look at MODEL_EMBED"
            )


def _subject(ref: str) -> str:
    """The ref itself, or for one too long for an index its beginning and a digest of the whole."""
    if len(ref) <= REF_CHARACTERS:
        return storable(ref)
    return f"{storable(ref[:REF_CHARACTERS])}:{_digest(ref)}"


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:32]
