"""Reads the events of a stream out of bytes, however a server writes them.

https://html.spec.whatwg.org/multipage/server-sent-events.html is what most servers mean. Some leave
out the blank lines, or the names of the fields, or begin with a byte-order mark.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.patterns import lazily

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: A CR at the end of what has come may be the first half of CRLF.
_LINE_END = lazily(rb"\r\n|\n|\r(?!\Z)")
_FIELD = lazily(r"[ \t]*(data|event|id|retry|error)?[ \t]*: ?(.*)", re.IGNORECASE | re.DOTALL)
#: Servers behind others write the name of the field twice.
_AGAIN = lazily(r"(?:data: ?)+(?=[\[{\"])", re.IGNORECASE)
#: The text that ends a stream on the OpenAI wire, and on many others.
_LAST = "[done]"
#: What is no JSON object may be a sign of life; JSON of an object that breaks off is a failure.
_OBJECT = lazily(r"\s*[{\[]")
_GAP = lazily(r"[\s,]*")


class ServerEvent(NamedTuple):
    """One event of a stream. `name` is what the server calls it, in small letters."""

    data: str
    name: str = ""

    @property
    def ends(self) -> bool:
        """Whether it marks the end of the stream."""
        return len(self.data) < 32 and self.data.strip(' \t"').lower() == _LAST

    @property
    def is_noise(self) -> bool:
        """Whether it says nothing, as a sign of life does."""
        return self.name != "error" and not _OBJECT.match(self.data)


def lines_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines, which end with LF, CR or both, without the byte-order mark of the first."""
    rest, mark = b"", _BYTE_ORDER_MARK
    for chunk in chunks:
        has_cr = b"\r" in chunk or rest[-1:] == b"\r"
        rest += chunk
        *whole, rest = _LINE_END.split(rest) if has_cr else rest.split(b"\n")
        for line in whole:
            yield line.removeprefix(mark)
            mark = b""
    if rest:
        yield rest.removeprefix(mark).removesuffix(b"\r")


def begins_events(line: bytes) -> bool:
    """Tell whether this first line is one of an event stream, whatever the content type says."""
    text = line.decode("utf-8", "replace")
    return bool(_FIELD.match(text)) or ServerEvent(text).ends


def events_of(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """Yield the events. Data that is whole ends with the next field too.

    Lines are split before they are decoded, so a character may be cut anywhere.
    """
    data: list[str] = []
    name = ""
    for raw in lines:
        line = raw.decode()
        if not data and line.startswith("data: {"):  # as nearly all are
            data.append(line[6:])
            continue
        field = _FIELD.match(line)
        key = (field[1] or "").lower() if field else ""
        if data and (not line.strip() or (key in {"data", "event", "error"} and _is_whole(data))):
            yield ServerEvent("\n".join(data), name)
            data, name = [], ""
        if field and key == "event":
            name = field[2].strip().lower()
        elif field and key in {"data", "error"}:
            name = "error" if key == "error" else name
            value = _AGAIN.sub("", field[2])
            data += [value] if data or value.strip() else []
        elif not field and (data or ServerEvent(line).ends):
            data.append(line)
    if data:
        yield ServerEvent("\n".join(data), name)


def _is_whole(data: list[str]) -> bool:
    event = ServerEvent("\n".join(data))
    if event.ends or event.is_noise:
        return True
    try:
        json.loads(event.data)
    except (ValueError, RecursionError):
        return False
    return True


def values_in(text: str) -> Iterator[object]:
    """Yield the JSON values that stand in a text one after the other; raises ValueError."""
    decoder, at = json.JSONDecoder(), _past_gap(text, 0)
    while at < len(text):
        if text[at:].strip().lower() == _LAST:
            return
        value, at = decoder.raw_decode(text, at)
        at = _past_gap(text, at)
        yield value


def _past_gap(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return found.end() if found else at
