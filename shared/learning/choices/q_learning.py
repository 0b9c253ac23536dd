"""Tabular Q-learning over several choices in a row.

    Q(s,a) ← Q(s,a) + α[r + γ max Q(s',a') − Q(s,a)]

The choices of one name of a run or of a plan, in order, are an episode: the context is the state,
the arm the action, and the reward comes with the last choice. Episodes are replayed from the
journal in batches, never inside a run. Watkins and Dayan, 1992, https://doi.org/10.1007/BF00992698.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import chain, pairwise

from shared.choosing import Arm, Chances, Context, Experience, bucket_of, named
from shared.learning.choices.bounds import greedy
from shared.learning.choices.examples import Example
from shared.learning.choices.tuning import Tuning

#: How often all episodes are replayed, each later one from its end backwards, so that what came of
#: a run reaches its first choice at once.
_REPLAYS = 20

Values = Mapping[tuple[str, str], float]


class ActionValues:
    """The value of each arm in each state; `known` has them by the state's name and the arm's. As a
    policy it takes the best arm, of equals the first."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], float] = defaultdict(float)

    def __call__(self, context: Context, arms: Sequence[Arm]) -> list[float]:
        best = max(range(len(arms)), key=lambda at: (self.of(context, arms[at]), -at))
        return [float(at == best) for at in range(len(arms))]

    def of(self, context: Context, arm: Arm) -> float:
        """Return the value of an arm in a state; 0 where nothing is known."""
        return self.known.get((bucket_of(context), named(arm)), 0.0)

    def learn(self, one: Experience, alpha: float, gamma: float, weight: float = 1.0) -> None:
        """Q(s,a) ← Q(s,a) + α[r + γ max Q(s',a') − Q(s,a)], where α is less for less weight."""
        later = max((self.of(one.after or {}, arm) for arm in one.arms), default=0.0)
        was = self.of(one.context, one.arm)
        key = (bucket_of(one.context), named(one.arm))
        self.known[key] = was + alpha * weight * (one.reward + gamma * later - was)


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
    values = ActionValues()
    episodes: dict[str, list[Example]] = defaultdict(list)
    for one in examples:
        episodes[one.run].append(one)
    told = [[*zip(experiences(one), one, strict=True)][::-1] for one in episodes.values()]
    for _ in range(replays):
        for experience, example in chain.from_iterable(told):
            values.learn(experience, tuning.alpha, tuning.gamma, min(example.weight, 1.0))
    return values.known


def experiences(episode: Sequence[Example]) -> list[Experience]:
    """Return the choices of a run as experiences: the reward of the run comes with the last."""
    pairs = pairwise(episode)
    found = [Experience(one.context, one.arm, 0.0, then.context, then.arms) for one, then in pairs]
    return [*found, Experience(episode[-1].context, episode[-1].arm, episode[-1].reward)]
