"""The long-term memory in Postgres: remember a text, recall what is nearest to a question."""

from collections.abc import Sequence

from pgvector import HalfVector

from shared.database import Database, Statement, queries
from shared.errors import SettingsError
from shared.memory import Entry, Memory, Trust
from shared.memory.embedders import Embedder
from shared.memory.text import digest_of, short_hash, storable

SQL = queries(__file__, "memory.sql")

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
        """Embed `text` and return the statement that keeps it, as `remember_all` does."""
        entry = Entry(text, kind, ref, audience, url, author, event, source, trust, flow)
        [statement] = self.remember_all(tenant, [entry])
        return statement

    def remember_all(self, tenant: str, entries: Sequence[Entry]) -> list[Statement]:
        """Embed all texts in one call and return the statements that keep them.

        Each is kept under its (flow, kind, ref), or replaces what is there. Without a ref, the same
        text for the same audience is one memory. What is blocked is not kept. A blank text is kept,
        and never recalled. Raises SettingsError when the embedder does not do what it declares, and
        what the embedder raises.
        """
        texts = [storable(entry.text) for entry in entries]
        vectors = iter(self._vectors([text for text in texts if text.strip()]))
        return [
            Statement(
                SQL["remember"],
                self._row(tenant, entry, text)
                | {"embedding": next(vectors) if text.strip() else None},
            )
            for entry, text in zip(entries, texts, strict=True)
        ]

    def _row(self, tenant: str, entry: Entry, text: str) -> dict[str, object]:
        digest = digest_of(text)
        return {
            "tenant": tenant,
            "flow": entry.flow,
            "kind": entry.kind,
            "ref": _subject(entry.ref) or f"text:{short_hash(entry.audience, digest)}",
            "text": text,
            "digest": digest,
            "url": storable(entry.url),
            "audience": entry.audience,
            "author": storable(entry.author),
            "source": entry.source,
            "trust": entry.trust,
            "event": entry.event,
            "embedder": self._embedder.name,
            "dimensions": self._embedder.dimensions,
        }

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
            "embedding": self._vectors([query])[0],
            "kinds": sorted(kinds),
            "audiences": sorted(audiences),
            "limit": min(limit, MAX_RECALLED),
            "exclude_ref": _subject(exclude_ref),
            "exact_rows": self._exact_rows,
        }
        prepare = Statement(SQL["prepare_recall"], {"breadth": str(BREADTH)})
        _, rows = self._database.run(tenant, [prepare, Statement(self._recall_sql, parameters)])
        return [Memory(**row) for row in rows]

    def _vectors(self, texts: Sequence[str]) -> list[str]:
        """The vectors of `texts` as pgvector reads them, in the 16 bits that it keeps."""
        if not texts:
            return []
        vectors = self._embedder.embed([text[:EMBEDDED_CHARACTERS] for text in texts])
        self._check(vectors, len(texts))
        return [str(HalfVector(list(vector)).to_text()) for vector in vectors]

    def _check(self, vectors: Sequence[Sequence[float]], count: int) -> None:
        name, dimensions = self._embedder.name, self._embedder.dimensions
        got = [len(vector) for vector in vectors]
        if got != [dimensions] * count:
            wrong = [length for length in got if length != dimensions] or got
            raise SettingsError(
                f"memory: embedder {name} declares vectors of {dimensions} dimensions and returned"
                f" {len(got)} for {count} texts, of {wrong[:3]}; look at MODEL_EMBED"
            )
        for vector in vectors:
            if not any(vector) or not all(abs(value) <= LARGEST for value in vector):
                raise SettingsError(
                    f"memory: embedder {name} returned a vector without direction;"
                    " look at MODEL_EMBED"
                )


def _subject(ref: str) -> str:
    """The ref itself, or for one too long for an index its beginning and a digest of the whole."""
    if len(ref) <= REF_CHARACTERS:
        return storable(ref)
    return f"{storable(ref[:REF_CHARACTERS])}:{short_hash(ref)}"
