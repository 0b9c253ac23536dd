"""Campaigns: a run takes a small, fixed sample of them; `./scripts/test --all` takes the whole."""

from collections.abc import Sequence
from typing import TypeVar

from hypothesis import settings

T = TypeVar("T")

#: The hypothesis profile of each kind of run. A sample draws the same examples every time.
_PROFILES = {
    False: settings(max_examples=15, deadline=None, derandomize=True),
    True: settings(deadline=None, print_blob=True),
}
_run = {"whole": False}


def choose(whole: bool) -> None:
    """Decide for this run, before any test is imported."""
    _run["whole"] = whole
    name = "whole" if whole else "sample"
    settings.register_profile(name, _PROFILES[whole])
    settings.load_profile(name)


def size(whole: int, sample: int) -> int:
    """Return how much of a campaign to run: all of it, or a sample."""
    return whole if _run["whole"] else sample


def sample(cases: Sequence[T], count: int) -> list[T]:
    """Return `count` of the cases, evenly spread from the first to the last, or all of them."""
    if _run["whole"] or count >= len(cases):
        return list(cases)
    return [cases[n * (len(cases) - 1) // max(count - 1, 1)] for n in range(count)]


def examples(whole: int) -> settings:
    """Return the settings of a hypothesis test of that many examples; a sample has a tenth."""
    return settings(max_examples=size(whole, max(10, whole // 10)))
