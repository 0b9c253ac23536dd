"""The kinds of policies, by name. Each is a function of examples and a tuning that returns chances,
so it can be made again from the journal at any time."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from shared.choosing import Chances, named
from shared.learning.choices.bounds import greedy
from shared.learning.choices.examples import Example
from shared.learning.choices.q_learning import q_learning
from shared.learning.choices.thompson import thompson
from shared.learning.choices.tuning import Tuning

Learner = Callable[[Sequence[Example], Tuning], Chances]

#: Examples as many as which the mean of all counts in the mean of an arm in a context.
_PRIOR = 2.0


def fixed(_: Sequence[Example], tuning: Tuning) -> Chances:
    """Always choose the first arm."""
    return Chances(tuning.arms, (1.0, *(0.0 for _ in tuning.arms[1:])))


def epsilon_greedy(examples: Sequence[Example], tuning: Tuning) -> Chances:
    """Choose the arm with the best mean reward in the context, and in a share ε any other."""
    arms = [named(arm) for arm in tuning.arms]
    total: dict[tuple[str, str], float] = defaultdict(float)
    rewards: dict[tuple[str, str], float] = defaultdict(float)
    for one in examples:
        for key in ((one.bucket, one.name), ("", one.name)):
            total[key] += one.weight
            rewards[key] += one.weight * one.reward
    whole = sum(total["", arm] for arm in arms)
    mean = sum(rewards["", arm] for arm in arms) / whole if whole else 0.0

    def row(bucket: str) -> tuple[float, ...]:
        means = []
        for arm in arms:
            anywhere = (rewards["", arm] + _PRIOR * mean) / (total["", arm] + _PRIOR)
            here = rewards[bucket, arm] + _PRIOR * anywhere
            means.append(here / (total[bucket, arm] + _PRIOR) if bucket else anywhere)
        return greedy(means, tuning.floor, tuning.share)

    buckets = sorted({one.bucket for one in examples})
    return Chances(tuning.arms, row(""), {bucket: row(bucket) for bucket in buckets})


LEARNERS: Mapping[str, Learner] = {
    "fixed": fixed,
    "epsilon-greedy": epsilon_greedy,
    "thompson": thompson,
    "q-learning": q_learning,
}


def learnt(kind: str, examples: Sequence[Example], tuning: Tuning) -> Chances:
    """Return the chances that a kind of policy learns from examples, the oldest first: older ones
    count less, and arms that it does not have are left out."""
    arms = {named(arm) for arm in tuning.arms}
    known = [one for one in examples if one.name in arms]
    return LEARNERS[kind](forgotten(known, tuning.half_life), tuning)


def forgotten(examples: Sequence[Example], half_life: float) -> list[Example]:
    """Return the examples, the oldest first, with less weight the older they are: after `half_life`
    later ones an example counts half."""
    last = len(examples) - 1
    return [
        one._replace(weight=one.weight * 0.5 ** ((last - at) / half_life))
        for at, one in enumerate(examples)
    ]
