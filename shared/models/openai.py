"""OpenAI-compatible servers: OpenAI, Ollama, vLLM, llama.cpp, Anthropic's compatible endpoint."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from shared.errors import ModelRejected
from shared.models import Chunk, Embedder, Json, Provider, Reply, Request, prices
from shared.models.deadline import Deadline
from shared.models.dialect import Dialect
from shared.models.dimensions import sized
from shared.models.endpoints import Place, place_of
from shared.models.failures import Endpoint, Refused, garbled, problem_inside
from shared.models.http import Http, kept
from shared.models.openai_wire import Answer
from shared.settings import Settings

T = TypeVar("T")

#: A server may refuse one thing after the other: the limit's name, the temperature, the stream's
#: options, two formats.
_ADAPTATIONS = 5

#: Texts per embedding call: OpenAI takes 2048, small local servers far fewer.
_BATCH = 64
_EMBED_SECONDS = 30.0

_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
    "nomic-embed-text": 768,
    "mxbai-embed-large": 1024,
    "all-minilm": 384,
    "bge-m3": 1024,
}


def connect(name: str, settings: Settings, setting: str) -> Provider:
    """Return the model called `name`; `setting` is what error messages point to."""
    return OpenAIModel(name, place_of(name, settings, setting), kept())


def connect_embedder(name: str, settings: Settings) -> Embedder:
    """Return the embedder called `name`, as `openai:text-embedding-3-small` or `ollama:…@768`."""
    plain, dimensions, chosen = sized(name, _DIMENSIONS)
    return OpenAIEmbedder(name, place_of(plain, settings, "MODEL_EMBED"), dimensions, chosen)


class OpenAIModel:
    """A chat model behind an OpenAI-compatible server."""

    def __init__(self, name: str, place: Place, http: Http) -> None:
        self.name = name
        self._endpoint, self._model = place
        self._http = http
        host = urlsplit(self._endpoint.url).hostname
        # https://platform.claude.com/docs/en/cli-sdks-libraries/libraries/openai-sdk: Anthropic's
        # compatible endpoint ignores response_format.
        self._dialect = Dialect(
            newest=host == "api.openai.com", schemas=not name.startswith("anthropic:")
        )

    def reply(self, request: Request, timeout: float) -> Reply:
        deadline = Deadline(timeout)

        def call(body: Json) -> Json:
            return self._http.post(self._endpoint, "/chat/completions", body, deadline)

        with self._dialect.watching(request):
            answered = self._adapting(request, False, call)
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
            return _started(self._http.events(self._endpoint, "/chat/completions", body, deadline))

        answer = Answer()
        with self._dialect.watching(request):
            for event in self._adapting(request, True, call):
                if event.get("error"):
                    raise problem_inside(self._endpoint, event["error"])
                if text := self._add(answer, event):
                    yield Chunk(text)
        if not answer.finish:
            raise garbled(self._endpoint, "closed the connection in the middle of the answer")
        yield Chunk(reply=self._reply(answer))

    def _adapting(self, request: Request, stream: bool, call: Callable[[Json], T]) -> T:
        """Call with a body in this server's dialect, and learn the dialect when it is refused."""
        for _ in range(_ADAPTATIONS):
            body = self._dialect.body(self._model, request, stream=stream)
            try:
                return call(body)
            except Refused as refused:
                if not self._dialect.learn(body, refused.detail):
                    raise
        return call(self._dialect.body(self._model, request, stream=stream))

    def _add(self, answer: Answer, piece: Json) -> str:
        try:
            return answer.add(piece)
        except (AttributeError, TypeError, KeyError) as err:
            raise garbled(self._endpoint, "answered JSON of another shape") from err

    def _reply(self, answer: Answer) -> Reply:
        cost = prices.cost(self.name, answer.usage)
        return Reply(answer.text, answer.outcome(), answer.usage, self.name, answer.calls(), cost)


class OpenAIEmbedder:
    """An embedding model behind an OpenAI-compatible server."""

    def __init__(self, name: str, place: Place, dimensions: int, chosen: bool) -> None:
        self.name = name
        self.dimensions = dimensions
        self._endpoint, self._model = place
        self._chosen = chosen
        self._http = kept()

    def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return a unit vector per text; raises ModelUnavailable or ModelRejected."""
        batches = (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))
        return [vector for batch in batches for vector in self._batch(batch)]

    def _batch(self, texts: Sequence[str]) -> list[list[float]]:
        # Servers refuse an empty text.
        body: Json = {"model": self._model, "input": [text.strip() or "-" for text in texts]}
        if self._chosen and self._model.startswith("text-embedding-3"):
            body["dimensions"] = self.dimensions
        answer = self._http.post(self._endpoint, "/embeddings", body, Deadline(_EMBED_SECONDS))
        try:
            rows = sorted(answer["data"], key=lambda row: int(row["index"]))
            vectors = [unit([float(x) for x in row["embedding"]]) for row in rows]
        except (KeyError, TypeError, ValueError) as err:
            raise garbled(self._endpoint, "answered something else than embeddings") from err
        if len(vectors) != len(texts):
            raise garbled(self._endpoint, f"sent {len(vectors)} vectors for {len(texts)} texts")
        check_dimensions(self._endpoint, self.dimensions, vectors)
        return vectors


def check_dimensions(endpoint: Endpoint, expected: int, vectors: list[list[float]]) -> None:
    wrong = {len(vector) for vector in vectors} - {expected}
    if wrong:
        raise ModelRejected(
            f"{endpoint.name}: sends vectors of {min(wrong)} dimensions, not {expected}; "
            f"write MODEL_EMBED={endpoint.name}@{min(wrong)}"
        )


def unit(vector: list[float]) -> list[float]:
    length = math.sqrt(sum(x * x for x in vector)) or 1.0
    return [x / length for x in vector]


def _started(events: Iterator[Json]) -> Iterator[Json]:
    """Read up to the first event, so that a refusal shows before anything is yielded."""
    first = next(events, None)

    def whole() -> Iterator[Json]:
        if first is not None:
            yield first
        yield from events

    return whole()
