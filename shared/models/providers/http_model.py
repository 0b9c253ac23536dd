"""A chat model behind JSON over HTTP: the common part of the OpenAI and Anthropic wire formats."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from shared.events import Json
from shared.models import Chunk, ModelReply, ModelRequest
from shared.models.deadline import Deadline
from shared.models.prices import Prices
from shared.models.providers.failures import adapting, garbled, problem_inside, shown_code
from shared.models.providers.http import END, Http
from shared.models.providers.reply_reader import ReplyReader
from shared.models.providers.servers import ServedModel


class HttpModel(ABC):
    """Thread-safe. A subclass writes bodies, and learns from refusals what to leave out."""

    path: str

    def __init__(self, name: str, served: ServedModel, http: Http, prices: Prices) -> None:
        self.name = name
        self._server, self._model = served
        self._http = http
        self._prices = prices

    @abstractmethod
    def body(self, request: ModelRequest, *, stream: bool = False) -> Json:
        """Write the body without the parts that the model is known to refuse."""

    @abstractmethod
    def learn(self, body: Json, detail: str) -> bool:
        """Learn from the refusal of `body`; return True when another try is worth it."""

    @abstractmethod
    def _reader(self) -> ReplyReader: ...

    def _watching(self, request: ModelRequest) -> AbstractContextManager[None]:
        """Return the block in which a call is made."""
        return nullcontext()

    def reply(self, request: ModelRequest, timeout: float) -> ModelReply:
        *_, last = self._chunks(request, timeout, stream=False)
        assert last.reply
        return last.reply

    def stream(self, request: ModelRequest, timeout: float) -> Iterator[Chunk]:
        return self._chunks(request, timeout, stream=True)

    def read(self, answered: Json) -> ModelReply:
        """Return the reply in a whole answer; raises ModelUnavailable or ModelRejected."""
        reader = self._reader()
        self._add(reader, answered)
        if not reader.begun:
            raise garbled(self._server, "answered JSON without a message")
        return self._whole(reader)

    def _chunks(self, request: ModelRequest, timeout: float, *, stream: bool) -> Iterator[Chunk]:
        """Read the answer as it comes; some servers stream what was asked for whole, or answer
        whole what should be a stream."""
        deadline = Deadline(timeout)

        def call(body: Json) -> Iterator[Json]:
            return self._http.events(self._server, self.path, body, deadline)

        reader, event = self._reader(), None
        with self._watching(request):
            for event in adapting(lambda: self.body(request, stream=stream), call, self.learn):
                if text := self._add(reader, event):
                    yield Chunk(text)
        if not reader.begun and event == END:
            raise garbled(self._server, "answered JSON without a message")
        if not reader.finish and not (reader.begun and event == END):
            raise garbled(self._server, "closed the connection in the middle of the answer")
        if text := reader.rest():
            yield Chunk(text)
        yield Chunk(reply=self._whole(reader))

    def _whole(self, reader: ReplyReader) -> ModelReply:
        if reader.failed:
            ended = shown_code(reader.finish)
            raise garbled(self._server, f"ended its answer as one that failed{ended}")
        return reader.reply(self.name, self._prices)

    def _add(self, reader: ReplyReader, piece: Json) -> str:
        if problem := reader.problem(piece):
            raise problem_inside(self._server, problem)
        return reader.add(piece)
