"""What calls cost, and that an unknown price is no price."""

import pytest

from shared.models import Usage
from shared.models.prices import cost

MILLION = Usage(1_000_000, 1_000_000)
SMALL = Usage(100_000, 0)


@pytest.mark.parametrize(
    ("name", "usage", "dollars"),
    [
        ("openai:gpt-5.4-mini", MILLION, 5.25),
        ("openai:gpt-4.1-2025-04-14", MILLION, 10.0),
        ("anthropic:claude-haiku-4-5-20251001", MILLION, 6.0),
        ("bedrock:us.anthropic.claude-haiku-4-5-20251001-v1:0", MILLION, 6.0),
        ("bedrock:amazon.nova-micro-v1:0", MILLION, 0.175),
        ("anthropic:claude-haiku-5-5", SMALL, 0.01),
        ("anthropic:claude-haiku-5-5", Usage(200_000, 0), 0.1),
        ("anthropic:claude-opus-5-5", Usage(1_000_000, 0, 1_000_000), 0.2),
        ("openai:gpt-5.4-mini", Usage(), 0.0),
        ("offline", MILLION, 0.0),
    ],
)
def test_known_models_have_their_price(name: str, usage: Usage, dollars: float) -> None:
    assert cost(name, usage) == pytest.approx(dollars)


@pytest.mark.parametrize(
    "name",
    [
        "openai:gpt-5.4-pro",
        "openai:gpt-5.4-mini-high",
        "openai:gpt-5",
        "openai:gpt-4.12",
        "ollama:llama3.2",
        "http://127.0.0.1/v1#gpt-5.4",
        "anthropic:claude-opus-5-6",
    ],
)
def test_a_model_that_only_looks_alike_has_none(name: str) -> None:
    assert cost(name, MILLION) is None
