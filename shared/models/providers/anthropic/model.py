"""Anthropic's models, and servers that speak its Messages wire format."""

import re
import threading
from collections.abc import Iterator

from shared.models import Chunk, Json, ModelReply, ModelRequest, Provider
from shared.models.deadline import Deadline
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
from shared.models.providers.failures import adapting, garbled, problem_inside
from shared.models.providers.http import Http, shared_http
from shared.models.providers.servers import ServedModel, served_model
from shared.settings import Settings

_PATH = "/messages"

#: The words of a refusal, by the part of the body that the model does not take.
_COMPLAINTS = {
    TEMPERATURE: re.compile(r"temperature"),
    FORCE: re.compile(r"tool_choice.*(support|compatible|not permitted)|forces tool use"),
    CACHE: re.compile(r"cache_control"),
    FORMAT: re.compile(r"output_config|output.?format|structured.?output|grammar|too complex"),
}

#: Models newer than Opus 4.6 refuse a temperature, so none is sent. Other servers take one.
_NO_TEMPERATURE = re.compile(r"claude-(?!3|(opus|sonnet|haiku)-4(-[0-6](-|$)|-2025|$))")


def connect(name: str, settings: Settings, setting: str) -> Provider:
    """Return the model called `name`; error messages point to `setting`."""
    served = served_model(name, settings, setting)
    return AnthropicModel(name, served, shared_http(), Prices(settings.model_prices))


class AnthropicModel:
    """A chat model behind Anthropic's Messages. Thread-safe. Parts that the model refuses are left
    out for as long as the process lives."""

    def __init__(self, name: str, served: ServedModel, http: Http, prices: Prices) -> None:
        self.name = name
        self._server, self._model = served
        self._http = http
        self._prices = prices
        self._lock = threading.Lock()
        known = [TEMPERATURE] if _NO_TEMPERATURE.match(self._model) else []
        self._lacks: frozenset[str] = frozenset(known)

    def reply(self, request: ModelRequest, timeout: float) -> ModelReply:
        deadline = Deadline(timeout)

        def call(body: Json) -> Json:
            return self._http.post(self._server, _PATH, body, deadline)

        return self.read(adapting(lambda: self.body(request), call, self.learn))

    def read(self, answered: Json) -> ModelReply:
        """Return the reply in a whole answer; raises ModelUnavailable or ModelRejected."""
        answer = MessageReader()
        self._add(answer, answered)
        if not answer.begun:
            raise garbled(self._server, "answered JSON without a message")
        return self._reply(answer)

    def stream(self, request: ModelRequest, timeout: float) -> Iterator[Chunk]:
        deadline = Deadline(timeout)

        def call(body: Json) -> Iterator[Json]:
            return self._http.events(self._server, _PATH, body, deadline)

        answer = MessageReader()
        for event in adapting(lambda: self.body(request, stream=True), call, self.learn):
            if text := self._add(answer, event):
                yield Chunk(text)
        if not answer.finish:
            raise garbled(self._server, "closed the connection in the middle of the answer")
        yield Chunk(reply=self._reply(answer))

    def body(self, request: ModelRequest, *, stream: bool = False) -> Json:
        """Write the body without the parts that the model is known to refuse."""
        return body_of(self._model, request, self._lacks, stream=stream)

    def learn(self, body: Json, detail: str) -> bool:
        """Learn from the refusal of `body`; return True when another try is worth it.

        The newest models refuse a forced tool, old ones output_config.
        """
        said = detail.lower()
        refused = {part for part in parts_of(body) if _COMPLAINTS[part].search(said)}
        with self._lock:
            self._lacks |= refused
        return bool(refused)

    def _add(self, answer: MessageReader, piece: Json) -> str:
        if piece.get("type") == "error" or "error" in piece:
            raise problem_inside(self._server, piece.get("error"))
        try:
            return answer.add(piece)
        except (AttributeError, KeyError, TypeError, ValueError) as err:
            raise garbled(self._server, "answered JSON of another shape") from err

    def _reply(self, answer: MessageReader) -> ModelReply:
        cost = self._prices.cost(self.name, answer.usage)
        return ModelReply(
            answer.answered(), answer.outcome(), answer.usage, self.name, answer.calls(), cost
        )
