"""A database without any schema, and migrations that pause only for moments."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from infra.migrations import applying
from tests.database.reused import named


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    """An empty database of the test's server."""
    name = f"empty_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute(f"create database {name} strategy file_copy".encode())
        yield named(postgres_url, name)
        server.execute(f"drop database {name} with (force)".encode())


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for locks, and pause, for moments."""
    monkeypatch.setattr(applying, "_PAUSE", (0.05, 0.2))
    monkeypatch.setattr(applying, "_PATIENCE", 60.0)
