"""The grammars: tree-sitter's for most languages, sqlglot's for the dialects of SQL."""

import logging
from functools import cache
from importlib import import_module

import sqlglot
from sqlglot.errors import SqlglotError
from tree_sitter import Language, Parser

PART = "parsers"

#: The module and the function of each grammar.
_GRAMMARS = {
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "json": ("tree_sitter_json", "language"),
    "python": ("tree_sitter_python", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "yaml": ("tree_sitter_yaml", "language"),
}
_DIALECTS = ("postgres", "mysql", "sqlite", "tsql", "bigquery", "snowflake")
#: Nodes to look for errors in; a file with more of them counts as one that has these many.
_MOST = 100


def errors_of_tree(language: str, text: str) -> int:
    """Count the places that the grammar does not know or misses."""
    pending, errors = [_parser(language).parse(text.encode("utf-8", "replace")).root_node], 0
    while pending and errors < _MOST:
        node = pending.pop()
        if node.is_error or node.is_missing:
            errors += 1
        elif node.has_error:
            pending += node.children
    return errors


def errors_of_sql(text: str) -> int:
    """Return 0 when any dialect parses it, else 1."""
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it warns of what it takes unparsed
    return int(not any(_is_sql(text, dialect) for dialect in _DIALECTS))


def _is_sql(text: str, dialect: str) -> bool:
    try:
        sqlglot.parse(text, dialect=dialect)
    except (SqlglotError, RecursionError, ValueError):
        return False
    return True


@cache
def _parser(language: str) -> Parser:
    module, function = _GRAMMARS[language]
    return Parser(Language(getattr(import_module(module), function)()))
