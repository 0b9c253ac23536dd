"""Finds the errors in a log: what a reader would look for first."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from shared.patterns import lazily

#: Colours and other orders to a terminal (ECMA-48), and addresses that are hidden behind a text.
_ESCAPES = lazily(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
#: The time that GitHub puts before each line.
_TIME = lazily(r"^\ufeff?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z ?")
#: Characters of a line that are read.
_WIDTH = 1_000
#: What an error looks like, in many languages and tools.
_ERROR = lazily(
    r"^##\[error\]|^::error|^E {2,}\S|^FAIL(?:ED)?\b|^--- FAIL|^panic: |^fatal: "
    r"|\b\w*(?:Error|Exception)\b(?:: |$)|\b(?:error|ERROR|Error)(?:\[\w+\])?: "
    r"|\berror (?:TS|CS|C|LNK)?\d+\b|\bERROR\b|^npm (?:ERR!|error)|^\s*[✕✗✖×] |\bBUILD FAILED\b"
    r"|: command not found|\bNo such file or directory\b|\bPermission denied\b"
    r"|\bundefined reference\b|\bSegmentation fault\b|\bOut of memory\b|\bOOMKilled\b|^Killed$"
    r"|\btimed out\b|\bexceeded the maximum execution time\b|错误[:：]|失败|异常[:：]"
)
_TRACE = lazily(r"^\s*Traceback \(most recent call last\):")
#: What only looks like one.
_HARMLESS = lazily(
    r"\b(?:0|no) (?:errors?|failed|failures?)\b|fail-fast|continue-on-error|\bif: .*failure\(\)"
    r"|(?:errors?|failures?)[=:] ?0\b|^\s*(?:warning|debug|info)\b",
    re.IGNORECASE,
)
#: What says that there was an error, and not which.
_SAYS_NOTHING = lazily(r"^##\[error\](?:Process completed with exit code|The operation was)")
#: Lines of a trace that are read, and lines shown before an error and behind it.
_LONGEST, _BEFORE, _BEHIND = 60, 4, 12
#: Errors that are shown, and lines of the end.
_ERRORS, _END = 3, 15


class LogError(NamedTuple):
    """An error in a log: its first and its last line, from 0."""

    first: int
    last: int


def plain_lines(log: str) -> list[str]:
    """Return the lines of a log as a terminal would leave them: without colours and times, and of a
    line that was written over only what was written last."""
    return [_plain(line) for line in log.split("\n")]


def _plain(line: str) -> str:
    shown = line.rstrip("\r").rpartition("\r")[2]
    if "\x1b" in shown:
        shown = _ESCAPES.sub("", shown)
    return _TIME.sub("", shown, count=1)[:_WIDTH].rstrip()


def errors_in(lines: Sequence[str]) -> list[LogError]:
    """Return the errors, the first one first; what says nothing only where there is nothing
    else."""
    found = [*_errors(lines)]
    said = [one for one in found if not _SAYS_NOTHING.match(lines[one.first])]
    return said or found


def _errors(lines: Sequence[str]) -> Iterator[LogError]:
    behind = 0
    for at, line in enumerate(lines):
        if at < behind:
            continue
        last = at
        if _TRACE.match(line):
            last = _end_of_trace(lines, at)
        elif not _ERROR.search(line) or _HARMLESS.search(line):
            continue
        behind = last + 1
        yield LogError(at, last)


def _end_of_trace(lines: Sequence[str], at: int) -> int:
    """Return the line below a trace that names the error: the first one that stands no deeper."""
    depth = _depth(lines[at])
    for number in range(at + 1, min(at + _LONGEST, len(lines))):
        if lines[number].strip() and _depth(lines[number]) <= depth:
            return number
    return at


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def excerpt(lines: Sequence[str], room: int) -> str:
    """Return the first errors with what stands around them, and the end, in at most `room`
    characters. What is left out is marked."""
    shown: set[int] = set()
    for error in errors_in(lines)[:_ERRORS]:
        shown.update(range(max(error.first - _BEFORE, 0), min(error.last + _BEHIND, len(lines))))
    shown.update(range(max(len(lines) - _END, 0), len(lines)))
    parts, before = [], -1
    for at in sorted(shown):
        line = lines[at] if at == before + 1 else f"…\n{lines[at]}"
        if room < len(line) + 3:
            parts.append("…")
            break
        parts.append(line)
        room, before = room - len(line) - 1, at
    return "\n".join(parts)
