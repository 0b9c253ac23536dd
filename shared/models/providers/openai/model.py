"""OpenAI-compatible servers: OpenAI, Ollama, vLLM, llama.cpp and their like."""

from contextlib import AbstractContextManager
from urllib.parse import urlsplit

from shared.events import Json
from shared.models import ModelRequest, Provider
from shared.models.prices import Prices
from shared.models.providers.http import Http, shared_http
from shared.models.providers.http_model import HttpModel
from shared.models.providers.openai.dialect import Dialect
from shared.models.providers.openai.wire import CompletionReader
from shared.models.providers.servers import ServedModel, served_model
from shared.settings import Settings


def connect(name: str, settings: Settings, setting: str) -> Provider:
    """Return the model called `name`; error messages point to `setting`."""
    served = served_model(name, settings, setting)
    return OpenAIModel(name, served, shared_http(), Prices(settings.model_prices))


class OpenAIModel(HttpModel):
    """A chat model behind an OpenAI-compatible server, which has a dialect of its own."""

    path = "/chat/completions"

    def __init__(self, name: str, served: ServedModel, http: Http, prices: Prices) -> None:
        super().__init__(name, served, http, prices)
        host = urlsplit(self._server.url).hostname
        self._dialect = Dialect(newest=host == "api.openai.com")

    def body(self, request: ModelRequest, *, stream: bool = False) -> Json:
        return self._dialect.body(self._model, request, stream=stream)

    def learn(self, body: Json, detail: str) -> bool:
        return self._dialect.learn(body, detail)

    def _reader(self) -> CompletionReader:
        return CompletionReader()

    def _watching(self, request: ModelRequest) -> AbstractContextManager[None]:
        return self._dialect.watching(request)
