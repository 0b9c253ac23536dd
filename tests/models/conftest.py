"""The model servers and providers that the model tests run on."""

from collections.abc import Iterator

import pytest

from shared.models import Provider
from shared.models.routing import Models
from shared.settings import Settings
from tests.models.scripted_server import ScriptedServer

#: What no error message may show.
KEY = "sk-test-0123456789"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with ScriptedServer() as scripted:
        yield scripted


@pytest.fixture
def settings(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings under which every wire format leads to the scripted server."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return Settings(
        openai_base_url=f"{server.url}/v1",
        openai_api_key=KEY,
        anthropic_base_url=server.url,
        anthropic_api_key=KEY,
    )


NAMES = {
    "openai": "openai:gpt-5.4-mini",
    "anthropic": "anthropic:claude-haiku-4-5",
    "bedrock": "bedrock:us.anthropic.claude-haiku-4-5-20251001-v1:0",
    "offline": "offline",
}


@pytest.fixture(params=["openai", "anthropic", "bedrock"])
def wire(request: pytest.FixtureRequest, settings: Settings) -> Provider:
    """Each provider that speaks to a server."""
    return Models(settings).provider(NAMES[request.param])


@pytest.fixture(params=["openai", "anthropic", "bedrock", "offline"])
def provider(request: pytest.FixtureRequest, settings: Settings) -> Provider:
    """Each provider."""
    return Models(settings).provider(NAMES[request.param])
