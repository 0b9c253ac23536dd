"""Where a model's name leads: the servers that speak the OpenAI wire format, and their settings."""

from typing import NamedTuple
from urllib.parse import urlsplit

from shared.errors import SettingsError
from shared.models.failures import Endpoint
from shared.settings import Settings

_OPENAI = "https://api.openai.com/v1"
_ANTHROPIC = "https://api.anthropic.com/v1"
_OLLAMA_PORT = 11434


class Place(NamedTuple):
    """A server, and what the model is called there."""

    endpoint: Endpoint
    model: str


def place_of(name: str, settings: Settings, model_setting: str) -> Place:
    """Find the server of `openai:…`, `ollama:…`, `anthropic:…` or `http://host/v1#…`.

    `model_setting` is the setting that error messages point to. Raises SettingsError when the name,
    a key or an address is missing or malformed.
    """
    kind, _, model = name.partition(":")
    url, key, key_setting, url_setting = "", "", "", model_setting
    if kind in {"http", "https"}:
        # No key goes there: it belongs to another server. One that wants a key is OPENAI_BASE_URL.
        url, _, model = name.partition("#")
    elif kind == "ollama":
        url, url_setting = _ollama(settings.ollama_host), "OLLAMA_HOST"
    elif kind == "anthropic":
        url, key, key_setting = (
            _ANTHROPIC,
            settings.require("anthropic_api_key"),
            "ANTHROPIC_API_KEY",
        )
    else:
        url, url_setting = settings.openai_base_url or _OPENAI, "OPENAI_BASE_URL"
        key, key_setting = settings.openai_api_key, "OPENAI_API_KEY"
        if url == _OPENAI:
            settings.require("openai_api_key")
    if not model:
        raise SettingsError(f"{model_setting}={name!r} names no model; write {_EXAMPLES[kind]}")
    _check(url, url_setting, key, key_setting)
    endpoint = Endpoint(name, url.rstrip("/"), key.strip(), key_setting, url_setting, model_setting)
    return Place(endpoint, model)


_EXAMPLES = {
    "openai": "openai:gpt-5.4-mini",
    "anthropic": "anthropic:claude-haiku-4-5",
    "ollama": "ollama:llama3.2",
    "http": "http://127.0.0.1:8000/v1#name",
    "https": "https://models.example.com/v1#name",
}


def _ollama(host: str) -> str:
    """Complete what OLLAMA_HOST may be: empty, a host, a port, both, or an address.

    https://docs.ollama.com/faq: a server may listen on 0.0.0.0, but nobody can call that.
    """
    url = urlsplit(host if "://" in host else f"//{host}", scheme="http")
    name = url.hostname or "127.0.0.1"
    name = "127.0.0.1" if name == "0.0.0.0" else f"[{name}]" if ":" in name else name
    port = url.port or (443 if url.scheme == "https" else _OLLAMA_PORT)
    return f"{url.scheme}://{name}:{port}/v1"


def _check(url: str, url_setting: str, key: str, key_setting: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"{url_setting} is no address; write one such as https://host/v1")
    if not (key.strip().isascii() and key.strip().isprintable()):
        raise SettingsError(f"{key_setting} holds characters that no key has; copy it again")
