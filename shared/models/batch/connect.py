"""Connects to the batch interface of the model that a name names, loading the module of its
provider only."""

from shared.errors import SettingsError
from shared.models.batch import BatchProvider, has_batches
from shared.settings import Settings


def connect(name: str, settings: Settings, setting: str = "the flow's model=") -> BatchProvider:
    """Return the batch interface of the model called `name`.

    Raises SettingsError when it has none or when a setting for it is missing; `setting` is what
    messages point to.
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
