"""What the lines below a line of Python say: if an error is raised again, and if a default that all
calls share is ever changed or given away."""

import ast
from collections.abc import Iterator
from textwrap import dedent

from shared.models.offline.review.parts import ShownFile
from shared.python_source import parse

_WORDS_OF_CHANGE = """
    add append appendleft clear discard extend insert pop popitem remove reverse setdefault sort
    update
"""
_CHANGES = frozenset(_WORDS_OF_CHANGE.split())
#: Calls that only read what they are given.
_WORDS_OF_READERS = """
    all any bool dict enumerate filter frozenset isinstance iter len list map max min print repr
    reversed set sorted str sum tuple type zip
"""
_READERS = frozenset(_WORDS_OF_READERS.split())


def raises_again(file: ShownFile, number: int) -> bool:
    """Does the block that begins in the line end by raising what it caught?"""
    handler = _parsed(file, number, before="try:\n    pass\n")
    if not isinstance(handler, ast.Try):
        return False
    return any(isinstance(one, ast.Raise) for one in handler.handlers[-1].body)


def keeps_defaults(file: ShownFile, number: int) -> bool:
    """Does the function that begins in the line leave its defaults as they are, and to itself?"""
    function = _parsed(file, number)
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    shared = {*_shared(function.args)}
    return not any(name in shared for node in ast.walk(function) for name in _changed(node))


def _parsed(file: ShownFile, number: int, before: str = "") -> ast.stmt | None:
    """Read the statement that begins in the line, as far as it is shown; None when that cannot be
    read."""
    lines = [file.lines[number], *_block(file, number)]
    try:
        return parse(before + dedent("\n".join(lines))).body[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _block(file: ShownFile, number: int) -> Iterator[str]:
    """Yield the lines below that stand deeper."""
    depth = _depth(file.lines[number])
    while (line := file.lines.get(number := number + 1)) is not None:
        if line.strip() and _depth(line) <= depth:
            return
        yield line


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def _shared(given: ast.arguments) -> Iterator[str]:
    """Yield the parameters whose default is a list, a dictionary or a set."""
    named = [*given.posonlyargs, *given.args]
    pairs = [*zip(reversed(named), reversed(given.defaults), strict=False)]
    for name, default in [*pairs, *zip(given.kwonlyargs, given.kw_defaults, strict=True)]:
        if isinstance(default, ast.List | ast.Dict | ast.Set | ast.Call):
            yield name.arg


def _changed(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node changes, or gives to others who may."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
            yield from [name] if method in _CHANGES else []
            yield from _names(_given(node))
        case ast.Call(func=ast.Name(id=called)) if called in _READERS:
            return
        case ast.Call():
            yield from _names(_given(node))
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            yield name
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name
        case ast.Assign(value=value) | ast.AnnAssign(value=value):
            yield from _names([value])
        case ast.Return(value=value) | ast.Yield(value=value) | ast.YieldFrom(value=value):
            yield from _names([value])


def _given(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _names(values: list[ast.expr] | list[ast.expr | None]) -> Iterator[str]:
    for value in values:
        if isinstance(value, ast.Name):
            yield value.id
        elif isinstance(value, ast.List | ast.Tuple | ast.Dict):
            children = [one for one in ast.iter_child_nodes(value) if isinstance(one, ast.expr)]
            yield from _names([*children])
