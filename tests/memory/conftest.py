"""What tests of the memory share."""

import psycopg
import pytest


@pytest.fixture
def slow_index_dropped(database_url: str) -> None:
    """Drop the index over vectors, which costs most to fill: for many memories and no vectors."""
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("drop index memory_vectors_hnsw_256")
