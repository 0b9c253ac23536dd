"""The common part of OpenAI's and Anthropic's batches, which both are called over HTTP."""

from collections.abc import Callable, Generator, Iterator
from typing import Any

from shared.errors import ModelError, ModelUnavailable
from shared.events import Json
from shared.models import ChatMessage, ModelReply, ModelRequest, ToolSpec
from shared.models.batch import discounted
from shared.models.deadline import Deadline
from shared.models.providers.failures import BodyRefused, garbled
from shared.models.providers.http import shared_http
from shared.models.providers.http_model import HttpModel
from shared.models.providers.servers import ModelServer
from shared.paging import pages

_CALL_SECONDS = 30.0
_TRANSFER_SECONDS = 90.0

#: At most so many pages of a list of batches are read.
_PAGES = 20
#: Seconds by which our clock and the server's may differ.
SKEW = 300.0

_NOTHING = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}

#: Holds every part that a server may refuse. A refusal in a batch comes without the body that was
#: sent; the body that a new model writes for this request stands for it.
PROBE = ModelRequest(
    (ChatMessage("user", "-"),),
    system="-",
    tools=(ToolSpec("look", "-", _NOTHING),),
    schema=_NOTHING,
    tool_choice="any",
)


class HttpBatches:
    """The batches of one model. Parts that the server refuses are left out of the next one. All
    methods raise ModelUnavailable or ModelRejected."""

    def __init__(self, model: HttpModel, server: ModelServer) -> None:
        self.name = model.name
        self._model = model
        self._probe = model.body(PROBE)
        self._server = server
        self._http = shared_http()

    def _get(self, path: str) -> Json:
        return self._http.get(self._server, path, Deadline(_CALL_SECONDS))

    def _pages(self, path: str, following: Callable[[Json], str | None]) -> Iterator[Json]:
        """Yield the pages of a list, whose cursors are appended to the path."""

        def endless(why: str) -> ModelError:
            return garbled(self._server, f"lists batches without an end: {why}")

        return pages(
            lambda after: self._get(path + after), following, "", most=_PAGES, endless=endless
        )

    def _post(self, path: str, body: Json) -> Json:
        return self._http.post(self._server, path, body, Deadline(_CALL_SECONDS))

    def _send(self, path: str, body: bytes, kind: str) -> Json:
        """Send a whole batch, of the content type `kind`."""
        return self._http.upload(self._server, path, body, kind, Deadline(_TRANSFER_SECONDS))

    def _lines(self, path: str) -> Generator[Json, None, None]:
        """Yield the results of a whole batch, without lines that cannot be read: what these answer
        is asked again."""
        return self._http.lines(self._server, path, Deadline(_TRANSFER_SECONDS))

    def _text(self, answer: Json, key: str) -> str:
        """Return the text that an answer must hold."""
        found: Any = answer.get(key)
        if not isinstance(found, str):
            raise garbled(self._server, f"answered JSON without {key}")
        return found

    def _replied(self, body: Json) -> ModelReply | ModelError:
        """Return the reply of a request, or why it cannot be read."""
        try:
            return discounted(self._model.read(body))
        except ModelError as err:
            return err

    def _learnt(self, problem: ModelError) -> ModelError:
        """Return the error of a request, after learning from it what to leave out next time."""
        if isinstance(problem, BodyRefused) and self._model.learn(self._probe, problem.detail):
            return ModelUnavailable(f"{problem}; the next batch will leave it out")
        return problem
