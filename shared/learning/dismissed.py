"""Tells which findings people do not want to see again.

A finding is known again by its code, by its claim, or by both together: the code may have moved,
and a model says the same in other words. How far a dismissal reaches depends on how sure that is.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

from shared.learning.findings import KeptFinding
from shared.learning.likeness import (
    claims_alike,
    costs,
    edited,
    harms,
    shapes_alike,
    subject,
    tells,
)

#: The shares of meanings that two claims have in common, from which on they say the same: about
#: the same code, in the same file, anywhere in the repository.
_OF_CODE, _OF_FILE, _OF_REPOSITORY = 0.15, 0.5, 0.7
#: The shares of code in common, from which on it is the same: whole lines, or edited ones.
_WHOLE, _EDITED = 0.5, 0.5
#: And those from which on the same category tells without a word in common.
_PART, _LITTLE_EDITED = 0.4, 0.65
#: Categories of which several findings fit the same lines, so that their words must tell.
_MANIFOLD = frozenset(["style", "documentation", "tests", "performance"])
#: Categories that models give the same fault; and with the one that they take when it is slow.
_KIN = frozenset(["bug", "data loss", "concurrency"])
_FAULTS = _KIN | {"performance"}
#: Dismissals of the same claim after which it is told nowhere in the repository.
_OFTEN = 3


One = TypeVar("One", bound="Known")


class Known(Protocol):
    """What is compared of a finding."""

    @property
    def path(self) -> str: ...

    @property
    def category(self) -> str: ...

    @property
    def severity(self) -> str: ...

    @property
    def claim(self) -> str: ...

    @property
    def shape(self) -> str: ...


def is_same(one: Known, other: Known) -> bool:
    """Does a finding say the same as the `other` one, which is known, of the same code, or of the
    same file?"""
    alike = claims_alike(one.claim, other.claim)
    if one.path == other.path and alike >= _OF_FILE:
        return True
    if not is_near(one, other):
        return False
    if is_kin(one, other) and _is_nearly_whole(one, other):
        is_told = alike > 0 or not is_manifold(one)
    else:
        is_told = alike >= _OF_CODE and not _outweighs(one, other)
    return is_told or _is_about_the_same(one, other)


def _is_about_the_same(one: Known, other: Known) -> bool:
    """Are both faults of the same subject: what a claim names of its code? A claim that names
    nothing of it is about that of the known one; one that names something else is another."""
    if not {one.category, other.category} <= _FAULTS or _outweighs(one, other):
        return False
    known = subject(other.claim, other.shape)
    if one.category == other.category and _is_nearly_whole(one, other):
        return bool(known)
    named = subject(one.claim, one.shape)
    return bool(known) and (not named or not known.isdisjoint(named))


def _outweighs(one: Known, other: Known) -> bool:
    """Is it a fault, and what is known only a remark? People who do not care for its name may care
    that a line is wrong. One about time is a remark, too, if it tells of no harm."""
    if one.category == "performance":
        return other.category in _MANIFOLD - {"performance"}
    if one.category not in _KIN | {"security"}:
        return False
    if other.category == "performance":
        is_light = other.severity == "low" != one.severity
        is_apart = costs(one.claim).isdisjoint(costs(other.claim))
        return is_light or (is_apart and not harms(other.claim))
    return other.category in _MANIFOLD


def is_near(one: Known, other: Known) -> bool:
    """Are they about the same code, or what it was before an edit?"""
    if _whole(one, other) > 0:
        return True
    return one.path == other.path and edited(one.shape, other.shape) >= _EDITED


def is_kin(one: Known, other: Known) -> bool:
    """Are they of the same category, or of two that models give the same fault?"""
    return one.category == other.category or {one.category, other.category} <= _KIN


def _is_nearly_whole(one: Known, other: Known) -> bool:
    """Is the code of both the same, but for a part of it or a little edit?"""
    if _whole(one, other) >= (_WHOLE if is_manifold(one) else _PART):
        return True
    is_here = one.path == other.path and not is_manifold(one)
    return is_here and edited(one.shape, other.shape) >= _LITTLE_EDITED


def _whole(one: Known, other: Known) -> float:
    """Return how much of the code is the same; in another file only what tells counts."""
    whole = shapes_alike(one.shape, other.shape)
    is_known = one.path == other.path or tells(min(one.shape, other.shape, key=len))
    return whole if is_known else 0.0


def is_manifold(one: Known) -> bool:
    """Is it of a category of which several findings fit the same lines?"""
    return one.category in _MANIFOLD


def in_doubt(found: Iterable[One], known: Sequence[One]) -> Iterator[tuple[One, One]]:
    """Yield what was found with what is known, of the same code, where no word tells whether both
    say the same."""
    for one in found:
        if not any(is_same(one, other) for other in known):
            yield from ((one, other) for other in known if is_near(one, other))


def is_unwanted(one: Known, dismissed: Sequence[Known]) -> bool:
    """Was it dismissed: for this code, for this file, or so often that it counts everywhere?"""
    return any(is_same(one, other) for other in dismissed) or counts_everywhere(one, dismissed)


def counts_everywhere(one: Known, dismissed: Sequence[Known]) -> bool:
    """Was the same claim dismissed so often that it is told nowhere in the repository?"""
    alike = [
        other
        for other in dismissed
        if other.category == one.category and claims_alike(one.claim, other.claim) >= _OF_REPOSITORY
    ]
    return len(alike) >= _OFTEN


def is_known(finding: KeptFinding, known: Sequence[KeptFinding]) -> bool:
    """Was it told in this pull request, or dismissed? What is critical is told once more after it
    was dismissed once."""
    told = [one for one in known if not one.is_refused]
    if any(is_same(finding, one) for one in told):
        return True
    refused = [one for one in known if one.is_refused]
    if finding.severity != "critical":
        return is_unwanted(finding, refused)
    return sum(max(one.dismissals, 1) for one in refused if is_same(finding, one)) > 1


def says_same(claim: str, other: str) -> bool:
    """Do two claims about the same lines say the same?"""
    return claims_alike(claim, other) >= _OF_CODE
