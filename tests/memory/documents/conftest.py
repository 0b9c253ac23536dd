"""What the tests of ingestion share: a sandbox GitHub, and the flow that reads it over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.sandbox.github import GitHubSandbox
from shared.database import Database
from tests.memory.documents.ingested import Ingested


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[GitHubSandbox]:
    with GitHubSandbox("http://127.0.0.1:9/nobody-listens", "secret") as made:
        yield made


@pytest.fixture
def repository(database_url: str, sandbox: GitHubSandbox) -> Iterator[Ingested]:
    with Database(database_url, patience=5) as database:
        yield Ingested(database_url, database, sandbox)
