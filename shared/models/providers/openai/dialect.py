"""Learns from refusals what one model behind one OpenAI-compatible server accepts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.events import Json
from shared.models import ModelRequest
from shared.models.providers.failures import ServerFailed
from shared.models.providers.json_output import as_object, is_strict, json_instruction
from shared.models.providers.openai.wire import messages_of, tool_choice_of, tools_of
from shared.patterns import lazily

#: The ways to ask for JSON, best first. Servers refuse or ignore those that they lack; the answer
#: is validated in any case.
_FORMATS = ("json_schema", "json_object", "instruction")

#: After so many failures on one request its schema is asked for in words; and the number of
#: requests that are remembered for that.
_STRIKES = 2
_REMEMBERED = 1000

_UNSUPPORTED = lazily(
    r"unsupported|not support|unrecogni[sz]ed|unknown|not permitted|extra inputs|instead"
)
_ABOUT_FORMAT = lazily(r"response.?format|json.?schema|json.?object|schema|grammar|structured")


class Dialect:
    """The variant of the wire format that a server takes, kept as long as the process lives.
    Thread-safe."""

    def __init__(self, *, newest: bool) -> None:
        """`newest`: the server is OpenAI's own."""
        self._lock = threading.Lock()
        self._limit = "max_completion_tokens" if newest else "max_tokens"
        self._limit_is_sure = False
        self._format = _FORMATS[0]
        self._dropped: frozenset[str] = frozenset()
        self._strikes: dict[int, int] = {}

    def body(self, model: str, request: ModelRequest, *, stream: bool) -> Json:
        """Write `request` in this dialect. The conversation comes last, so that a longer one starts
        with the same bytes, which providers cache by themselves."""
        instruction = ""
        body: Json = {"model": model, self._limit: request.max_tokens}
        body["temperature"] = request.temperature
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if request.tools:
            body["tools"] = tools_of(request)
            if request.tool_choice:
                body["tool_choice"] = tool_choice_of(request)
        if request.schema is not None:
            schema = as_object(request.schema)
            form = _FORMATS[-1] if self._struck_out(request) else self._format
            if form == "json_schema":
                body["response_format"] = _schema_format(schema)
            else:
                instruction = json_instruction(schema)
            if form == "json_object":
                body["response_format"] = {"type": "json_object"}
        body["messages"] = messages_of(request, instruction)
        return {key: value for key, value in body.items() if key not in self._dropped}

    def learn(self, body: Json, detail: str) -> bool:
        """Learn from the refusal of `body`; return True when another try is worth it."""
        said = detail.lower()
        with self._lock:
            return (
                self._learn_limit(body, said)
                or self._learn_to_drop("temperature", body, said)
                or self._learn_to_drop("stream_options", body, said)
                or self._learn_tool_choice(body, said)
                or self._learn_format(body, said)
            )

    @contextmanager
    def watching(self, request: ModelRequest) -> Iterator[None]:
        """Count the failures of the server on the schema of `request`.

        llama.cpp answers 500 when its grammar and the model's output disagree; another try may
        help.
        """
        try:
            yield
        except ServerFailed:
            if request.schema is not None:
                self._strike(request)
            raise
        if self._strikes:
            self._strikes.pop(_fingerprint(request), None)

    def _strike(self, request: ModelRequest) -> None:
        with self._lock:
            known = _fingerprint(request)
            self._strikes[known] = self._strikes.get(known, 0) + 1
            if len(self._strikes) > _REMEMBERED:
                del self._strikes[next(iter(self._strikes))]

    def _struck_out(self, request: ModelRequest) -> bool:
        return bool(self._strikes) and self._strikes.get(_fingerprint(request), 0) >= _STRIKES

    def _learn_limit(self, body: Json, said: str) -> bool:
        """OpenAI's newer models reject max_tokens, older servers know only that."""
        named = "max_tokens" in said or "max_completion_tokens" in said
        if not named or not _UNSUPPORTED.search(said):
            return False
        if self._limit not in body:
            return True  # Another thread has learnt it since this body was written.
        if self._limit_is_sure:
            return False
        swap = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
        self._limit = swap[self._limit]
        self._limit_is_sure = True
        return True

    def _learn_to_drop(self, field: str, body: Json, said: str) -> bool:
        """Leave out a field that the refusal names, such as the temperature."""
        if field not in said or field not in body:
            return False
        self._dropped |= {field}
        return True

    def _learn_tool_choice(self, body: Json, said: str) -> bool:
        """Tell a server that cannot force a tool from one that complains about a missing tool."""
        return bool(_UNSUPPORTED.search(said)) and self._learn_to_drop("tool_choice", body, said)

    def _learn_format(self, body: Json, said: str) -> bool:
        sent = body.get("response_format", {}).get("type")
        if sent is None or not _ABOUT_FORMAT.search(said):
            return False
        if self._format == sent:
            self._format = _FORMATS[_FORMATS.index(sent) + 1]
        return True


def _fingerprint(request: ModelRequest) -> int:
    return hash(repr(request))


def _schema_format(schema: Json) -> Json:
    named = {"name": "answer", "strict": is_strict(schema), "schema": schema}
    return {"type": "json_schema", "json_schema": named}
