"""Reads the replies of a wire format, whole or in pieces: the common part.

Servers leave fields out, send null for them, or numbers as text. Readers look at a field through
`fields`, `entries`, `said` and `number`, which take what has another type as absent, and absent as
empty; so they raise nothing.
"""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeGuard

from shared.models import Finish, ModelReply, ToolCall, Usage
from shared.models.answers.tool_calls import read_calls
from shared.models.prices import Prices
from shared.models.providers.thoughts import Thoughts, without_unopened

#: What servers call the end of an answer, in small letters alone: END_TURN, end-turn and endTurn
#: are one. Any other name says that it did not end well.
_FINISHES: dict[str, Finish] = {
    **dict.fromkeys(("", "stop", "stopped", "stopsequence", "endturn", "end", "done"), "stop"),
    **dict.fromkeys(("eos", "eostoken", "eotid", "imend"), "stop"),
    **dict.fromkeys(("complete", "completed", "finished"), "stop"),
    **dict.fromkeys(("toolcalls", "toolcall", "tooluse", "functioncall"), "tools"),
    **dict.fromkeys(("length", "modellength", "maxlength", "truncated"), "length"),
    **dict.fromkeys(("maxtokens", "maxoutputtokens", "maxnewtokens", "tokenlimit"), "length"),
    # Only tools that run at the vendor pause a turn. We offer none, so this is half an answer.
    **dict.fromkeys(("modelcontextwindowexceeded", "incomplete", "pauseturn"), "length"),
    **dict.fromkeys(("contentfilter", "contentfiltered", "guardrailintervened"), "refused"),
    **dict.fromkeys(("refusal", "safety", "recitation", "sensitive", "blocklist"), "refused"),
    **dict.fromkeys(("prohibitedcontent", "spii", "language"), "refused"),
}
#: How servers write that there is no reason yet.
_NO_REASON = frozenset({"null", "none"})
#: Where servers put the words of an error that has no object of its own.
_ERROR_WORDS = ("message", "msg", "detail", "errmsg", "error_msg")
#: A piece of at least so many characters that says all once more adds nothing.
_REPEATED = 16


def fields(value: object, *path: str) -> Mapping[str, Any]:
    """Return the object at `path` of `value`."""
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def entries(value: object) -> list[Mapping[str, Any]]:
    """Return the objects of a list, or a single one that stands in its place."""
    if isinstance(value, Mapping):
        return [value]
    return [entry for entry in value if isinstance(entry, Mapping)] if is_list(value) else []


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list | tuple)


def said(value: object) -> str:
    return value if isinstance(value, str) else ""


def reason(value: object) -> str:
    """Return why an answer ended; nothing when it has not."""
    found = said(value).strip()
    return "" if found.lower() in _NO_REASON else found


def number(value: object) -> int | None:
    """Return a whole number from zero, which may be written as text or with a fraction."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,15}(\.\d*)?", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        return None
    return int(value)


def joined(written: str, more: str) -> str:
    """Add a piece to the arguments of a call. Some servers begin with `{}`, or say all once more:
    what begins anew behind a whole object takes its place."""
    anew = more.lstrip().startswith("{") and is_object(written)
    return more if anew else written + more


def is_object(written: str) -> bool:
    try:
        return isinstance(json.loads(written), dict)
    except (ValueError, RecursionError):
        return False


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
    #: The text so far, thoughts and all.
    _raw: str = ""
    _thoughts: Thoughts = field(default_factory=Thoughts)

    @abstractmethod
    def add(self, piece: Mapping[str, Any]) -> str:
        """Read a whole answer or a piece of a stream; return the text that it adds for a reader."""

    def problem(self, piece: Mapping[str, Any]) -> object:
        """Return the error that came in place of a piece, or nothing."""
        for error in (piece.get("error"), piece.get("errors")):
            if error and not (isinstance(error, Mapping) and not any(error.values())):
                return error
        if "error" in (piece.get("type"), piece.get("object")):
            return piece
        if piece.get("choices") or piece.get("content"):
            return None
        worded = any(said(words := piece.get(key)) or is_list(words) for key in _ERROR_WORDS)
        return piece if worded else None

    @property
    def failed(self) -> bool:
        """Whether the server says that the answer did not end well."""
        return _letters(self.finish) not in _FINISHES

    def outcome(self) -> Finish:
        finish = _FINISHES.get(_letters(self.finish), "stop")
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
        counted = self.usage.input or self.usage.output
        # What a server did not count is not free, unless the model is.
        cost = prices.cost(name, self.usage if counted else Usage(1, 1))
        cost = cost if counted or not cost else None
        return ModelReply(text, self.outcome(), self.usage, name, self._tool_calls(), cost)

    def _say(self, text: str, *, again: bool = False) -> str:
        """Add text; return what a reader sees of it. `again` says that it is a whole message after
        pieces. Some servers say all once more."""
        if self._is_said(text, again=again):
            return ""
        if again and text.startswith(self._raw):
            text = text[len(self._raw) :]
        self._raw += text
        shown = self._thoughts.without(text)
        self.text += shown
        return shown

    def _is_said(self, text: str, *, again: bool) -> bool:
        if (
            not (again or len(text) >= _REPEATED)
            or 2 * len(text) < len(self.text)
            or not text.strip()
        ):
            return False
        return text.strip() in (self._raw.strip(), self.text.strip())

    def _is_answer(self, call: Mapping[str, str]) -> bool:
        return call["name"] == self.answer_tool

    def _tool_calls(self) -> tuple[ToolCall, ...]:
        calls = [call for _, call in sorted(self._calls.items()) if not self._is_answer(call)]
        cut_off = self.outcome() == "length"
        return read_calls([(c["id"], c["name"], c["input"]) for c in calls], cut_off=cut_off)


def _letters(reason: str) -> str:
    return re.sub(r"[^a-z]", "", reason.lower()).removeprefix("finishreason")
