"""Chooses the local system's models: from the settings, else those that this machine reaches."""

import json
import os
from collections.abc import Callable
from typing import Any

import urllib3

from shared.errors import SettingsError
from shared.settings import Settings

ModelChoice = dict[str, str]

#: Small and large; docs/settings.md repeats them.
OPENAI = ("openai:gpt-5-mini", "openai:gpt-5")
ANTHROPIC = ("anthropic:claude-haiku-4-5", "anthropic:claude-sonnet-4-5")
BEDROCK = ("bedrock:amazon.nova-lite-v1:0", "bedrock:amazon.nova-pro-v1:0")
OFFLINE = ("offline", "offline")

MODEL_SETTINGS = ("MODEL_SMALL", "MODEL_LARGE", "MODEL_EMBED")

#: Seconds that a server on this machine has to say that it is there.
_PATIENCE = 0.5


def choose_models(settings: Settings, named: Callable[[str], bool]) -> ModelChoice:
    """Return MODEL_SMALL, MODEL_LARGE and MODEL_EMBED.

    `named` tells if the user set a variable. Names that the user set come first, then OpenAI's API
    or a compatible server, Anthropic's, AWS credentials, a running Ollama, and the offline model.
    """
    small, large, embed = _reachable(settings)
    found = dict(zip(MODEL_SETTINGS, (small, large, embed), strict=True))
    return {
        name: getattr(settings, name.lower()) if named(name) else value
        for name, value in found.items()
    }


def _reachable(settings: Settings) -> tuple[str, str, str]:
    if settings.openai_base_url:
        names = _listed(f"{settings.openai_base_url.rstrip('/')}/models", "data", "id", settings)
        chat = next((name for name in names if "embed" not in name), "default")
        return f"openai:{chat}", f"openai:{chat}", "offline"
    if settings.openai_api_key:
        return *OPENAI, "openai:text-embedding-3-small"
    if settings.anthropic_api_key:
        return *ANTHROPIC, "offline"
    if aws_identity():
        return *BEDROCK, "bedrock:amazon.titan-embed-text-v2:0"
    host = settings.ollama_host or "http://127.0.0.1:11434"
    names = _listed(f"{host.rstrip('/')}/api/tags", "models", "name", settings)
    chat = next((name for name in names if "embed" not in name), "")
    return (f"ollama:{chat}", f"ollama:{chat}", "offline") if chat else (*OFFLINE, "offline")


def _listed(url: str, key: str, field: str, settings: Settings) -> list[str]:
    """Return the names of the models that a server lists; empty when there is no such server."""
    headers = (
        {"authorization": f"Bearer {settings.openai_api_key}"} if settings.openai_api_key else {}
    )
    try:
        answer = urllib3.request("GET", url, headers=headers, timeout=_PATIENCE, retries=False)
        body: Any = json.loads(answer.data)
        return [str(model[field]) for model in body[key]]
    except (urllib3.exceptions.HTTPError, ValueError, KeyError, TypeError):
        return []


def aws_identity() -> ModelChoice:
    """Return the region and the credentials that boto3 finds, a profile's too, as variables.

    Functions have no profile. Empty when there are none.
    """
    import boto3
    from botocore.exceptions import BotoCoreError

    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")  # it would ask the network
    try:
        session = boto3.Session()
        credentials = session.get_credentials()
        if credentials is None:
            return {}
        frozen = credentials.get_frozen_credentials()
    except BotoCoreError as err:
        raise SettingsError(f"the AWS credentials cannot be used: {err}") from err
    return {
        # boto3 itself reads AWS_DEFAULT_REGION only.
        "AWS_REGION": os.environ.get("AWS_REGION") or session.region_name or "us-east-1",
        "AWS_ACCESS_KEY_ID": frozen.access_key,
        "AWS_SECRET_ACCESS_KEY": frozen.secret_key,
        "AWS_SESSION_TOKEN": frozen.token or "",
    }
