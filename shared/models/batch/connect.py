"""Finds the batch interface of a model, loading only the module of its provider."""

from shared.errors import SettingsError
from shared.models.batch import BatchProvider, has_batches
from shared.settings import Settings


def connect(name: str, settings: Settings, setting: str = "the flow's model=") -> BatchProvider:
    """Return the batch interface of the model called `name`; error messages point to `setting`.

    Raises SettingsError when the model has no batches, or a setting for them is missing.
    """
    kind = name.partition(":")[0] if has_batches(name) else ""
    if kind == "openai":
        from shared.models.batch import openai

        return openai.connect(name, settings, setting)
    if kind == "anthropic":
        from shared.models.batch import anthropic

        return anthropic.connect(name, settings, setting)
    if kind == "bedrock":
        from shared.models.batch import bedrock

        return bedrock.connect(name, settings, setting)
    raise SettingsError(
        f"{setting}={name!r} has no batches; write openai:…, anthropic:… or bedrock:…"
    )
