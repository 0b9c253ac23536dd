"""Simulated choices whose truth is known: contexts, arms, and how often each is liked."""

import random
from collections.abc import Callable, Sequence

from shared.choosing import Arm, Chances, Context, bucket_of
from shared.learning.choices.examples import Example
from shared.learning.evaluation.estimators import RewardBounds

#: Rewards are 1, it was liked, or 0.
BOUNDS = RewardBounds(0, 1)
ARMS: tuple[Arm, ...] = ("a", "b", "c")
CONTEXTS: Sequence[Context] = tuple({"kind": kind} for kind in ("bug", "question", "feature"))
#: How probable it is that an arm is liked in a context.
LIKED = {
    ("bug", "a"): 0.3,
    ("bug", "b"): 0.6,
    ("bug", "c"): 0.1,
    ("question", "a"): 0.5,
    ("question", "b"): 0.2,
    ("question", "c"): 0.8,
    ("feature", "a"): 0.4,
    ("feature", "b"): 0.45,
    ("feature", "c"): 0.35,
}


def chances(bug: Sequence[float], question: Sequence[float], feature: Sequence[float]) -> Chances:
    """Return the chances of the arms in each context."""
    rows = zip(CONTEXTS, (bug, question, feature), strict=True)
    buckets = {bucket_of(context): tuple(row) for context, row in rows}
    return Chances(ARMS, tuple(feature), buckets)


def truth(policy: Chances) -> float:
    """Return what a policy earns on average."""
    total = 0.0
    for context in CONTEXTS:
        row = policy.of(context, ARMS)
        total += sum(
            p * LIKED[str(context["kind"]), str(a)] for p, a in zip(row, ARMS, strict=True)
        )
    return total / len(CONTEXTS)


def logged(policy: Callable[[Sequence[Example]], Chances], count: int, seed: int) -> list[Example]:
    """Let a policy choose so often; it may look at what came of it before."""
    drawn, examples = random.Random(seed), list[Example]()
    for number in range(count):
        context = drawn.choice(CONTEXTS)
        row = policy(examples).of(context, ARMS)
        [place] = drawn.choices(range(len(ARMS)), row)
        liked = drawn.random() < LIKED[str(context["kind"]), str(ARMS[place])]
        examples.append(
            Example(f"run {number}", number, context, ARMS, place, row, 1, float(liked))
        )
    return examples
