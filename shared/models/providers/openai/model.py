"""OpenAI-compatible servers: OpenAI, Ollama, vLLM, llama.cpp and their like."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from shared.models import Chunk, Json, Provider, Reply, Request
from shared.models.deadline import Deadline
from shared.models.prices import Prices
from shared.models.providers.endpoints import Place, place_of
from shared.models.providers.failures import adapting, garbled, problem_inside
from shared.models.providers.http import Http, kept
from shared.models.providers.openai.dialect import Dialect
from shared.models.providers.openai.wire import Answer
from shared.settings import Settings


def connect(name: str, settings: Settings, setting: str) -> Provider:
    """Return the model called `name`; `setting` is what error messages point to."""
    place = place_of(name, settings, setting)
    return OpenAIModel(name, place, kept(), Prices(settings.model_prices))


class OpenAIModel:
    """A chat model behind an OpenAI-compatible server."""

    def __init__(self, name: str, place: Place, http: Http, prices: Prices) -> None:
        self.name = name
        self._endpoint, self._model = place
        self._http = http
        self._prices = prices
        host = urlsplit(self._endpoint.url).hostname
        self._dialect = Dialect(newest=host == "api.openai.com")

    def reply(self, request: Request, timeout: float) -> Reply:
        deadline = Deadline(timeout)

        def call(body: Json) -> Json:
            return self._http.post(self._endpoint, "/chat/completions", body, deadline)

        with self._dialect.watching(request):
            return self.read(adapting(lambda: self.body(request), call, self.learn))

    def read(self, answered: Json) -> Reply:
        """Return the reply that a whole answer holds; raises ModelUnavailable or ModelRejected."""
        if "error" in answered and "choices" not in answered:
            raise problem_inside(self._endpoint, answered["error"])
        answer = Answer()
        self._add(answer, answered)
        if not answer.begun:
            raise garbled(self._endpoint, "answered JSON without a choice")
        return self._reply(answer)

    def stream(self, request: Request, timeout: float) -> Iterator[Chunk]:
        deadline = Deadline(timeout)

        def call(body: Json) -> Iterator[Json]:
            return self._http.events(self._endpoint, "/chat/completions", body, deadline)

        answer = Answer()
        with self._dialect.watching(request):
            for event in adapting(lambda: self.body(request, stream=True), call, self.learn):
                if event.get("error"):
                    raise problem_inside(self._endpoint, event["error"])
                if text := self._add(answer, event):
                    yield Chunk(text)
        if not answer.finish:
            raise garbled(self._endpoint, "closed the connection in the middle of the answer")
        yield Chunk(reply=self._reply(answer))

    def body(self, request: Request, *, stream: bool = False) -> Json:
        """Write the body in the dialect that this server is known to take."""
        return self._dialect.body(self._model, request, stream=stream)

    def learn(self, body: Json, detail: str) -> bool:
        """Adapt to why the server refused `body`; return whether another try is worth it."""
        return self._dialect.learn(body, detail)

    def _add(self, answer: Answer, piece: Json) -> str:
        try:
            return answer.add(piece)
        except (AttributeError, TypeError, KeyError) as err:
            raise garbled(self._endpoint, "answered JSON of another shape") from err

    def _reply(self, answer: Answer) -> Reply:
        cost = self._prices.cost(self.name, answer.usage)
        return Reply(answer.text, answer.outcome(), answer.usage, self.name, answer.calls(), cost)
