"""Files that need no look, as far as the offline model can tell: all of their changed lines are
shown, and are empty or comments."""

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from shared.events import Json
from shared.models.offline.parsed_request import SourceText
from shared.patterns import lazily

_FILE = lazily(r"(\d+)\. (.+), \w+, \+\d+ -\d+")
_CHANGED = lazily(r"[+-] (.*)")
#: How a line of comment begins, by the ending of a file.
_SIGNS = {
    **dict.fromkeys((".py", ".pyi", ".rb", ".sh", ".yaml", ".yml", ".toml"), "#"),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".go", ".java", ".rs"), "//"),
    **dict.fromkeys((".c", ".h", ".cc", ".cpp", ".cs", ".kt", ".swift", ".scala"), "//"),
    ".sql": "--",
}
#: Comments that programs read.
_ORDERS = lazily(
    r"type:|noqa|pragma|pylint|mypy|fmt:|coding|go:|nolint|@ts-|eslint|prettier|swift-tools|!",
    re.IGNORECASE,
)


def unneeded_of(blocks: Sequence[SourceText]) -> Iterator[Json]:
    """Yield them by their numbers."""
    lines = [line for block in blocks if block.name == "files" for line in block.text.split("\n")]
    shown: list[tuple[int, str, list[str]]] = []
    for line in lines:
        if found := _FILE.fullmatch(line):
            shown.append((int(found[1]), found[2], []))
        elif shown:
            shown[-1][2].append(line)
    for number, path, changed in shown:
        texts = [found[1].strip() for line in changed if (found := _CHANGED.fullmatch(line))]
        # Another line says that some are not shown.
        if texts and len(texts) == len(changed) and all(_is_idle(path, text) for text in texts):
            yield {"file": number, "reason": "comments" if any(texts) else "formatting"}


def _is_idle(path: str, text: str) -> bool:
    """Does nothing depend on the line?"""
    sign = _SIGNS.get(PurePosixPath(path).suffix)
    return not text or bool(sign and text.startswith(sign) and not _ORDERS.search(text))
