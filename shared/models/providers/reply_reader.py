"""Reads the replies of a wire format, whole or in pieces: the common part.

Servers leave fields out, send null for them, or numbers as text. Readers look at a field through
`fields`, `entries`, `said` and `number`, which take what has another type as absent, and absent as
empty; so they raise nothing.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeGuard

from shared.models import Finish, ModelReply, ToolCall, Usage
from shared.models.answers.tool_calls import read_calls
from shared.models.prices import Prices
from shared.models.providers.thoughts import Thoughts, without_unopened

#: What servers call the end of an answer. Any other name says that it did not end well.
_FINISHES: dict[str, Finish] = {
    **dict.fromkeys(("", "stop", "stop_sequence", "end_turn", "eos", "eos_token", "end"), "stop"),
    **dict.fromkeys(("complete", "completed", "finish_reason_stop"), "stop"),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), "tools"),
    **dict.fromkeys(("length", "max_tokens", "max_output_tokens", "model_length"), "length"),
    # Only tools that run at the vendor pause a turn. We offer none, so this is half an answer.
    **dict.fromkeys(("model_context_window_exceeded", "incomplete", "pause_turn"), "length"),
    **dict.fromkeys(("content_filter", "content_filtered", "guardrail_intervened"), "refused"),
    **dict.fromkeys(("refusal", "safety", "recitation", "sensitive", "blocklist"), "refused"),
    **dict.fromkeys(("prohibited_content", "spii", "language"), "refused"),
}


def fields(value: object, *path: str) -> Mapping[str, Any]:
    """Return the object at `path` of `value`."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def entries(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list."""
    return [entry for entry in value if isinstance(entry, Mapping)] if is_list(value) else []


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list | tuple)


def said(value: object) -> str:
    return value if isinstance(value, str) else ""


def number(value: object) -> int | None:
    """Return a whole number from zero, which may be written as text or with a fraction."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,15}(\.\d*)?", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        return None
    return int(value)


def count(value: Mapping[str, Any], *names: str) -> int:
    """Return the first of these numbers that is there and not zero, else zero."""
    return next((found for name in names if (found := number(value.get(name)))), 0)


@dataclass
class ReplyReader(ABC):
    """A reply so far. Each call has an `id`, a `name` and, as text, its `input`."""

    #: The tool whose input is the answer, in the formats that have one.
    answer_tool: ClassVar[str | None] = None

    text: str = ""
    finish: str = ""
    begun: bool = False
    refused: bool = False
    usage: Usage = field(default_factory=Usage)
    _calls: dict[int, dict[str, str]] = field(default_factory=dict)
    _thoughts: Thoughts = field(default_factory=Thoughts)

    @abstractmethod
    def add(self, piece: Mapping[str, Any]) -> str:
        """Read a whole answer or a piece of a stream; return the text that it adds for a reader."""

    def problem(self, piece: Mapping[str, Any]) -> object:
        """Return the error that came in place of a piece, or nothing."""
        return piece.get("error") or (piece if piece.get("type") == "error" else None)

    @property
    def failed(self) -> bool:
        """Whether the server says that the answer did not end well."""
        return self.finish.lower() not in _FINISHES

    def outcome(self) -> Finish:
        finish = _FINISHES.get(self.finish.lower(), "stop")
        if self.refused or finish in {"refused", "length"}:
            return "refused" if self.refused else finish
        others = not all(self._is_answer(call) for call in self._calls.values())
        return "tools" if others else "stop"

    def rest(self) -> str:
        """Return the text that was held back. The answer, or a part of it, has ended."""
        text = self._thoughts.rest()
        self.text += text
        return text

    def reply(self, name: str, prices: Prices) -> ModelReply:
        """Return the whole reply of the model called `name`."""
        self.rest()
        answers = [call["input"] for call in self._calls.values() if self._is_answer(call)]
        text = answers[0] if answers else without_unopened(self.text)
        cost = prices.cost(name, self.usage)
        return ModelReply(text, self.outcome(), self.usage, name, self._tool_calls(), cost)

    def _say(self, text: str) -> str:
        shown = self._thoughts.without(text)
        self.text += shown
        return shown

    def _is_answer(self, call: Mapping[str, str]) -> bool:
        return call["name"] == self.answer_tool

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        calls = [call for _, call in sorted(self._calls.items()) if not self._is_answer(call)]
        cut_off = self.outcome() == "length"
        return read_calls([(c["id"], c["name"], c["input"]) for c in calls], cut_off=cut_off)
