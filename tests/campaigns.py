"""Campaigns: a run takes a small, fixed sample of them; `./scripts/test --all` takes the whole, and
`--quick` draws fewer examples."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

#: The hypothesis profile of each kind of run. A sample draws the same examples every time.
_PROFILES = {
    "whole": settings(deadline=None, print_blob=True),
    "sample": settings(max_examples=15, deadline=None, derandomize=True),
    "quick": settings(max_examples=5, deadline=None, derandomize=True),
}
#: The fewest and the most examples that a kind of run draws of a campaign, and which part of it.
_DRAWN = {"sample": (10, 100, 10), "quick": (5, 20, 40)}
_run = {"kind": "sample"}


def choose(kind: str) -> None:
    """Decide for this run, before any test is imported: whole, sample or quick."""
    _run["kind"] = kind
    settings.register_profile(kind, _PROFILES[kind])
    settings.load_profile(kind)


def size(whole: int, sample: int, quick: int | None = None) -> int:
    """Return how much of a campaign to run: all of it, a sample, or less in a quick run."""
    if _run["kind"] == "whole":
        return whole
    return sample if quick is None or _run["kind"] == "sample" else quick


def sample(cases: Sequence[T], count: int) -> list[T]:
    """Return `count` of the cases, evenly spread from the first to the last, or all of them."""
    if _run["kind"] == "whole" or count >= len(cases):
        return list(cases)
    return [cases[n * (len(cases) - 1) // max(count - 1, 1)] for n in range(count)]


def examples(whole: int) -> settings:
    """Return the settings of a hypothesis test of that many examples; a sample has a tenth."""
    if _run["kind"] == "whole":
        return settings(max_examples=whole)
    fewest, most, part = _DRAWN[_run["kind"]]
    return settings(max_examples=min(most, max(fewest, whole // part)))
