"""The long-term memory in Postgres: remember a text, recall what is nearest to a question."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from pgvector import HalfVector

from shared.database import Database, Statement, queries
from shared.errors import MemoryUnavailable, ModelError, SettingsError
from shared.log import log
from shared.memory import By, Entry, Memory, Trust
from shared.memory.embedders import Embedder
from shared.memory.lexical import BEST_IMPACT, key, postings, query_terms
from shared.memory.ranking import HALF_LIFE, NEARLY_EQUAL, WEIGHTS, spread
from shared.memory.text import digest_of, short_hash, storable

SQL = queries(__file__, "remember.sql") | queries(__file__, "recall.sql")

#: What an embedder is given of a text, in characters: more does not fit into the window of most.
EMBEDDED_CHARACTERS = 8_000
#: So many candidates are compared one by one: exact, and faster than an index that skips most.
EXACT_ROWS = 5_000
#: How many candidates an index scan holds at once (hnsw.ef_search): recall against time.
BREADTH = 100
#: How many each half proposes, and how many of the words' are looked at before filters: more when
#: a filter of time may leave few.
CANDIDATES, PROPOSED, PROPOSED_OF_ANY_TIME = 50, 200, 2_000
#: How many postings one question reads, and of each word at least.
LISTED, LISTED_AT_LEAST = 16_000, 500
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
        self._recall_sql = _with_constants(SQL["recall"], embedder.dimensions)

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
        and never recalled. When the embedder fails, the texts are kept and found by their words
        until somebody adds the vectors. Raises SettingsError when the embedder does not do what it
        declares.
        """
        rows = [self._row(tenant, entry) for entry in entries]
        return [Statement(SQL["remember"], row) for row in self._embedded(rows)]

    def supersede(self, tenant: str, entry: Entry) -> list[Statement]:
        """Embed the text and return the statements that keep it in place of what held until now.

        What another text said under the same (flow, kind, ref) stays as history, with the time it
        ended and what took its place. To be run in one transaction; two writers at once end with
        one memory that holds. Raises as `remember_all` does.
        """
        [row] = self._embedded([self._row(tenant, entry)])
        steps = ("hold_subject", "retire", "remember", "link_successor")
        return [Statement(SQL[step], row) for step in steps]

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
        """Return the memories that say most about `query` and `audiences` may see, best first.

        Of what all flows share, and of what is `flow`'s own. At most `limit`, and 100. No kinds
        means every kind; no audiences means nothing. `since` leaves out what was remembered before;
        `until` asks what held at that time, also when it no longer holds. By BOTH, and with an
        embedder that fails, words alone are compared. Raises DatabaseUnavailable, and SettingsError
        as `remember_all` does; by VECTOR also what the embedder raises.
        """
        query = storable(query)
        if not query.strip() or not audiences or limit < 1:
            return []
        words = {} if by is By.VECTOR else query_terms(query)
        limit = min(limit, MAX_RECALLED)
        parameters = {
            "tenant": tenant,
            "flow": flow,
            "kinds": sorted(kinds),
            "audiences": sorted(audiences),
            "exclude_ref": _subject(exclude_ref),
            "since": since,
            "until": until,
            "embedder": self._embedder.name,
            "embedding": self._question(query, by),
            "exact_rows": self._exact_rows,
            "terms": [key(term) for term in words],
            "words": list(words.values()),
            "listed": max(LISTED // max(len(words), 1), LISTED_AT_LEAST),
            "proposed": PROPOSED if since is until is None else PROPOSED_OF_ANY_TIME,
            "candidates": max(CANDIDATES, limit),
            "shown": min(3 * limit, CANDIDATES + limit),
            "meaning_weight": WEIGHTS[by].meaning,
            "words_weight": WEIGHTS[by].words,
            "prior_weight": WEIGHTS[by].prior,
        }
        prepare = Statement(SQL["prepare_recall"], {"breadth": str(max(BREADTH, limit))})
        _, rows = self._database.run(tenant, [prepare, Statement(self._recall_sql, parameters)])
        return spread(rows, limit)

    def _row(self, tenant: str, entry: Entry) -> dict[str, object]:
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
            "embedder": self._embedder.name,
            "dimensions": self._embedder.dimensions,
        }

    def _embedded(self, rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
        """The rows, each with its vector; with none where the text is blank or the embedder
        fails."""
        worth = [index for index, row in enumerate(rows) if str(row["text"]).strip()]
        try:
            vectors = self._vectors([str(rows[index]["text"]) for index in worth])
        except (ModelError, MemoryUnavailable) as err:
            log("kept without a vector", texts=len(worth), error=type(err).__name__)
            vectors = []
        found = dict(zip(worth, vectors, strict=False))
        return [row | {"embedding": found.get(index)} for index, row in enumerate(rows)]

    def _question(self, query: str, by: By) -> str | None:
        if by is By.LEXICAL:
            return None
        try:
            return self._vectors([query])[0]
        except (ModelError, MemoryUnavailable) as err:
            if by is By.VECTOR:
                raise
            log("recalled by words alone", error=type(err).__name__)
            return None

    def _vectors(self, texts: Sequence[str]) -> list[str]:
        """The vectors of `texts` as pgvector reads them, in the 16 bits that it keeps."""
        if not texts:
            return []
        vectors = self._embedder.embed([text[:EMBEDDED_CHARACTERS] for text in texts])
        _check(self._embedder, vectors, len(texts))
        return [str(HalfVector(list(vector)).to_text()) for vector in vectors]


def _check(embedder: Embedder, vectors: Sequence[Sequence[float]], count: int) -> None:
    got = [len(vector) for vector in vectors]
    if got != [embedder.dimensions] * count:
        wrong = [length for length in got if length != embedder.dimensions] or got
        raise SettingsError(
            f"memory: embedder {embedder.name} declares vectors of {embedder.dimensions} dimensions"
            f" and returned {len(got)} for {count} texts, of {wrong[:3]}; look at MODEL_EMBED"
        )
    for vector in vectors:
        if not any(vector) or not all(abs(value) <= LARGEST for value in vector):
            raise SettingsError(
                f"memory: embedder {embedder.name} returned a vector without direction;"
                " look at MODEL_EMBED"
            )


def _with_constants(sql: str, dimensions: int) -> str:
    """Write in what is no parameter: the length of a type, and what never changes."""
    constants = {
        "DIMENSIONS": int(dimensions),
        "BEST_IMPACT": BEST_IMPACT,
        "HALF_LIFE": HALF_LIFE,
        "NEARLY_EQUAL": NEARLY_EQUAL,
    }
    for name, value in constants.items():
        sql = sql.replace(name, str(value))
    return sql


def _subject(ref: str) -> str:
    """The ref itself, or for one too long for an index its beginning and a digest of the whole."""
    if len(ref) <= REF_CHARACTERS:
        return storable(ref)
    return f"{storable(ref[:REF_CHARACTERS])}:{short_hash(ref)}"
