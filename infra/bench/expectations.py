"""Judges an answer by what its row expects."""

import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

_OPERATORS = frozenset({"exact", "one_of", "contains", "regex", "json"})
_TEXT_SHOWN = 60


class Pair(NamedTuple):
    """An expected and an actual value, for the table of confusions; `field` is empty for the whole
    answer."""

    field: str
    expected: str
    got: str


@dataclass(frozen=True)
class Expectation:
    """One way to judge an answer. `raw` is as it stood in the row."""

    operator: str
    wanted: Any
    raw: Any

    @classmethod
    def of(cls, raw: Any) -> "Expectation":
        """Read the value of `expect`; raises ValueError when it is unusable.

        A list means one of these, an object means JSON fields, anything else an exact match. An
        object with one key that names an operator means that operator: `{"contains": "refund"}`.
        """
        operator, wanted = _operator(raw)
        if operator == "regex":
            _compiled(wanted)
        if operator == "contains":
            wanted = wanted if isinstance(wanted, list) else [wanted]
            if not all(isinstance(part, str) and part for part in wanted):
                raise ValueError("expects contains without a text")
        if operator == "one_of" and not (isinstance(wanted, list) and wanted):
            raise ValueError("expects one of nothing")
        if operator == "json" and not (isinstance(wanted, dict) and wanted):
            raise ValueError("expects no field")
        return cls(operator, wanted, raw)

    def is_met(self, output: Any) -> bool:
        """Tell if the answer, a text or a JSON value, meets this."""
        if self.operator == "contains":
            text = _text(output).casefold()
            return all(part.casefold() in text for part in self.wanted)
        if self.operator == "regex":
            return _compiled(self.wanted).search(_text(output)) is not None
        if self.operator == "one_of":
            return any(_same(wanted, output) for wanted in self.wanted)
        return _same(self.wanted, output)

    def pairs(self, output: Any) -> list[Pair]:
        """Return the pairs for the table of confusions: labels, and the fields of objects."""
        if self.operator == "exact" and not isinstance(self.wanted, dict | list):
            return [_pair("", self.wanted, output)]
        if self.operator == "one_of":
            met = self.is_met(output)
            names = " | ".join(_text(wanted) for wanted in self.wanted)
            return [_pair("", output if met else names, output)]
        if self.operator == "json" and isinstance(output, dict):
            return [
                _pair(name, wanted, output.get(name))
                for name, wanted in self.wanted.items()
                if not isinstance(wanted, dict | list)
            ]
        return []


def _operator(raw: Any) -> tuple[str, Any]:
    if isinstance(raw, dict) and len(raw) == 1 and raw.keys() <= _OPERATORS:
        [(operator, wanted)] = raw.items()
        return operator, wanted
    if isinstance(raw, dict):
        return "json", raw
    return ("one_of", raw) if isinstance(raw, list) else ("exact", raw)


def _compiled(pattern: object) -> re.Pattern[str]:
    if not isinstance(pattern, str) or not pattern:
        raise ValueError("expects a regex without a pattern")
    try:
        return re.compile(pattern)
    except re.error as err:
        raise ValueError(f"expects a regex that is none: {err.msg}") from err


def _same(wanted: Any, output: Any) -> bool:
    """Compare JSON values: texts without surrounding space, objects by the expected keys only."""
    if isinstance(wanted, dict):
        return isinstance(output, dict) and all(
            name in output and _same(value, output[name]) for name, value in wanted.items()
        )
    if isinstance(wanted, list):
        return (
            isinstance(output, list)
            and len(wanted) == len(output)
            and all(map(_same, wanted, output))
        )
    if isinstance(wanted, str):
        # A CSV holds texts only: `true` there means the JSON value.
        return wanted.strip() == _text(output).strip()
    if isinstance(output, str) and not isinstance(wanted, str | None):
        return _text(wanted) == output.strip()
    return isinstance(wanted, bool) == isinstance(output, bool) and bool(wanted == output)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pair(field: str, expected: Any, got: Any) -> Pair:
    return Pair(field, _in_short(expected), _in_short(got))


def _in_short(value: Any) -> str:
    text = " ".join(_text(value).split())
    return text if len(text) <= _TEXT_SHOWN else f"{text[: _TEXT_SHOWN - 1]}…"
