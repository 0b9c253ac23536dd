"""The input: JSONL, CSV or TSV, read as a stream, so that its length costs no memory."""

import codecs
import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal, NamedTuple, TypeVar

from infra.bench.expectations import Expectation
from shared.errors import SettingsError

T = TypeVar("T")

Kind = Literal["jsonl", "csv", "tsv"]

#: Bytes of a line, and characters of a cell; a longer one is a bad row. No model reads that much.
LONGEST = 16 * 2**20
_LONGEST_ID = 200


@dataclass(frozen=True)
class InputRow:
    """One row to ask about. `fields` is shown to the model as data; ids are unique in an input."""

    line: int
    id: str
    fields: Mapping[str, Any]
    expect: Expectation | None = None


class BadRow(NamedTuple):
    line: int
    reason: str


class Columns(NamedTuple):
    """The keys of a row by purpose. Without `fields`, all but id and expectation are fields."""

    id: str = "id"
    expect: str = "expect"
    fields: tuple[str, ...] = ()


class _Misread(ValueError):
    """A line that is not a row; the message quotes none of its text."""


def read(stream: BinaryIO, kind: Kind, columns: Columns) -> Iterator[InputRow | BadRow]:
    """Yield each row, or why its line is unusable; skip blank lines.

    Raises SettingsError when a CSV has no usable header.
    """
    lines = _Lines(stream)
    source: Iterator[dict[str, Any] | None] = (
        _JsonObjects(lines) if kind == "jsonl" else _Records(lines, kind)
    )
    for line, found in _numbered(source, lines):
        if isinstance(found, BadRow):
            yield found
        elif found is not None:
            try:
                yield _row(line, found, columns)
            except ValueError as err:
                yield BadRow(line, str(err))


class _Lines:
    """The decoded lines of a stream, counted; a line that is too long is skipped."""

    def __init__(self, stream: BinaryIO) -> None:
        self.number = 0
        self._stream = stream

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._stream.readline(LONGEST)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == LONGEST and not line.endswith(b"\n"):
            while (rest := self._stream.readline(2**16)) and not rest.endswith(b"\n"):
                pass
            raise _Misread(f"is longer than {LONGEST} bytes")
        if self.number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        return line.decode("utf-8", "surrogateescape")


def _numbered(source: Iterator[T], lines: _Lines) -> Iterator[tuple[int, T | BadRow]]:
    """Yield each item with the line that it starts on; an unreadable one is a BadRow."""
    while True:
        line = lines.number + 1
        try:
            item: T | BadRow = next(source)
        except StopIteration:
            return
        except (_Misread, csv.Error) as err:
            item = BadRow(line, str(err))
        yield line, item


class _JsonObjects:
    """The objects of a JSONL; None for a blank line."""

    def __init__(self, lines: _Lines) -> None:
        self._lines = lines

    def __iter__(self) -> "_JsonObjects":
        return self

    def __next__(self) -> dict[str, Any] | None:
        text = next(self._lines)
        if not text.strip():
            return None
        try:
            value = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as err:
            raise _Misread("is no JSON" if _is_whole(text) else "is not UTF-8") from err
        if not isinstance(value, dict):
            raise _Misread("is no JSON object")
        return value


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


class _Records:
    """The records of a CSV under the names of its header; None for a blank line."""

    def __init__(self, lines: _Lines, kind: Kind) -> None:
        csv.field_size_limit(LONGEST)  # the module has one for all readers; its own is 128 KiB
        self._reader = csv.reader(lines, delimiter="\t" if kind == "tsv" else ",", strict=True)
        try:
            self._header = _checked_header(next(self._reader, []))
        except (_Misread, csv.Error) as err:
            raise SettingsError(f"the CSV's first line {err}") from err

    def __iter__(self) -> "_Records":
        return self

    def __next__(self) -> dict[str, Any] | None:
        cells = next(self._reader)
        if not cells:
            return None
        if len(cells) != len(self._header):
            raise _Misread(f"has {len(cells)} cells, the header {len(self._header)}")
        return dict(zip(self._header, cells, strict=True))


def _checked_header(names: list[str]) -> list[str]:
    header = [name.strip() for name in names]
    if not all(header) or len(set(header)) < len(header):
        raise SettingsError("the CSV's first line must name each column, with a name of its own")
    return header


def _row(line: int, found: dict[str, Any], columns: Columns) -> InputRow:
    """Build the row; raises ValueError that names the mistake."""
    whole = json.dumps(found, sort_keys=True, ensure_ascii=False)
    if not _is_whole(whole):
        raise ValueError("is not UTF-8, or holds half of a character")
    own = {columns.id, columns.expect}
    names = columns.fields or tuple(name for name in found if name and name not in own)
    if missing := [name for name in names if name not in found]:
        raise ValueError(f"has no field {', '.join(missing)}")
    if not names:
        raise ValueError("has no field to show to the model")
    raw = found.get(columns.expect)
    expect = None if raw is None or raw == "" else Expectation.of(raw)
    id = _id(found.get(columns.id)) or f"{line}-{hashlib.sha256(whole.encode()).hexdigest()[:8]}"
    return InputRow(line, id, {name: found[name] for name in names}, expect)


def _is_whole(text: str) -> bool:
    """Tell if `text` can be written as UTF-8; undecodable bytes were read as surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _id(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise ValueError("has an id that is neither a text nor a whole number")
    if len(str(value)) > _LONGEST_ID:
        raise ValueError(f"has an id of more than {_LONGEST_ID} characters")
    return str(value)
