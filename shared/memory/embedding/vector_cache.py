"""The vectors that were paid for once, by the hash of their text: asked again, they cost nothing.

A look and keeping cost a round trip to Postgres each, a few milliseconds together; a call to a
vendor costs ten times that, and money. So questions are looked up too: another flow may have asked
the same, and where an embedder makes no difference between the two, what was asked is often what is
then remembered. Local embedders are as fast as a look, so nobody looks for theirs.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from hashlib import sha256

from shared.database import Database, Statement, queries
from shared.memory.embedding.local_embedders import Embedder, Purpose, checked, written

SQL = queries(__file__, "vector_cache.sql")

#: Texts per round trip: what came of them is kept, whatever becomes of the next.
_SLICE = 512
#: Vectors that a process keeps in mind; about 10 MB.
_MOST_KNOWN = 256

Vector = list[float]
_Key = tuple[str, str, str, str]


class Embeddings:
    """The kept vectors of one database. Threads may share it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, Vector] = OrderedDict()

    def of(self, tenant: str, embedder: Embedder) -> Embedder:
        """Return `embedder` as it is asked for `tenant`: only for what is not kept yet."""
        return _Keeping(self, tenant, embedder)

    def recent(self, keys: Sequence[_Key]) -> dict[str, Vector]:
        """Return what this process knows, by digest."""
        with self._lock:
            return {key[1]: self._known[key] for key in keys if key in self._known}

    def learn(self, key: _Key, vector: Vector) -> None:
        """Keep one in mind, in the place of the oldest."""
        with self._lock:
            self._known[key] = vector
            while len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)

    def find(self, parameters: dict[str, object]) -> dict[str, Vector]:
        tenant = str(parameters["tenant"])
        statements = [Statement(SQL["find"], parameters), Statement(SQL["touch"], parameters)]
        rows, _ = self._database.run(tenant, statements)
        return {row["digest"]: json.loads(row["vector"]) for row in rows}

    def keep(self, parameters: dict[str, object]) -> None:
        self._database.run(str(parameters["tenant"]), [Statement(SQL["keep"], parameters)])


class _Keeping:
    """An embedder that first looks among the kept vectors of one tenant."""

    def __init__(self, kept: Embeddings, tenant: str, embedder: Embedder) -> None:
        self.name = embedder.name
        self.asymmetric = embedder.asymmetric
        self._kept = kept
        self._tenant = tenant
        self._embedder = embedder

    @property
    def dimensions(self) -> int:
        return self._embedder.dimensions

    def embed(self, texts: Sequence[str], purpose: Purpose = "document") -> list[Vector]:
        """Return a vector per text; raises what the embedder raises, SettingsError for vectors that
        it must not send, and DatabaseUnavailable."""
        purpose = purpose if self.asymmetric else "document"
        return [vector for part in _parts(texts) for vector in self._part(part, purpose)]

    def _part(self, texts: Sequence[str], purpose: Purpose) -> list[Vector]:
        digests = [digest_of(text) for text in texts]
        wanted = dict(zip(digests, texts, strict=True))
        keys = {digest: (self._tenant, digest, self.name, purpose) for digest in wanted}
        found = self._kept.recent(list(keys.values()))
        about: dict[str, object] = {
            "tenant": self._tenant,
            "embedder": self.name,
            "purpose": purpose,
        }
        if missing := [digest for digest in wanted if digest not in found]:
            found |= self._kept.find(about | {"digests": missing})
        if missing := [digest for digest in wanted if digest not in found]:
            new = self._embedder.embed([wanted[digest] for digest in missing], purpose)
            checked(self._embedder, new, len(missing))
            found |= zip(missing, new, strict=True)
            vectors = [written(vector) for vector in new]
            self._kept.keep(about | {"digests": missing, "vectors": vectors})
        if len(texts) == 1:  # Many at once are an ingestion, which never asks again.
            self._kept.learn(keys[digests[0]], found[digests[0]])
        return [found[digest] for digest in digests]


def digest_of(text: str) -> str:
    """Name a text as it is embedded. The trigger forget_embedding computes the same in SQL."""
    return sha256(text.encode("utf-8", "replace")).hexdigest()[:32]


def _parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[start : start + _SLICE] for start in range(0, len(texts), _SLICE))
