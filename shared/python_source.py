"""Parses Python, one text at a time: in Python 3.11 two at once may fail with SystemError.
https://github.com/python/cpython/issues/106905."""

import ast
from threading import Lock

_one_at_a_time = Lock()


def parse(text: str) -> ast.Module:
    """Return the tree of a text; raises SyntaxError, ValueError, RecursionError or MemoryError for
    one that is none."""
    with _one_at_a_time:
        return ast.parse(text)
