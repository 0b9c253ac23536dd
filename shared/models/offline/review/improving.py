"""What could be written better in one line of Python, and means the same."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from shared.events import Json
from shared.models.offline.review.lines import STRING
from shared.models.offline.review.parts import files_of
from shared.patterns import lazily

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"


class _Better(NamedTuple):
    """`pattern` finds code outside of strings; what `by` makes of it takes its place."""

    pattern: re.Pattern[str]
    by: str
    claim: str
    category: str = "style"


_RULES = (
    _Better(lazily(rf"\bnot ({_NAME}) in (?=\S)"), r"\1 not in ", "`not in` says it in one word."),
    _Better(
        lazily(rf"\bnot ({_NAME}) is (?!not\b)(?=\S)"),
        r"\1 is not ",
        "`is not` says it in one word.",
    ),
    _Better(lazily(r"\brange\(0, (?=[^,()]+\))"), "range(", "A range begins at 0 by itself."),
    _Better(
        lazily(rf"\bfor ({_NAME}) in ({_NAME})\.keys\(\):"),
        r"for \1 in \2:",
        "A mapping gives its keys by itself.",
        "performance",
    ),
    _Better(lazily(r"^(\s*class \w+)\(object\):"), r"\1:", "Every class is an object by itself."),
)


def improvements(texts: Iterable[str], most: int = 5) -> Json:
    """Return what could be better in the parts of a change, as the schema asks for."""
    found = [one for text in texts for one in _in_part(text)]
    return {"improvements": found[:most]}


def _in_part(text: str) -> Iterator[Json]:
    for file in files_of(text):
        for number in file.added if file.path.endswith((".py", ".pyi")) else ():
            line = file.lines[number]
            # Of the same length, so that a place in it is one in the line.
            bare = STRING.sub(lambda one: '"' * len(one[0]), line).partition("#")[0]
            for rule in _RULES:
                if found := rule.pattern.search(bare):
                    better = line[: found.start()] + found.expand(rule.by) + line[found.end() :]
                    yield {
                        "path": file.path,
                        "first": number,
                        "last": number,
                        "quote": line,
                        "category": rule.category,
                        "confidence": 0.9,
                        "claim": f"{rule.claim} (Seen by a fixed rule.)",
                        "suggestion": better,
                    }
                    break
