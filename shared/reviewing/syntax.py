"""Reads files of known languages: counts what does not parse, and finds what is around lines."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import PurePosixPath
from typing import NamedTuple, NoReturn

from shared.python_source import parse

Count = Callable[[str], int]


def _of_python(text: str) -> int:
    from shared.reviewing.parsers import errors_of_tree

    return _failing(parse, text) and max(1, errors_of_tree("python", text))


def _of_json(text: str) -> int:
    from shared.reviewing.parsers import errors_of_tree

    return _failing(_read_json, text) and max(1, errors_of_tree("json", text))


def _read_json(text: str) -> object:
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _failing(read: Callable[[str], object], text: str) -> int:
    try:
        read(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 1
    return 0


#: The language of a file by its ending.
_LANGUAGES: Mapping[str, str] = {
    **dict.fromkeys((".py", ".pyi"), "python"),
    **dict.fromkeys((".js", ".cjs", ".mjs", ".jsx"), "javascript"),
    **dict.fromkeys((".ts", ".cts", ".mts"), "typescript"),
    **dict.fromkeys((".yaml", ".yml"), "yaml"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".hh", ".hpp"), "c++"),
    **dict.fromkeys((".c", ".h"), "c"),
    **dict.fromkeys((".kt", ".kts"), "kotlin"),
    ".cs": "c#",
    ".php": "php",
    ".rb": "ruby",
    ".rs": "rust",
    ".swift": "swift",
    ".tsx": "tsx",
    ".json": "json",
    ".go": "go",
    ".java": "java",
    ".sql": "sql",
}
#: Languages of which a grammar cannot know all: macros, dialects, versions.
_ROUGH = frozenset({"c", "c++", "c#", "kotlin", "php", "ruby", "rust", "swift"})
#: Languages in which the begin of a line says what it belongs to.
_INDENTED = frozenset({"python", "yaml"})
#: Languages that another program reads more strictly than a grammar.
_COUNTS: Mapping[str, Count] = {"python": _of_python, "json": _of_json}


class Scope(NamedTuple):
    """A function, a class or a block of settings: its lines, counted from 1, of which those up to
    `body` are its head. One that `is_code` runs."""

    name: str
    first: int
    body: int
    last: int
    is_code: bool


def still_parses(path: str, before: str, after: str) -> bool:
    """Does a file parse after a change, or less of it fail than before? No more of it is enough
    where a grammar does not know all, and a language without a grammar here is never in doubt."""
    language = _language_of(path)
    if language == "sql":
        return _is_sql_still(before, after)
    errors = _count_errors(language, after)
    if not errors:
        return True
    earlier = _count_errors(language, before)
    return errors <= earlier if language in _ROUGH else errors < earlier


def is_same_but_for_spaces(path: str, before: str, after: str) -> bool:
    """Do lines of a file say the same, however they are spaced? Of a language that is not known
    here only the ends of lines say nothing."""
    language = _language_of(path)
    old, new = before.split("\n"), after.split("\n")
    if not language:
        return [*map(str.rstrip, old)] == [*map(str.rstrip, new)]
    bare = partial(_bare, is_indented=language in _INDENTED)
    return [*filter(None, map(bare, old))] == [*filter(None, map(bare, new))]


def _bare(line: str, *, is_indented: bool) -> str:
    """Return a line without the spaces that say nothing; within quotes each may."""
    said = line.strip()
    begin = line[: line.find(said)] if is_indented and said else ""
    return begin + (said if {*"'\"`"} & {*said} else " ".join(said.split()))


def _is_sql_still(before: str, after: str) -> bool:
    try:
        from shared.reviewing.parsers import is_sql_still
    except ImportError:
        return True  # a bundle without the part
    return is_sql_still(before, after)


def _count_errors(language: str, text: str) -> int:
    if not language:
        return 0
    try:
        if language in _COUNTS:
            return _COUNTS[language](text)
        from shared.reviewing.parsers import errors_of_tree

        return errors_of_tree(language, text)
    except ImportError:
        return 0  # a bundle without the part


def scopes_around(path: str, text: str, lines: Sequence[tuple[int, int]]) -> Sequence[Scope] | None:
    """Return what is around any of these lines, the outer before the inner; None for a language
    without a grammar here."""
    language = _language_of(path)
    if language in ("", "sql"):
        return None
    try:
        from shared.reviewing.parsers import scopes_of_tree

        return [Scope(*found) for found in scopes_of_tree(language, text, lines)]
    except ImportError:
        return None  # a bundle without the part


def _language_of(path: str) -> str:
    return _LANGUAGES.get(PurePosixPath(path).suffix.lower(), "")
