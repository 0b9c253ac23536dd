"""Each model is called once, and what goes wrong is said in clear words."""

from typing import Any

import pytest

from infra.deploy.models.trial import tried
from infra.deploy.steps.models import on_this_machine
from shared.settings import Settings
from tests.infra.deploy.models.bedrock_server import NOVA, TITAN, EmulatedBedrock
from tests.models.scripted_server import Fails, ScriptedServer
from tests.scripted_http import answer, raw, served


def test_an_embedder_of_bedrock_is_tried(bedrock: EmulatedBedrock) -> None:
    name = f"bedrock:{TITAN}"
    found = tried("MODEL_EMBED", name, Settings(), lambda: bedrock.client("bedrock-runtime"))
    assert found.problem == ""
    assert found.cost == pytest.approx(3 * 0.02 / 1e6)


@pytest.mark.parametrize(
    ("status", "code", "message", "said"),
    [
        (403, "AccessDeniedException", "You don't have access", "access was denied"),
        (404, "ResourceNotFoundException", "This Model is marked by provider as Legacy", "retires"),
        (429, "ThrottlingException", "Too many requests", "rate limited"),
        (400, "ValidationException", "on-demand throughput isn't supported", "inference profile"),
    ],
)
def test_what_bedrock_refuses_is_said_in_clear_words(
    bedrock: EmulatedBedrock, status: int, code: str, message: str, said: str
) -> None:
    bedrock.fails["/converse"] = (status, code, message)
    name = f"bedrock:eu.{NOVA}"
    found = tried("MODEL_SMALL", name, Settings(), lambda: bedrock.client("bedrock-runtime"))
    assert said in found.problem
    assert found.passing is (status == 429)


def no_bedrock() -> Any:
    raise AssertionError("nobody asked for Bedrock")


@pytest.mark.parametrize("kind", ["openai:m", "anthropic:claude-haiku-4-5", "{url}/v1#m"])
def test_other_providers_are_tried_with_one_call(kind: str) -> None:
    with ScriptedServer() as server:
        settings = Settings(
            openai_base_url=f"{server.url}/v1",
            openai_api_key="sk-x",
            anthropic_base_url=server.url,
            anthropic_api_key="sk-y",
        )
        found = tried("MODEL_SMALL", kind.format(url=server.url), settings, no_bedrock)
        assert found.problem == ""
        assert len(server.seen) == 1


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("name", ["openai:gpt-5.4-mini", "anthropic:claude-haiku-4-5"])
def test_a_wrong_key_or_model_names_its_setting(status: int, name: str) -> None:
    with ScriptedServer() as server:
        server.says(Fails(status))
        settings = Settings(
            openai_base_url=f"{server.url}/v1",
            openai_api_key="sk-x",
            anthropic_base_url=server.url,
            anthropic_api_key="sk-y",
        )
        found = tried("MODEL_SMALL", name, settings, no_bedrock)
        vendor = name.partition(":")[0].upper()
        assert f"{vendor}_API_KEY" in found.problem or "MODEL_SMALL" in found.problem
        assert "sk-" not in found.problem
        assert not found.passing


def test_a_wrong_address_is_said() -> None:
    settings = Settings(openai_api_key="sk-x")
    with served(answer(200, b"<html>")) as server:
        page = settings._replace(openai_base_url=f"{server.url}/v1")
        assert tried("MODEL_SMALL", "openai:m", page, no_bedrock).problem
    gone = page
    assert "OPENAI_BASE_URL" in tried("MODEL_SMALL", "openai:m", gone, no_bedrock).problem
    with served(raw(b"")) as server:
        cut = settings._replace(openai_base_url=f"{server.url}/v1")
        assert tried("MODEL_SMALL", "openai:m", cut, no_bedrock).problem


def test_a_missing_key_is_said_without_a_call() -> None:
    assert "OPENAI_API_KEY" in tried("MODEL_SMALL", "openai:m", Settings(), no_bedrock).problem


@pytest.mark.parametrize(
    ("name", "here"),
    [
        ("ollama:qwen3", True),
        ("http://localhost:8080/v1#m", True),
        ("http://models.acme.com/v1#m", False),
        ("openai:gpt-5.4", False),
        ("bedrock:x", False),
    ],
)
def test_a_model_on_this_machine_is_out_of_reach(name: str, here: bool) -> None:
    assert bool(on_this_machine(name, Settings())) is here
