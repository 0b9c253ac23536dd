"""The server that takes batches, and settings that lead to it."""

from collections.abc import Iterator

import pytest

from shared.settings import Settings
from tests.batches.server import BatchServer

KEY = "sk-test-0123456789"


@pytest.fixture
def server() -> Iterator[BatchServer]:
    with BatchServer() as server:
        yield server


@pytest.fixture
def settings(server: BatchServer) -> Settings:
    return Settings(
        model_small="openai:gpt-5.4-mini",
        openai_base_url=f"{server.url}/v1",
        openai_api_key=KEY,
        anthropic_base_url=server.url,
        anthropic_api_key=KEY,
    )
