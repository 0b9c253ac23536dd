"""Reward functions: what came of a run, as one number. A flow declares those that it is for:
`@flow(…, rewards=[accepted, dismissed, cost])`, and their sum is its reward.

Each is a plain function of what is known of a run, so it can be computed again over all runs in the
journal when it changes. An author's own stands beside these under `@reward`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple, Self

from shared.frozen import frozen


class RunSignal(NamedTuple):
    """What one person, or what happened, says of a run: its kind, from -1 to 1, and how much it
    counts. `at` is in seconds since the epoch; nobody in particular has the empty name."""

    kind: str
    value: float
    weight: float
    actor: str
    at: float


class RunResult(NamedTuple):
    """What is known of a run that has ended: what was said of it, the dollars of its model calls,
    and the seconds that it took; of the runs of a plan together, and how the plan `ended`: `done`,
    `failed` or `cancelled`."""

    signals: tuple[RunSignal, ...] = ()
    cost: float = 0.0
    seconds: float = 0.0
    ended: str = ""


@frozen
class DeclaredReward:
    """A reward function with the bounds of what it returns, and what it is taken from."""

    name: str
    function: Callable[[RunResult], float]
    low: float
    high: float
    source: str

    def __call__(self, result: RunResult) -> float:
        return min(max(self.function(result), self.low), self.high)


def reward(
    low: float, high: float, source: str
) -> Callable[[Callable[[RunResult], float]], DeclaredReward]:
    """Make a function a reward between these bounds."""

    def declare(function: Callable[[RunResult], float]) -> DeclaredReward:
        made = DeclaredReward(function.__name__, function, low, high, source)
        _DECLARED[made.name] = made
        return made

    return declare


_DECLARED: dict[str, DeclaredReward] = {}


class RewardSum(NamedTuple):
    """The rewards of a flow; their sum is what its policies are to raise."""

    parts: tuple[DeclaredReward, ...]

    @classmethod
    def named(cls, names: Sequence[str]) -> Self | None:
        """Return the sum of declared rewards; None without names, or where one is not known
        here."""
        known = tuple(_DECLARED[name] for name in names if name in _DECLARED)
        return cls(known) if known and len(known) == len(names) else None

    def __call__(self, result: RunResult) -> float:
        return sum(part(result) for part in self.parts)

    @property
    def low(self) -> float:
        return sum(part.low for part in self.parts)

    @property
    def high(self) -> float:
        return sum(part.high for part in self.parts)


#: What tells that people took what was done, and that they did not.
_TAKEN = frozenset(
    (
        *("liked", "accepted", "resolved", "committed", "changed_before_merge", "quiet"),
        "closed_as_duplicate",
    )
)
_REFUSED = frozenset(
    ["disliked", "dismissed", "unchanged_before_merge", "not_duplicate", "answered_after"]
)
#: What people complain by.
COMPLAINTS = frozenset(["disliked", "undone", "escalated"])
#: Dollars, and seconds, of a run that count as much as a refusal.
_DEAR, _SLOW = 0.5, 300.0


def heard(result: RunResult, kinds: Collection[str]) -> float:
    """Return what was said by signals of these kinds, from -1 to 1: of each person the last word,
    as much as it counts, and of all people the mean."""
    last: dict[str, RunSignal] = {}
    for one in sorted(_of(result.signals, kinds), key=lambda signal: signal.at):
        last[one.actor] = one
    weight = sum(one.weight for one in last.values())
    return sum(one.value * one.weight for one in last.values()) / max(weight, 1.0)


def _of(signals: Sequence[RunSignal], kinds: Collection[str]) -> Iterator[RunSignal]:
    return (one for one in signals if one.kind in kinds and one.weight > 0)


@reward(
    0, 1, "signals: liked, accepted, resolved, committed, changed before merge, a duplicate, quiet"
)
def accepted(result: RunResult) -> float:
    """People took what was done."""
    return heard(result, _TAKEN)


@reward(-1, 0, "signals: disliked, dismissed, not changed, no duplicate, answered by others")
def dismissed(result: RunResult) -> float:
    """People did not want it."""
    return heard(result, _REFUSED)


@reward(-1, 0, "signals: relabelled, edited, corrected, undone, reopened")
def relabelled(result: RunResult) -> float:
    """People changed what was done, or took it back."""
    return heard(result, {"relabelled", "edited", "corrected", "undone", "reopened"})


@reward(0, 1, "the end of the plan: 1 when all its steps were done")
def reached(result: RunResult) -> float:
    """The plan came to its goal."""
    return float(result.ended == "done")


@reward(-1, 0, "the dollars of the run's model calls: half a dollar is -1")
def cost(result: RunResult) -> float:
    """The run cost money."""
    return -result.cost / _DEAR


@reward(-1, 0, "the seconds from the run's begin to its end: five minutes are -1")
def slowness(result: RunResult) -> float:
    """People waited for it."""
    return -result.seconds / _SLOW


def complaint(result: RunResult) -> float:
    """Return 1 when somebody complained about the run, else 0."""
    return float(any(one.value < 0 for one in _of(result.signals, COMPLAINTS)))
