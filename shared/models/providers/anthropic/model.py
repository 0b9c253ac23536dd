"""Anthropic's models, and servers that speak its Messages wire format."""

import threading

from shared.events import Json
from shared.models import ModelRequest, Provider
from shared.models.prices import Prices
from shared.models.providers.anthropic.wire import (
    CACHE,
    FORCE,
    FORMAT,
    TEMPERATURE,
    MessageReader,
    body_of,
    parts_of,
)
from shared.models.providers.http import Http, shared_http
from shared.models.providers.http_model import HttpModel
from shared.models.providers.servers import ServedModel, served_model
from shared.patterns import lazily
from shared.settings import Settings

#: The words of a refusal, by the part of the body that the model does not take.
_COMPLAINTS = {
    TEMPERATURE: lazily(r"temperature"),
    FORCE: lazily(r"tool_choice.*(support|compatible|not permitted)|forces tool use"),
    CACHE: lazily(r"cache_control"),
    FORMAT: lazily(r"output_config|output.?format|structured.?output|grammar|too complex"),
}

#: Models newer than Opus 4.6 refuse a temperature, so none is sent. Other servers take one.
_NO_TEMPERATURE = lazily(r"claude-(?!3|(opus|sonnet|haiku)-4(-[0-6](-|$)|-2025|$))")


def connect(name: str, settings: Settings, setting: str) -> Provider:
    """Return the model called `name`; error messages point to `setting`."""
    served = served_model(name, settings, setting)
    return AnthropicModel(name, served, shared_http(), Prices(settings.model_prices))


class AnthropicModel(HttpModel):
    """A chat model behind Anthropic's Messages. Parts that the model refuses are left out for as
    long as the process lives."""

    path = "/messages"

    def __init__(self, name: str, served: ServedModel, http: Http, prices: Prices) -> None:
        super().__init__(name, served, http, prices)
        self._lock = threading.Lock()
        known = [TEMPERATURE] if _NO_TEMPERATURE.match(self._model) else []
        self._lacks: frozenset[str] = frozenset(known)

    def body(self, request: ModelRequest, *, stream: bool = False) -> Json:
        return body_of(self._model, request, self._lacks, stream=stream)

    def learn(self, body: Json, detail: str) -> bool:
        """Learn: the newest models refuse a forced tool, old ones output_config."""
        said = detail.lower()
        refused = {part for part in parts_of(body) if _COMPLAINTS[part].search(said)}
        with self._lock:
            self._lacks |= refused
        return bool(refused)

    def _reader(self) -> MessageReader:
        return MessageReader()
