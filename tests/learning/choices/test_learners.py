"""Policies find the best arm, keep the least chance of each, and forget."""

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.choosing import Arm, Chances, bucket_of
from shared.learning.choices.bounds import bounded, mixed
from shared.learning.choices.examples import Example
from shared.learning.choices.learners import learnt
from shared.learning.choices.q_learning import action_values
from shared.learning.choices.thompson import best_of
from shared.learning.choices.tuning import Tuning
from shared.learning.choices.voices import bounded_voices
from shared.learning.rewards import (
    RewardSum,
    RunResult,
    RunSignal,
    accepted,
    complaint,
    cost,
    dismissed,
    relabelled,
    slowness,
)
from tests.learning.evaluation.worlds import ARMS, CONTEXTS, LIKED, chances, logged

UNIFORM = chances(*[(1 / 3, 1 / 3, 1 / 3)] * 3)


@pytest.mark.parametrize("kind", ["epsilon-greedy", "thompson"])
def test_the_best_arm_of_each_context_is_found(kind: str) -> None:
    tuning = Tuning(ARMS, share=0.2, half_life=10_000)
    found = learnt(kind, logged(lambda _: UNIFORM, 2_000, 1), tuning)
    for context in CONTEXTS[:2]:  # of the third, all arms are nearly the same
        row = found.of(context, ARMS)
        rates = [LIKED[str(context["kind"]), str(arm)] for arm in ARMS]
        assert row.index(max(row)) == rates.index(max(rates))
        assert max(row) >= 0.8


@given(
    st.lists(st.floats(0.001, 1), min_size=1, max_size=6),
    st.floats(0.001, 0.2),
    st.floats(0, 1),
)
def test_chances_keep_their_bounds(weights: list[float], floor: float, share: float) -> None:
    found = bounded([one / sum(weights) for one in weights], floor, share)
    assert sum(found) == pytest.approx(1)
    if len(found) > 1:
        rest = sum(found) - max(found)
        assert min(found) >= min(floor, share / (len(found) - 1)) - 1e-9 or rest <= share
        assert sum(sorted(found)[:-1]) <= max(share, 1 - 1 / len(found)) + 1e-9


def test_thompsons_probabilities_are_those_of_draws() -> None:
    beliefs = [(0.2, 0.1), (0.3, 0.2), (0.25, 0.02)]
    drawn, wins = random.Random(1), [0, 0, 0]
    for _ in range(40_000):
        values = [drawn.gauss(mean, spread) for mean, spread in beliefs]
        wins[values.index(max(values))] += 1
    for found, won in zip(best_of(beliefs), wins, strict=True):
        assert found == pytest.approx(won / 40_000, abs=0.01)
    assert best_of([(0.1, 1e-4), (0.9, 0.5)])[1] == pytest.approx(0.945, abs=0.01)


def test_a_mixture_is_a_mixture() -> None:
    one = Chances((1, 2), (1.0, 0.0))
    two = Chances((2, 3), (0.5, 0.5), {"{}": (0.0, 1.0)})
    found = mixed(one, two, 0.2)
    assert found.of({"a": 1}, (1, 2, 3)) == pytest.approx((0.8, 0.1, 0.1))
    assert found.of({}, (1, 2, 3)) == pytest.approx((0.8, 0.0, 0.2))


#: A corridor: from each place left or right, and only its right end is worth something.
LENGTH = 5
MOVES: tuple[Arm, ...] = ("left", "right")


def walked(policy: Chances, seed: int) -> list[Example]:
    """Walk for at most 200 steps; the reward comes at the end, and is less for a longer way."""
    drawn, place, made = random.Random(seed), 0, list[tuple[int, int, tuple[float, ...]]]()
    while place < LENGTH and len(made) < 200:
        row = policy.of({"place": place}, MOVES)
        [move] = drawn.choices((0, 1), row)
        made.append((place, move, row))
        place = max(place + (1 if move else -1), 0)
    won = float(place == LENGTH) - 0.005 * len(made)
    return [
        Example(f"run {seed}", number, {"place": at}, MOVES, move, row, 1, won)
        for number, (at, move, row) in enumerate(made)
    ]


def test_q_learning_finds_the_way_from_what_was_walked() -> None:
    tuning = Tuning(MOVES, share=0.1, half_life=1e6, alpha=0.2, gamma=0.9)
    blind = Chances(MOVES, (0.5, 0.5))
    episodes = [walked(blind, seed) for seed in range(300)]
    examples = [one for episode in episodes for one in episode]
    found = learnt("q-learning", examples, tuning)
    for place in range(LENGTH):
        assert found.of({"place": place}, MOVES)[1] == pytest.approx(0.95)
    values = action_values(examples, tuning)
    near, far = (values[bucket_of({"place": place}), '"right"'] for place in (4, 0))
    assert near > far > 0


def test_one_update_is_that_of_the_formula() -> None:
    tuning = Tuning(MOVES, alpha=0.5, gamma=0.9)

    def one(number: int, place: int) -> Example:
        return Example("r", number, {"place": place}, MOVES, 1, (0.5, 0.5), 1, 1.0)

    values = action_values([one(0, 0), one(1, 1)], tuning, replays=1)
    assert values[bucket_of({"place": 1}), '"right"'] == pytest.approx(0.5)
    assert values[bucket_of({"place": 0}), '"right"'] == pytest.approx(0.5 * 0.9 * 0.5)


def said(
    kind: str, value: float, actor: str = "ada", weight: float = 1, at: float = 0
) -> RunSignal:
    return RunSignal(kind, value, weight, actor, at)


@pytest.mark.parametrize(
    ("signals", "reward"),
    [
        ([], 0.0),
        ([said("accepted", 1)], 1.0),
        ([said("dismissed", -1)], -1.0),
        ([said("liked", 1), said("disliked", -1, "li")], 0.0),
        ([said("liked", 1, at=1), said("accepted", 0.5, at=2)], 0.5),
        ([said("liked", 1), said("liked", 0, "li")], 0.5),
        ([said("disliked", -1, f"stranger {n}", 0) for n in range(20)], 0.0),
        ([said("relabelled", -1, weight=0.25)], -0.25),
    ],
)
def test_rewards_are_what_was_said(signals: Sequence[RunSignal], reward: float) -> None:
    total = RewardSum((accepted, dismissed, relabelled))
    assert total(RunResult(tuple(signals))) == pytest.approx(reward)
    assert (total.low, total.high) == (-2, 1)


def test_costs_and_complaints() -> None:
    result = RunResult((said("undone", -1),), cost=0.1, seconds=30)
    assert (cost(result), slowness(result)) == (-0.2, -0.1)
    assert cost(RunResult((), cost=9)) == -1
    assert (complaint(result), complaint(RunResult())) == (1, 0)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 500), min_size=1))
def test_nobody_counts_for_more_than_a_share(times: dict[str, int]) -> None:
    runs = [[said("liked", 1, who)] for who, often in times.items() for _ in range(often)]
    found = bounded_voices(runs)
    total = sum(one.weight for signals in found for one in signals)
    if len(times) < 2:
        assert total == 0
        return
    for who in times:
        own = sum(one.weight for signals in found for one in signals if one.actor == who)
        assert own <= max(1 / 3, 1 / len(times)) * total + 1e-6
