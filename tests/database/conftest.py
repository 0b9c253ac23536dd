"""The owner of the test's database."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest


@pytest.fixture
def owner(database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database_url, autocommit=True) as owner:
        yield owner
