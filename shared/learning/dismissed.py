"""Tells which findings people do not want to see again.

A finding is known again by its code, by its claim, or by both together: the code may have moved,
and a model says the same in other words. How far a dismissal reaches depends on how sure that is.
"""

import re
from collections.abc import Sequence
from typing import Protocol

from shared.memory.lexical import terms

_TOKEN = re.compile(r"\w+|[^\w\s]")
#: The shares of terms that two claims have in common, from which on they say the same: about the
#: same code, in the same file, anywhere in the repository.
_OF_CODE, _OF_FILE, _OF_REPOSITORY = 0.15, 0.5, 0.7
#: Dismissals of the same claim after which it is told nowhere in the repository.
_OFTEN = 3
#: The shortest code that is taken for known wherever it stands, in tokens.
_TELLING = 6


class Known(Protocol):
    """What is compared of a finding."""

    @property
    def path(self) -> str: ...

    @property
    def category(self) -> str: ...

    @property
    def claim(self) -> str: ...

    @property
    def shape(self) -> str: ...


def shape_of(code: str) -> str:
    """Return code without what changes when it moves: its spaces, and the ends of its lines."""
    return " ".join(_TOKEN.findall(code))


def is_same(one: Known, other: Known) -> bool:
    """Do two findings say the same of the same code, or of the same file?"""
    alike = _alike(one.claim, other.claim)
    if one.shape == other.shape and (one.path == other.path or _tells(one.shape)):
        return one.category == other.category or alike >= _OF_CODE
    return one.path == other.path and alike >= _OF_FILE


def is_unwanted(one: Known, dismissed: Sequence[Known]) -> bool:
    """Was it dismissed: for this code, for this file, or so often that it counts everywhere?"""
    if any(is_same(one, other) for other in dismissed):
        return True
    alike = [
        other
        for other in dismissed
        if other.category == one.category and _alike(one.claim, other.claim) >= _OF_REPOSITORY
    ]
    return len(alike) >= _OFTEN


def _tells(shape: str) -> bool:
    return shape.count(" ") + 1 >= _TELLING


def _alike(one: str, other: str) -> float:
    """Return the share of the terms of two claims that both have."""
    terms_of_one, terms_of_other = {*terms(one)}, {*terms(other)}
    both = terms_of_one & terms_of_other
    return len(both) / max(len(terms_of_one | terms_of_other), 1)
