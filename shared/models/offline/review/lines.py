"""What shows in one line of code."""

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from shared.events import Json
from shared.models.offline.review.blocks import keeps_defaults, raises_again
from shared.models.offline.review.parts import ShownFile
from shared.patterns import lazily

_PYTHON = (".py", ".pyi")
_JAVASCRIPT = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts")
_PROSE = (".md", ".rst", ".txt", ".adoc")


def _never(_: ShownFile, __: int) -> bool:
    return False


class Rule(NamedTuple):
    """`pattern` finds the fault in a line without its strings, `unless` the lines below tell that
    it is none; `mend` writes the line right."""

    endings: tuple[str, ...]
    pattern: re.Pattern[str]
    claim: str
    severity: Literal["critical", "high", "medium", "low"] = "medium"
    mend: Callable[[str], str] | None = None
    unless: Callable[[ShownFile, int], bool] = _never


def _deleted(_: str) -> str:
    return ""


def _by_identity(line: str) -> str:
    return re.sub(r"== ?None\b", "is None", re.sub(r"!= ?None\b", "is not None", line))


_RULES = (
    Rule(
        (),
        lazily(r"^(?:<{7} |>{7} |\|{7} )\S"),
        "A mark of a merge conflict was committed.",
        "critical",
    ),
    Rule(
        _PYTHON,
        lazily(r"[!=]= ?None\b|\bNone [!=]= "),
        "`None` is compared by equality, which an object may answer as it likes.",
        mend=_by_identity,
    ),
    Rule(
        _PYTHON,
        lazily(r"^\s*(?:async )?def \w+\(.*=\s*(?:\[\]|\{\}|list\(\)|dict\(\)|set\(\))\s*[,)]"),
        "The default value is made once, so all calls that change it share it.",
        unless=keeps_defaults,
    ),
    Rule(
        _PYTHON,
        lazily(r"^\s*except\s*:"),
        "It catches everything, an interrupt and a failed assertion too.",
        mend=lambda line: re.sub(r"except\s*:", "except Exception:", line, count=1),
        unless=raises_again,
    ),
    Rule(
        _PYTHON,
        lazily(r"^\s*(?:(?:i?pdb|pudb)\.set_trace\(\)|breakpoint\(\))\s*$"),
        "A breakpoint was left: the program stops here.",
        "high",
        mend=_deleted,
    ),
    Rule(
        _JAVASCRIPT,
        lazily(r"^\s*debugger\s*;?\s*$"),
        "A breakpoint was left: the program stops here.",
        "high",
        mend=_deleted,
    ),
    Rule(
        _JAVASCRIPT,
        lazily(r"^\s*console\.(?:log|debug)\("),
        "An output for debugging was left.",
        "low",
    ),
    Rule(
        (),
        lazily(r"(?:#|//|/\*|--|<!--)\s*(?:TODO|FIXME|XXX)\b(?!.*(?:#\d+|https?://|[A-Z]+-\d+))"),
        "What is left to do names no issue, so nobody will find it again.",
        "low",
    ),
)
#: A text within a line.
STRING = lazily(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`")


def found_in_lines(file: ShownFile) -> Iterator[Json]:
    """Yield what the rules find in the new lines."""
    for rule in _RULES:
        if rule.endings and not file.path.endswith(rule.endings):
            continue
        if not rule.endings and rule.severity == "low" and file.path.endswith(_PROSE):
            continue
        for number in file.added:
            line = file.lines[number]
            bare = STRING.sub('""', line)
            if rule.pattern.search(bare) and not rule.unless(file, number):
                mended = rule.mend(line) if rule.mend else None
                yield file.finding(
                    number,
                    rule.claim,
                    severity=rule.severity,
                    category="style" if rule.severity == "low" else "bug",
                    suggestion=None if mended == line else mended,
                )
