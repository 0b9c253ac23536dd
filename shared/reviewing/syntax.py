"""Counts what does not parse in a file of a known language."""

import ast
import json
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

Count = Callable[[str], int]


def _of_python(text: str) -> int:
    from shared.reviewing.parsers import errors_of_tree

    return _failing(ast.parse, text) and max(1, errors_of_tree("python", text))


def _of_json(text: str) -> int:
    from shared.reviewing.parsers import errors_of_tree

    return _failing(json.loads, text) and max(1, errors_of_tree("json", text))


def _of_tree(language: str) -> Count:
    def count(text: str) -> int:
        from shared.reviewing.parsers import errors_of_tree

        return errors_of_tree(language, text)

    return count


def _of_sql(text: str) -> int:
    from shared.reviewing.parsers import errors_of_sql

    return errors_of_sql(text)


def _failing(read: Callable[[str], object], text: str) -> int:
    try:
        read(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 1
    return 0


_COUNTS: Mapping[str, Count] = {
    ".py": _of_python,
    ".pyi": _of_python,
    ".json": _of_json,
    ".sql": _of_sql,
    ".js": _of_tree("javascript"),
    ".cjs": _of_tree("javascript"),
    ".mjs": _of_tree("javascript"),
    ".jsx": _of_tree("javascript"),
    ".ts": _of_tree("typescript"),
    ".cts": _of_tree("typescript"),
    ".mts": _of_tree("typescript"),
    ".tsx": _of_tree("tsx"),
    ".yaml": _of_tree("yaml"),
    ".yml": _of_tree("yaml"),
    ".go": _of_tree("go"),
    ".java": _of_tree("java"),
}


def count_errors(path: str, text: str) -> int | None:
    """Return how much of the file does not parse; None for a language without a grammar here."""
    count = _COUNTS.get(PurePosixPath(path).suffix.lower())
    return None if count is None else count(text)
