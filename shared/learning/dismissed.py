"""Tells which findings people do not want to see again.

A finding is known again by its code, by its claim, or by both together: the code may have moved,
and a model says the same in other words. How far a dismissal reaches depends on how sure that is.
"""

from collections.abc import Sequence
from typing import Protocol

from shared.learning.likeness import claims_alike, edited, shapes_alike, tells

#: The shares of meanings that two claims have in common, from which on they say the same: about
#: the same code, in the same file, anywhere in the repository.
_OF_CODE, _OF_FILE, _OF_REPOSITORY = 0.15, 0.5, 0.7
#: The shares of code in common, from which on it is the same: whole lines, or edited ones.
_WHOLE, _EDITED = 0.5, 0.5
#: Categories of which several findings fit the same lines, so that their words must tell.
_MANIFOLD = frozenset(["style", "documentation", "tests", "performance"])
#: Dismissals of the same claim after which it is told nowhere in the repository.
_OFTEN = 3


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


def is_same(one: Known, other: Known) -> bool:
    """Do two findings say the same of the same code, or of the same file?"""
    alike = claims_alike(one.claim, other.claim)
    if one.path == other.path and alike >= _OF_FILE:
        return True
    whole = shapes_alike(one.shape, other.shape)
    if one.path != other.path and not (whole and tells(min(one.shape, other.shape, key=len))):
        return False
    if whole >= _WHOLE and one.category == other.category:
        return alike > 0 or one.category not in _MANIFOLD
    return alike >= _OF_CODE and (whole > 0 or edited(one.shape, other.shape) >= _EDITED)


def is_unwanted(one: Known, dismissed: Sequence[Known]) -> bool:
    """Was it dismissed: for this code, for this file, or so often that it counts everywhere?"""
    if any(is_same(one, other) for other in dismissed):
        return True
    return counts_everywhere(one, dismissed)


def counts_everywhere(one: Known, dismissed: Sequence[Known]) -> bool:
    """Was the same claim dismissed so often that it is told nowhere in the repository?"""
    alike = [
        other
        for other in dismissed
        if other.category == one.category and claims_alike(one.claim, other.claim) >= _OF_REPOSITORY
    ]
    return len(alike) >= _OFTEN


def says_same(claim: str, other: str) -> bool:
    """Do two claims about the same lines say the same?"""
    return claims_alike(claim, other) >= _OF_CODE
