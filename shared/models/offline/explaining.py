"""Explains failing checks by the first line that looks like an error, and says that it only looked
for that."""

import re
from collections.abc import Iterable, Iterator

from shared.events import Json
from shared.models.offline.parsed_request import SourceText
from shared.patterns import lazily

_CHECK = lazily(r"check (?P<number>\d+): (?P<name>.*), which ended as \w+")
_ERROR = lazily(
    r"^E {2,}\S|^FAIL|^--- FAIL|^panic: |\w*(?:Error|Exception)\b|\b[Ee]rror(?:\[\w+\])?:"
    r"|\berror \w+\d+\b|\bERROR\b|\bfatal\b"
    r"|错误|失败|not found|timed out"
)
_HARMLESS = lazily(r"\b(?:0|no) errors?\b|Process completed with exit code", re.IGNORECASE)
#: Where a line may say that something is: `shop/cart.py:12`, or as Python's traces say it.
_PLACE = lazily(
    r'File "(?P<file>[^"\n]{1,300})", line (?P<at>\d{1,7})'
    r"|(?P<path>[\w@./-]{1,300}\.\w{1,8})[:(](?P<line>\d{1,7})\b"
)
#: Lines before an error in which it may be said where it is.
_NEAR = 8


def explained(blocks: Iterable[SourceText]) -> Json:
    """Return an explanation for each block that shows a check."""
    return {"explanations": [one for block in blocks for one in _of(block)]}


def _of(block: SourceText) -> Iterator[Json]:
    found = _CHECK.fullmatch(block.name)
    lines = [line for line in block.text.split("\n") if line.strip()]
    if not found or not lines:
        return
    errors = (at for at, line in enumerate(lines) if _ERROR.search(line))
    real = (at for at in errors if not _HARMLESS.search(lines[at]))
    at = next(real, None)
    path, line = _place(lines[max((at or 0) - _NEAR, 0) : (at or 0) + 2])
    said = "The first line that looks like an error says this"
    if at is None:
        said = "No line looks like an error; the last one says this"
    yield {
        "check": int(found["number"]),
        "cause": f"{said} (offline model).",
        "quote": lines[-1 if at is None else at],
        "path": path,
        "line": line,
        "do": "Read the lines around it; the offline model does not know more.",
    }


def _place(lines: Iterable[str]) -> tuple[str | None, int | None]:
    """Return the last file and line that are named."""
    found = [place for line in lines for place in _PLACE.finditer(line)]
    if not found:
        return None, None
    return found[-1]["file"] or found[-1]["path"], int(found[-1]["at"] or found[-1]["line"])
