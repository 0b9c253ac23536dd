"""Vectors on their way from an embedder to Postgres, which keeps 16 bits of each number."""

import math
from collections.abc import Sequence

import psycopg
from pgvector import HalfVector
from psycopg.adapt import Dumper
from psycopg.pq import Format

from shared.errors import SettingsError
from shared.memory.embedding.embedder import Embedder

#: The largest finite number of 16 bits. Postgres cannot compare a vector with a larger one.
_LARGEST = 65_504


class _HalfVectorDumper(Dumper):
    """Sends a vector in binary.

    The statement names the type, so this saves the round trip with which pgvector's own
    registration asks the server for the type's number.
    """

    format = Format.BINARY

    def dump(self, obj: HalfVector) -> bytes:
        return bytes(obj.to_binary())


psycopg.adapters.register_dumper(HalfVector, _HalfVectorDumper)


def as_binary(vector: list[float]) -> HalfVector:
    """Return the vector as a binary parameter; the statement writes `%(name)s::halfvec`."""
    return HalfVector(vector)


def as_text(vector: Sequence[float]) -> str:
    """Write the vector for pgvector, with the five digits that 16 bits can tell apart."""
    return f"[{','.join(['%.5g'] * len(vector))}]" % tuple(vector)


def check_vectors(embedder: Embedder, vectors: Sequence[Sequence[float]], count: int) -> None:
    """Raise SettingsError unless `embedder` returned what it declares: a vector for each text, an
    empty one where it refuses the text."""
    name, dimensions = embedder.name, embedder.dimensions
    got = [len(vector) for vector in vectors]
    if len(got) != count or set(got) - {0, dimensions}:
        wrong = [length for length in got if length not in {0, dimensions}] or got
        raise SettingsError(
            f"memory: embedder {name} declares vectors of {dimensions} dimensions and returned"
            f" {len(got)} for {count} texts, of {wrong[:3]}; look at MODEL_EMBED"
        )
    for vector in filter(None, vectors):
        # A sum with NaN in it is NaN; max() can miss one.
        if not any(vector) or not math.isfinite(sum(vector)) or max(map(abs, vector)) > _LARGEST:
            raise SettingsError(
                f"memory: embedder {name} returned a vector without direction; look at MODEL_EMBED"
            )
