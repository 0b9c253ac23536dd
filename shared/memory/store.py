"""The long-term memory in Postgres: remember a text, recall what is nearest to a question."""

from collections.abc import Sequence

from pgvector import HalfVector

from shared.database import Database, Statement, queries
from shared.memory import Entry, Memory, Trust
from shared.memory.embedders import Embedder, Purpose, checked
from shared.memory.tenant_embedders import Embedders, Only
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


class MemoryStore:
    """What one database remembers, as far as `embedders` can compare it. Threads may share it."""

    def __init__(
        self, database: Database, embedders: Embedder | Embedders, *, exact_rows: int = EXACT_ROWS
    ) -> None:
        self._database = database
        self._embedders = embedders if isinstance(embedders, Embedders) else Only(embedders)
        self._exact_rows = exact_rows

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
        embedders = self._embedders.keeping(tenant)
        worth = [text for text in texts if text.strip()]
        vectors = zip(*(_vectors(embedder, worth) for embedder in embedders), strict=True)
        return [
            Statement(
                SQL["remember"],
                self._row(tenant, entry, text)
                | {
                    "embedders": [embedder.name for embedder in embedders],
                    "dimensions": [embedder.dimensions for embedder in embedders],
                    "embeddings": list(next(vectors, ())) if text.strip() else [],
                },
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
        embedder = self._embedders.answering(tenant)
        if embedder is None:
            return []
        parameters = {
            "tenant": tenant,
            "flow": flow,
            "embedder": embedder.name,
            "embedding": _vectors(embedder, [query], "query")[0],
            "kinds": sorted(kinds),
            "audiences": sorted(audiences),
            "limit": min(limit, MAX_RECALLED),
            "exclude_ref": _subject(exclude_ref),
            "exact_rows": self._exact_rows,
        }
        prepare = Statement(SQL["prepare_recall"], {"breadth": str(BREADTH)})
        sql = SQL["recall"].replace("DIMENSIONS", str(int(embedder.dimensions)))
        _, rows = self._database.run(tenant, [prepare, Statement(sql, parameters)])
        return [Memory(**row) for row in rows]


def _vectors(embedder: Embedder, texts: Sequence[str], purpose: Purpose = "document") -> list[str]:
    """The vectors of `texts` as pgvector reads them, in the 16 bits that it keeps."""
    if not texts:
        return []
    vectors = embedder.embed([text[:EMBEDDED_CHARACTERS] for text in texts], purpose)
    checked(embedder, vectors, len(texts))
    return [str(HalfVector(list(vector)).to_text()) for vector in vectors]


def _subject(ref: str) -> str:
    """The ref itself, or for one too long for an index its beginning and a digest of the whole."""
    if len(ref) <= REF_CHARACTERS:
        return storable(ref)
    return f"{storable(ref[:REF_CHARACTERS])}:{short_hash(ref)}"
