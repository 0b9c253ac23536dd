"""Connects a model by its name: a line for each wire format."""

from typing import TYPE_CHECKING

from shared.errors import SettingsError
from shared.models import Provider
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.models.providers.embedding_wire import EmbeddingWire

_OPENAI_KINDS = frozenset({"openai", "ollama", "http", "https"})


def connect(name: str, settings: Settings, setting: str) -> Provider:
    """Build the provider of `name`, loading only the module of its wire format."""
    kind, colon, _ = name.partition(":")
    if name == "offline":
        from shared.models.offline import model as offline

        return offline.connect(settings)
    if kind == "bedrock" and colon:
        from shared.models.providers.bedrock import model as bedrock

        return bedrock.connect(name, settings, setting)
    if kind == "anthropic" and colon:
        from shared.models.providers.anthropic import model as anthropic

        return anthropic.connect(name, settings, setting)
    if kind in _OPENAI_KINDS and colon:
        from shared.models.providers.openai import model as openai

        return openai.connect(name, settings, setting)
    raise SettingsError(
        f"{setting}={name!r} names no model; write offline, bedrock:…, openai:…, anthropic:…, "
        "ollama:… or http://host/v1#…"
    )


def connect_embedder(name: str, settings: Settings) -> "EmbeddingWire":
    """Build the embedding model of `name`, loading only the module of its wire format."""
    kind, colon, _ = name.partition(":")
    if kind == "bedrock" and colon:
        from shared.models.providers.bedrock import embeddings as bedrock_embeddings

        return bedrock_embeddings.connect(name)
    if kind in _OPENAI_KINDS and colon:
        from shared.models.providers.openai import embeddings as openai_embeddings

        return openai_embeddings.connect(name, settings)
    raise SettingsError(
        f"MODEL_EMBED={name!r} names no embedder; write offline, minilm, hashing, bedrock:…,"
        " openai:…, ollama:… or http://host/v1#…"
    )
