"""The windows of models: those that a setting names, and those that are known of their servers."""

import pytest

from shared.errors import SettingsError
from shared.models.routing import Models
from shared.models.windows import ModelWindow, ModelWindows
from shared.settings import Settings

OWN = "ollama:*=32768; ollama:qwen*=65536/8192 ;http://host/v1#a=b=16384;"


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("ollama:llama3.2", 32_768),
        ("ollama:qwen3:8b", 65_536),
        ("http://host/v1#a=b", 16_384),
        ("http://host/v1#other", 8_192),
        ("anthropic:claude-opus-5", 128_000),
        ("bedrock:us.amazon.nova-micro-v1:0", 128_000),
        ("offline", 128_000),
    ],
)
def test_own_windows_come_before_those_that_are_known(name: str, tokens: int) -> None:
    assert ModelWindows(OWN).of(name).tokens == tokens


def test_ollama_has_a_small_window_until_somebody_says_otherwise() -> None:
    assert ModelWindows().of("ollama:llama3.2") == ModelWindow(4_096, 4_096)


@pytest.mark.parametrize("text", ["ollama:x", "=5000", "x=many", "x=100", "x=5000/0", "a*b=5000"])
def test_a_malformed_setting_is_told(text: str) -> None:
    with pytest.raises(SettingsError, match="MODEL_WINDOWS has"):
        ModelWindows(text)


@pytest.mark.parametrize(
    ("large", "small", "tokens"),
    [
        ("anthropic:a,ollama:b", "offline", 4_096),
        ("anthropic:a", "offline", 128_000),
        ("anthropic:a", "ollama:b", 4_096),  # which answers when the budget has no room
    ],
)
def test_a_role_has_the_least_window_of_all_that_may_answer(
    large: str, small: str, tokens: int
) -> None:
    models = Models(Settings(model_large=large, model_small=small))
    assert models.window("large").tokens == tokens
