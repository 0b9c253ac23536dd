"""What shows in a whole file of Python: that it does not parse, and names that nothing defines."""

import ast
import builtins
from collections.abc import Iterator

from shared.events import Json
from shared.models.offline.review.parts import ShownFile
from shared.python_source import parse

_GIVEN = frozenset(
    [
        *dir(builtins),
        *("__file__", "__name__", "__doc__", "__spec__", "__path__", "__package__", "__class__"),
        *("__builtins__", "__annotations__", "__loader__", "__all__", "__module__", "__qualname__"),
    ]
)


def found_in_python(file: ShownFile) -> Iterator[Json]:
    """Yield what is wrong with the file; it must be shown whole."""
    try:
        tree = parse(file.text)
    except SyntaxError as err:
        line = min(max(err.lineno or 1, 1), len(file.lines))
        yield file.finding(line, "The file does not parse from here on.", severity="critical")
        return
    except (ValueError, RecursionError, MemoryError):
        return
    bound = {*_bound(tree)}
    if "*" in bound:
        return
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    for node in sorted(used, key=lambda node: node.lineno):
        if node.id not in bound and node.id not in _GIVEN:
            bound.add(node.id)  # told once
            claim = f"Nothing defines `{node.id}`, so this raises `NameError`."
            yield file.finding(node.lineno, claim, severity="high")


def _bound(tree: ast.AST) -> Iterator[str]:
    """Yield all names that anything in the file binds, anywhere; `*` for an import of all."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar):
            yield node.name or "_"
        elif isinstance(node, ast.MatchMapping):
            yield node.rest or "_"
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif name := getattr(node, "name", None):  # type parameters, from 3.12 on
            yield str(name)
