"""The grammars: tree-sitter's for most languages, sqlglot's for the dialects of SQL."""

import logging
import math
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module

import sqlglot
from sqlglot.errors import SqlglotError
from tree_sitter import Language, Node, Parser

PART = "parsers"

#: The module and the function of each grammar.
_GRAMMARS = {
    "c": ("tree_sitter_c", "language"),
    "c#": ("tree_sitter_c_sharp", "language"),
    "c++": ("tree_sitter_cpp", "language"),
    "go": ("tree_sitter_go", "language"),
    "java": ("tree_sitter_java", "language"),
    "javascript": ("tree_sitter_javascript", "language"),
    "json": ("tree_sitter_json", "language"),
    "kotlin": ("tree_sitter_kotlin", "language"),
    "php": ("tree_sitter_php", "language_php"),
    "python": ("tree_sitter_python", "language"),
    "ruby": ("tree_sitter_ruby", "language"),
    "rust": ("tree_sitter_rust", "language"),
    "swift": ("tree_sitter_swift", "language"),
    "tsx": ("tree_sitter_typescript", "language_tsx"),
    "typescript": ("tree_sitter_typescript", "language_typescript"),
    "yaml": ("tree_sitter_yaml", "language"),
}
_NODES_OF_CODE = """
    arrow_function constructor_declaration function_declaration function_definition
    function_expression function_item generator_function generator_function_declaration
    init_declaration local_function_statement method method_declaration method_definition
    singleton_method
"""
_NODES_AROUND = """
    abstract_class_declaration block_mapping_pair class class_declaration class_definition
    class_specifier enum_declaration enum_item impl_item interface_declaration internal_module
    mod_item module namespace_declaration namespace_definition object_declaration pair
    protocol_declaration record_declaration struct_declaration struct_item struct_specifier
    trait_declaration trait_item type_declaration
"""
#: Nodes around code that runs, and around what only holds others.
_CODE, _HOLDERS = frozenset(_NODES_OF_CODE.split()), frozenset(_NODES_AROUND.split())
#: Scopes of a file.
_SCOPES = 400
_DIALECTS = ("postgres", "mysql", "sqlite", "tsql", "bigquery", "snowflake")
_likely: list[str] = []
_END_OF_STATEMENT = ";\n"
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


def scopes_of_tree(
    language: str, text: str, lines: Sequence[tuple[int, int]]
) -> Iterator[tuple[str, int, int, int, bool]]:
    """Yield what is around any of the lines, the outer before the inner: its name, its first line,
    the last one of its head, its last line, and if it runs."""
    tree = _parser(language).parse(text.encode("utf-8", "replace"))
    pending, found = [(tree.root_node, "")], 0
    while pending and found < _SCOPES:
        node, names = pending.pop()
        first, last = node.start_point.row + 1, node.end_point.row + 1
        if first == last or not any(first <= end and start <= last for start, end in lines):
            continue
        kind = node.type
        if node.is_named and node.parent and (kind in _CODE or kind in _HOLDERS):
            found += 1
            own = _name(node)
            names = f"{names}.{own}" if names and own else names or own
            yield names if own else "", first, _end_of_head(node), last, kind in _CODE
        pending += [(child, names) for child in reversed(node.named_children)]


def _name(node: Node) -> str:
    """Return the name of a function or a class; a function without one has that of its
    variable."""
    holder = node.parent if node.type in {"arrow_function", "function_expression"} else node
    named = _named(holder) if holder else None
    text = named.text if named else b""
    return " ".join((text or b"").decode("utf-8", "replace").split())[:60]


def _named(node: Node) -> Node | None:
    for field in ("name", "key", "declarator"):
        if found := node.child_by_field_name(field):
            return found if field != "declarator" else _named(found) or found
    return node.child_by_field_name("type") if node.type == "impl_item" else None


def _end_of_head(node: Node) -> int:
    """Return the last line before the body, or that of its opening brace."""
    body = node.child_by_field_name("body") or node.child_by_field_name("value")
    if body is None:
        return node.start_point.row + 1
    if (body.text or b"").startswith((b"{", b"[")):
        return body.start_point.row + 1
    before = body.prev_sibling
    while before and "comment" in before.type:
        before = before.prev_sibling
    return (before.end_point if before else node.start_point).row + 1


def is_sql_still(before: str, after: str) -> bool:
    """Does a change of SQL parse? Only the statements that it touches are read, as long as these
    can be told from the others."""
    old, new = _touched(before, after)
    if (left := _unread(new)) == 0:
        return True
    earlier = _unread(old)
    if left < math.inf:
        return left <= earlier
    return earlier == math.inf and _unread(after) < math.inf


def _touched(before: str, after: str) -> tuple[str, str]:
    """Return what differs, from a line that ends a statement to another one."""
    before, after = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
    start = before.rfind(_END_OF_STATEMENT, 0, _alike(before, after)) + 1
    alike = _alike(before[start:][::-1], after[start:][::-1])
    end = before.find(_END_OF_STATEMENT, len(before) - alike)
    kept = 0 if end < 0 else len(before) - end - 1
    return before[start : len(before) - kept], after[start : len(after) - kept]


def _alike(text: str, other: str) -> int:
    """Return how many characters both begin with."""
    low, high = 0, min(len(text), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if text[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _unread(text: str) -> float:
    """Count the statements of which the best dialect reads no more than the first word; infinity
    when none parses the text. The one that parsed the last text is tried first."""
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it warns of what it takes unparsed
    least = math.inf
    for dialect in (*_likely, *_DIALECTS):
        if (unread := _unread_by(dialect, text)) < least:
            least, _likely[:] = unread, [dialect]
        if least == 0:
            break
    return least


def _unread_by(dialect: str, text: str) -> float:
    try:
        found = sqlglot.parse(text, dialect=dialect)
    except (SqlglotError, RecursionError, ValueError):
        return math.inf
    return sum(isinstance(one, sqlglot.exp.Command) for one in found)


@cache
def _parser(language: str) -> Parser:
    module, function = _GRAMMARS[language]
    return Parser(Language(getattr(import_module(module), function)()))
