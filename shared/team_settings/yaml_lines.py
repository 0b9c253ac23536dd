"""Reads YAML with the line of each value, and nothing that could hurt: no aliases, tags,
directives, second document, duplicate key or deep nesting. Plain words are text, as in YAML 1.2:
`off`, `no`.

It takes the parser's events, one by one, so what is refused is refused before it is built.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from shared.patterns import lazily

#: How deep collections may stand in each other, and how many values a file may have.
DEEPEST, MOST = 6, 5_000
_NUMBER = lazily(r"[-+]?[0-9]{1,15}")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_QUOTED = 60


class Unreadable(ValueError):
    """The file cannot be read at all; `line` counts from 1."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


class YamlValue(NamedTuple):
    """A value and the line that it begins in; a list and a mapping hold others."""

    value: Any
    line: int

    @property
    def plain(self) -> Any:
        """The value without lines."""
        if isinstance(self.value, dict):
            return {name: one.plain for name, one in self.value.items()}
        return [one.plain for one in self.value] if isinstance(self.value, list) else self.value


def read_yaml(text: str) -> YamlValue:
    """Return what the text holds; raises Unreadable."""
    import yaml

    try:
        return _Reading(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        raise Unreadable(mark.line + 1 if mark else 1, _said(err.problem or err.context)) from None
    except yaml.YAMLError as err:  # a character that no text has
        at = getattr(err, "position", 0)
        raise Unreadable(text.count("\n", 0, at) + 1, "holds a character that is no text") from None


class _Reading:
    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._values = 0

    def document(self) -> YamlValue:
        """Read the only document."""
        self._next("StreamStart")
        if (event := next(self._events)) and _kind(event) == "StreamEnd":
            return YamlValue(None, 1)
        if event.version or event.tags:
            raise Unreadable(_line(event), "has a directive (%); delete it")
        found = self._value(next(self._events), 0)
        self._next("DocumentEnd")
        if _kind(event := next(self._events)) != "StreamEnd":
            raise Unreadable(_line(event), "begins a second document (---); keep one")
        return found

    def _next(self, kind: str) -> None:
        event = next(self._events)
        assert _kind(event) == kind, event

    def _value(self, event: Any, depth: int) -> YamlValue:
        line, kind = _line(event), _kind(event)
        self._values += 1
        if kind == "Alias" or event.anchor:
            raise Unreadable(line, "has an anchor (&) or an alias (*); write the value out")
        if event.tag and event.tag != "!":
            raise Unreadable(line, "has a tag (!); delete it")
        if depth > DEEPEST or self._values > MOST:
            raise Unreadable(line, "is nested too deeply, or has too many values")
        if kind == "Scalar":
            return YamlValue(_scalar(event), line)
        read = self._list if kind == "SequenceStart" else self._mapping
        return YamlValue(read(depth + 1), line)

    def _list(self, depth: int) -> list[YamlValue]:
        items = []
        while _kind(event := next(self._events)) != "SequenceEnd":
            items.append(self._value(event, depth))
        return items

    def _mapping(self, depth: int) -> dict[str, YamlValue]:
        found: dict[str, YamlValue] = {}
        while _kind(event := next(self._events)) != "MappingEnd":
            name, line = self._value(event, depth).value, _line(event)
            if _kind(event) != "Scalar":
                raise Unreadable(line, "has a list or a mapping as a key; a key is a word")
            name = event.value
            if name in found:
                again = f"has the key `{_said(name)}` again, as in line {found[name].line}"
                raise Unreadable(line, again)
            # A key without a value stands where the key does.
            found[name] = self._value(next(self._events), depth)._replace(line=line)
        return found


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: Any) -> object:
    text: str = event.value
    if event.style is not None:
        return text
    if _NUMBER.fullmatch(text):
        return int(text)
    return _WORDS.get(text.lower(), text)


def _said(what: str | None) -> str:
    """Return words of the parser, or of the file, in one short line."""
    short = "".join(one for one in (what or "is not YAML") if one.isprintable() and one != "`")
    return short[:_QUOTED]
