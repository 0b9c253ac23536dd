"""Tabular Q-learning over several choices in a row.

    Q(s,a) ← Q(s,a) + α[r + γ max Q(s',a') − Q(s,a)]

A run's choices of one name, in order, are an episode: the context is the state, the arm the action,
and the reward of the run comes with its last choice. Episodes are replayed from the journal in
batches, never inside a run. Watkins and Dayan, 1992, https://doi.org/10.1007/BF00992698.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.choosing import Chances, named
from shared.learning.choices.bounds import greedy
from shared.learning.choices.examples import Example
from shared.learning.choices.tuning import Tuning

#: How often all episodes are replayed, each later one from its end backwards, so that what came of
#: a run reaches its first choice at once.
_REPLAYS = 20

Values = Mapping[tuple[str, str], float]


def q_learning(examples: Sequence[Example], tuning: Tuning) -> Chances:
    """Learn from weighted examples; see `learners`."""
    values = action_values(examples, tuning)
    arms = [named(arm) for arm in tuning.arms]
    states = sorted({one.bucket for one in examples})

    def row(state: str) -> tuple[float, ...]:
        known = [values.get((state, arm), 0.0) for arm in arms]
        return greedy(known, tuning.floor, tuning.share)

    return Chances(tuning.arms, row(""), {state: row(state) for state in states})


def action_values(examples: Sequence[Example], tuning: Tuning, replays: int = _REPLAYS) -> Values:
    """Return the value of each arm in each state, by the state's name and the arm's."""
    values: dict[tuple[str, str], float] = defaultdict(float)
    episodes: dict[str, list[Example]] = defaultdict(list)
    for one in examples:
        episodes[one.run].append(one)
    walks = [_steps(episode, tuning) for episode in episodes.values()]
    for _ in range(replays):
        for walk in walks:
            _replay(walk, values, tuning.gamma)
    return values


class _Step(NamedTuple):
    """A choice of an episode: the key of its value, those of the arms that the next choice had,
    none after the last, the reward of the run, and how fast it is learnt."""

    key: tuple[str, str]
    later: list[tuple[str, str]]
    reward: float
    rate: float


def _steps(episode: Sequence[Example], tuning: Tuning) -> list[_Step]:
    """Return the steps of an episode, the last first."""
    later: list[tuple[str, str]] = []
    steps = []
    for one in reversed(episode):
        bucket = one.bucket
        rate = tuning.alpha * min(one.weight, 1.0)
        steps.append(_Step((bucket, one.name), later, one.reward, rate))
        later = [(bucket, named(arm)) for arm in one.arms]
    return steps


def _replay(walk: Sequence[_Step], values: dict[tuple[str, str], float], gamma: float) -> None:
    for key, later, reward, rate in walk:
        target = gamma * max(values[arm] for arm in later) if later else reward
        values[key] += rate * (target - values[key])
