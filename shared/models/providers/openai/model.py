"""OpenAI-compatible servers: OpenAI, Ollama, vLLM, llama.cpp and their like."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from shared.models import Chunk, Json, ModelReply, ModelRequest, Provider
from shared.models.deadline import Deadline
from shared.models.prices import Prices
from shared.models.providers.failures import adapting, garbled, problem_inside
from shared.models.providers.http import Http, shared_http
from shared.models.providers.openai.dialect import Dialect
from shared.models.providers.openai.wire import CompletionReader
from shared.models.providers.servers import ServedModel, served_model
from shared.settings import Settings


def connect(name: str, settings: Settings, setting: str) -> Provider:
    """Return the model called `name`; error messages point to `setting`."""
    served = served_model(name, settings, setting)
    return OpenAIModel(name, served, shared_http(), Prices(settings.model_prices))


class OpenAIModel:
    """A chat model behind an OpenAI-compatible server."""

    def __init__(self, name: str, served: ServedModel, http: Http, prices: Prices) -> None:
        self.name = name
        self._server, self._model = served
        self._http = http
        self._prices = prices
        host = urlsplit(self._server.url).hostname
        self._dialect = Dialect(newest=host == "api.openai.com")

    def reply(self, request: ModelRequest, timeout: float) -> ModelReply:
        deadline = Deadline(timeout)

        def call(body: Json) -> Json:
            return self._http.post(self._server, "/chat/completions", body, deadline)

        with self._dialect.watching(request):
            return self.read(adapting(lambda: self.body(request), call, self.learn))

    def read(self, answered: Json) -> ModelReply:
        """Return the reply in a whole answer; raises ModelUnavailable or ModelRejected."""
        if "error" in answered and "choices" not in answered:
            raise problem_inside(self._server, answered["error"])
        answer = CompletionReader()
        self._add(answer, answered)
        if not answer.begun:
            raise garbled(self._server, "answered JSON without a choice")
        return self._reply(answer)

    def stream(self, request: ModelRequest, timeout: float) -> Iterator[Chunk]:
        deadline = Deadline(timeout)

        def call(body: Json) -> Iterator[Json]:
            return self._http.events(self._server, "/chat/completions", body, deadline)

        answer = CompletionReader()
        with self._dialect.watching(request):
            for event in adapting(lambda: self.body(request, stream=True), call, self.learn):
                if event.get("error"):
                    raise problem_inside(self._server, event["error"])
                if text := self._add(answer, event):
                    yield Chunk(text)
        if not answer.finish:
            raise garbled(self._server, "closed the connection in the middle of the answer")
        yield Chunk(reply=self._reply(answer))

    def body(self, request: ModelRequest, *, stream: bool = False) -> Json:
        """Write the body in the dialect of this server."""
        return self._dialect.body(self._model, request, stream=stream)

    def learn(self, body: Json, detail: str) -> bool:
        """Learn from the refusal of `body`; return True when another try is worth it."""
        return self._dialect.learn(body, detail)

    def _add(self, answer: CompletionReader, piece: Json) -> str:
        try:
            return answer.add(piece)
        except (AttributeError, TypeError, KeyError) as err:
            raise garbled(self._server, "answered JSON of another shape") from err

    def _reply(self, answer: CompletionReader) -> ModelReply:
        cost = self._prices.cost(self.name, answer.usage)
        return ModelReply(
            answer.text, answer.outcome(), answer.usage, self.name, answer.calls(), cost
        )
