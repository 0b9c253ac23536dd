"""Lets vectors travel to Postgres in their 16 bits.

The statement names the type, so nobody asks the server for its number first, as pgvector's own
registration does.
"""

import psycopg
from pgvector import HalfVector
from psycopg.adapt import Dumper
from psycopg.pq import Format


class _HalfVectorDumper(Dumper):
    format = Format.BINARY

    def dump(self, obj: HalfVector) -> bytes:
        return bytes(obj.to_binary())


psycopg.adapters.register_dumper(HalfVector, _HalfVectorDumper)


def halfvec(vector: list[float]) -> HalfVector:
    """Return the vector as a parameter of a statement, where it stands as `%(name)s::halfvec`."""
    return HalfVector(vector)
