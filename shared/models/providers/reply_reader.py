"""Reads the replies of a wire format, whole or in pieces: the common part."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from shared.models import Finish, ModelReply, ToolCall, Usage
from shared.models.answers.tool_calls import read_calls
from shared.models.prices import Prices


@dataclass
class ReplyReader(ABC):
    """A reply so far. Each call has an `id`, a `name` and, as text, its `input`."""

    #: The tool whose input is the answer, in the formats that have one.
    answer_tool: ClassVar[str | None] = None

    text: str = ""
    finish: str = ""
    begun: bool = False
    usage: Usage = field(default_factory=Usage)
    _calls: dict[int, dict[str, str]] = field(default_factory=dict)

    @abstractmethod
    def add(self, piece: Mapping[str, Any]) -> str:
        """Read a whole answer or a piece of a stream; return the text that it adds for a reader."""

    @abstractmethod
    def outcome(self) -> Finish: ...

    def reply(self, name: str, prices: Prices) -> ModelReply:
        """Return the whole reply of the model called `name`."""
        answers = [call["input"] for call in self._calls.values() if self._is_answer(call)]
        text, cost = answers[0] if answers else self.text, prices.cost(name, self.usage)
        return ModelReply(text, self.outcome(), self.usage, name, self._tool_calls(), cost)

    def _is_answer(self, call: Mapping[str, str]) -> bool:
        return call["name"] == self.answer_tool

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        calls = [call for _, call in sorted(self._calls.items()) if not self._is_answer(call)]
        cut_off = self.outcome() == "length"
        return read_calls([(c["id"], c["name"], c["input"]) for c in calls], cut_off=cut_off)
