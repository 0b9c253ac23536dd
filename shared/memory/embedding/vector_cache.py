"""The cache of vectors that were paid for, by the hash of their text.

Reading and writing it takes a round trip to Postgres each, a few milliseconds together; a call to a
vendor takes ten times as long, and costs money. Questions are cached too: another flow may ask the
same, and a flow often remembers what was asked, which has the same vector unless the embedder is
asymmetric. Local embedders are as fast as the cache and do not use it.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from hashlib import sha256

from shared.database import Database, Statement, queries
from shared.memory.embedding.embedder import Embedder, Purpose
from shared.memory.embedding.vectors import as_text, check_vectors
from shared.models import Payer
from shared.models.payers import paid_by

SQL = queries(__file__, "vector_cache.sql")

#: Texts per round trip. Their vectors are kept even when a later slice fails.
_SLICE = 512
#: Vectors that a process holds in memory: about 10 MB.
_MOST_KNOWN = 256

Vector = list[float]
_Key = tuple[str, str, str, str]


class VectorCache:
    """The cached vectors of one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, Vector] = OrderedDict()

    def of(self, tenant: str, embedder: Embedder) -> Embedder:
        """Return an embedder for `tenant` that asks `embedder` only for what is not cached."""
        return _CachedEmbedder(self, tenant, embedder)

    def recent(self, keys: Sequence[_Key]) -> dict[str, Vector]:
        """Return the vectors that this process holds, by digest."""
        with self._lock:
            return {key[1]: self._known[key] for key in keys if key in self._known}

    def learn(self, key: _Key, vector: Vector) -> None:
        """Hold a vector in this process, in place of the oldest one."""
        with self._lock:
            self._known[key] = vector
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)

    def find(self, parameters: dict[str, object]) -> dict[str, Vector]:
        """Return the vectors that the database has, by digest."""
        tenant = str(parameters["tenant"])
        statements = [Statement(SQL["find"], parameters), Statement(SQL["touch"], parameters)]
        rows, _ = self._database.run(tenant, statements)
        return {row["digest"]: json.loads(row["vector"]) for row in rows}

    def keep(self, parameters: dict[str, object]) -> None:
        """Write new vectors to the database."""
        self._database.run(str(parameters["tenant"]), [Statement(SQL["keep"], parameters)])


class _CachedEmbedder:
    """An embedder that first looks into the cache of one tenant."""

    def __init__(self, cache: VectorCache, tenant: str, embedder: Embedder) -> None:
        self.name = embedder.name
        self.asymmetric = embedder.asymmetric
        self._cache = cache
        self._tenant = tenant
        self._embedder = embedder

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        """Return a vector per text.

        Raises what the embedder raises, SettingsError for invalid vectors, and DatabaseUnavailable.
        """
        purpose = purpose if self.asymmetric else "document"
        return [vector for part in _parts(texts) for vector in self._part(part, purpose)]

    def _part(self, texts: Sequence[str], purpose: Purpose) -> list[Vector]:
        digests = [digest_of(text) for text in texts]
        wanted = dict(zip(digests, texts, strict=True))
        keys = {digest: (self._tenant, digest, self.name, purpose) for digest in wanted}
        found = self._cache.recent(list(keys.values()))
        about: dict[str, object] = {
            "tenant": self._tenant,
            "embedder": self.name,
            "purpose": purpose,
        }
        if missing := [digest for digest in wanted if digest not in found]:
            found |= self._cache.find(about | {"digests": missing})
        if missing := [digest for digest in wanted if digest not in found]:
            with paid_by(Payer(self._tenant, "")):
                new = self._embedder.embed([wanted[digest] for digest in missing], purpose)
            check_vectors(self._embedder, new, len(missing))
            found |= zip(missing, new, strict=True)
            kept = {digest: as_text(found[digest]) for digest in missing if found[digest]}
            self._cache.keep(about | {"digests": [*kept], "vectors": [*kept.values()]})
        if (
            len(texts) == 1 and found[digests[0]]
        ):  # Several belong to an ingestion, which never asks again.
            self._cache.learn(keys[digests[0]], found[digests[0]])
        return [found[digest] for digest in digests]


def digest_of(text: str) -> str:
    """Hash a text as it is embedded. The trigger forget_embedding computes the same in SQL."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[start : start + _SLICE] for start in range(0, len(texts), _SLICE))
