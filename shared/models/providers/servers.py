"""Finds the HTTP server behind a model's name, its key and its settings."""

from dataclasses import field
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from shared.errors import SettingsError
from shared.frozen import frozen
from shared.settings import Credential, Settings

_OLLAMA_PORT = 11434
_NONE = Credential("")


class _Vendor(NamedTuple):
    """A vendor's own server, the setting that replaces its address, and that of its key."""

    wire: Literal["openai", "anthropic"]
    url: str
    url_setting: str
    key_setting: str


_VENDORS = {
    "openai": _Vendor("openai", "https://api.openai.com/v1", "openai_base_url", "openai_api_key"),
    "anthropic": _Vendor(
        "anthropic", "https://api.anthropic.com/v1", "anthropic_base_url", "anthropic_api_key"
    ),
}


@frozen
class ModelServer:
    """A model server, and the settings that its failures point to."""

    name: str
    url: str
    key: Credential = field(default=Credential(""), repr=False)
    key_setting: str = "OPENAI_API_KEY"
    url_setting: str = "OPENAI_BASE_URL"
    model_setting: str = "MODEL_SMALL and MODEL_LARGE"
    wire: Literal["openai", "anthropic"] = "openai"

    def headers(self, key: str) -> dict[str, str]:
        """The headers that its wire format wants in each request: the key, a version."""
        if self.wire == "anthropic":
            # https://platform.claude.com/docs/en/api/versioning
            named = {"x-api-key": key} if key else {}
            return {"anthropic-version": "2023-06-01"} | named
        return {"authorization": f"Bearer {key}"} if key else {}

    @property
    def address(self) -> str:
        """The setting and the host that it names, for messages; a URL may hold secrets beside
        it."""
        parts = urlsplit(self.url)
        return f"{self.url_setting} ({parts.scheme}://{parts.netloc.rpartition('@')[2]})"


class ServedModel(NamedTuple):
    """A server, and the name of the model there."""

    server: ModelServer
    model: str


def served_model(name: str, settings: Settings, model_setting: str) -> ServedModel:
    """Find the server of `openai:…`, `ollama:…`, `anthropic:…` or `http://host/v1#…`.

    Error messages point to `model_setting`. Raises SettingsError when the name, a key or an address
    is missing or malformed.
    """
    kind, _, model = name.partition(":")
    if kind in {"http", "https"}:
        # Our key belongs to another server. One that wants a key is set as OPENAI_BASE_URL.
        url, _, model = name.partition("#")
        server = ModelServer(name, url.rstrip("/"), _NONE, "", model_setting, model_setting)
    elif kind == "ollama":
        try:
            url = _ollama(settings.ollama_host)
        except ValueError:
            url = ""  # no address, as is said below
        server = ModelServer(name, url, _NONE, "", "OLLAMA_HOST", model_setting)
    else:
        server = _of_vendor(name, _VENDORS[kind], settings, model_setting)
    if not model:
        raise SettingsError(f"{model_setting}={name!r} names no model; write {_EXAMPLES[kind]}")
    _check(server)
    return ServedModel(server, model)


def _of_vendor(name: str, vendor: _Vendor, settings: Settings, model_setting: str) -> ModelServer:
    url = (getattr(settings, vendor.url_setting) or vendor.url).rstrip("/")
    if vendor.wire == "anthropic":
        # Anthropic's own clients take the address without the version.
        url = url.removesuffix("/v1") + "/v1"
    if url == vendor.url:
        settings.require(vendor.key_setting)
    key = settings.credential(vendor.key_setting)
    key_setting, url_setting = vendor.key_setting.upper(), vendor.url_setting.upper()
    return ModelServer(name, url, key, key_setting, url_setting, model_setting, vendor.wire)


_EXAMPLES = {
    "openai": "openai:gpt-5.4-mini",
    "anthropic": "anthropic:claude-haiku-4-5",
    "ollama": "ollama:llama3.2",
    "http": "http://127.0.0.1:8000/v1#name",
    "https": "https://models.example.com/v1#name",
}


def _ollama(host: str) -> str:
    """Complete OLLAMA_HOST, which may be empty, a host, a port, both, or an address.

    https://docs.ollama.com/faq: a server may listen on 0.0.0.0, which is not an address to call.
    """
    url = urlsplit(host if "://" in host else f"//{host}", scheme="http")
    name = url.hostname or "127.0.0.1"
    name = "127.0.0.1" if name == "0.0.0.0" else f"[{name}]" if ":" in name else name
    port = url.port or (443 if url.scheme == "https" else _OLLAMA_PORT)
    return f"{url.scheme}://{name}:{port}/v1"


def _check(server: ModelServer) -> None:
    try:
        parts = urlsplit(server.url)
        is_address = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # brackets, or a port, that are none
        is_address = False
    if not is_address:
        raise SettingsError(
            f"{server.url_setting} is no address; write one such as https://host/v1"
        )
    key = server.key.value.strip()
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(f"{server.key_setting} holds characters that no key has; copy it again")
