"""HTTP calls to a batch interface: short ones, and those that carry a whole batch."""

from collections.abc import Generator
from typing import Any

from shared.models import ChatMessage, Json, ModelRequest, ToolSpec
from shared.models.deadline import Deadline
from shared.models.providers.failures import garbled
from shared.models.providers.http import shared_http
from shared.models.providers.servers import ServedModel

_CALL_SECONDS = 30.0
_TRANSFER_SECONDS = 90.0

#: At most so many pages of a list of batches are read.
PAGES = 20
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


class BatchApi:
    """All methods raise ModelUnavailable or ModelRejected."""

    def __init__(self, served: ServedModel) -> None:
        self.server = served.server
        self._http = shared_http()

    def get(self, path: str) -> Json:
        return self._http.get(self.server, path, Deadline(_CALL_SECONDS))

    def post(self, path: str, body: Json) -> Json:
        return self._http.post(self.server, path, body, Deadline(_CALL_SECONDS))

    def send(self, path: str, body: bytes, kind: str) -> Json:
        """Send a whole batch, of the content type `kind`."""
        return self._http.upload(self.server, path, body, kind, Deadline(_TRANSFER_SECONDS))

    def lines(self, path: str) -> Generator[Json, None, None]:
        """Yield the results of a whole batch."""
        return self._http.lines(self.server, path, Deadline(_TRANSFER_SECONDS))

    def text(self, answer: Json, key: str) -> str:
        """Return the text that an answer must hold."""
        found: Any = answer.get(key)
        if not isinstance(found, str):
            raise garbled(self.server, f"answered JSON without {key}")
        return found
