"""Estimates find what another policy would have earned, and their intervals hold it."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.choosing import Chances
from shared.errors import SettingsError
from shared.learning.choices.examples import Example
from shared.learning.choices.learners import learnt
from shared.learning.choices.tuning import Tuning
from shared.learning.evaluation.estimators import (
    difference,
    doubly_robust,
    effective,
    ips,
    snips,
    under,
)
from shared.learning.evaluation.intervals import Interval, by_betting, of_ratio, t_quantile
from shared.learning.evaluation.open_bandit import read_open_bandit
from shared.learning.evaluation.reports import by_arm
from tests.campaigns import size
from tests.learning.evaluation.worlds import ARMS, BOUNDS, chances, logged, truth

LOGGING = chances((0.7, 0.2, 0.1), (0.8, 0.1, 0.1), (0.6, 0.2, 0.2))
TARGET = chances((0.05, 0.9, 0.05), (0.05, 0.05, 0.9), (0.2, 0.6, 0.2))


def covered(found: list[tuple[Interval, float]]) -> float:
    return sum(one.low <= true <= one.high for one, true in found) / len(found)


@pytest.mark.parametrize("count", [40, 250])
def test_intervals_hold_the_truth_in_95_of_100(count: int) -> None:
    worlds = [logged(lambda _: LOGGING, count, seed) for seed in range(size(400, 40))]
    true, more = truth(TARGET), truth(TARGET) - truth(LOGGING)
    target, other = under(TARGET), under(LOGGING)
    assert covered([(ips(one, target, BOUNDS), true) for one in worlds]) >= 0.95
    assert covered([(snips(one, target), true) for one in worlds]) >= 0.95
    assert covered([(doubly_robust(one, target, BOUNDS), true) for one in worlds]) >= 0.95
    assert covered([(difference(one, target, other, BOUNDS), more) for one in worlds]) >= 0.95


def repeated(world: Sequence[Example], times: int) -> list[Example]:
    """Let each run have chosen so often, the same each time: it has one reward."""
    return [one for example in world for one in [example] * times]


def test_a_run_that_chose_several_times_is_one_observation() -> None:
    """As a review does, with a threshold for each category: no interval gets narrower by it."""
    world, target, other = logged(lambda _: LOGGING, 250, 3), under(TARGET), under(LOGGING)
    many = repeated(world, 6)
    for found, known in (
        (ips(many, target, BOUNDS), ips(world, target, BOUNDS)),
        (snips(many, target), snips(world, target)),
        (by_arm(many)[0].reward, by_arm(world)[0].reward),
    ):
        assert found == pytest.approx(known)
    worlds = [logged(lambda _: LOGGING, 40, seed) for seed in range(size(200, 40))]
    more = truth(TARGET) - truth(LOGGING)
    gains = [(difference(repeated(one, 6), target, other, BOUNDS), more) for one in worlds]
    assert covered(gains) >= 0.95
    assert effective(many, target) == pytest.approx(effective(world, target))


def test_one_observation_bounds_nothing() -> None:
    assert of_ratio([0.7], [1.0]) == Interval(0.7, float("-inf"), float("inf"))
    assert of_ratio([0.7, 0.1], [1.0, 0.0]).high == float("inf")


def test_they_hold_though_the_logging_policy_learns() -> None:
    """It is a policy that learns from what it sees, every 20 examples."""
    tuning, found = Tuning(ARMS, share=0.3, floor=0.05), []
    for seed in range(size(100, 12, 6)):
        made: dict[int, Chances] = {}

        def policy(seen: Sequence[Example], made: dict[int, Chances] = made) -> Chances:
            batch = len(seen) // 20
            if batch not in made:
                made[batch] = learnt("epsilon-greedy", seen, tuning)
            return made[batch]

        examples = logged(policy, 200, seed)
        found.append((doubly_robust(examples, under(TARGET), BOUNDS), truth(TARGET)))
    assert covered(found) >= 0.95


def test_a_real_gain_is_found_and_none_is_not() -> None:
    examples = logged(lambda _: LOGGING, 1_500, 1)
    assert difference(examples, under(TARGET), under(LOGGING), BOUNDS).low > 0
    nothing = difference(examples, under(LOGGING), under(LOGGING), BOUNDS)
    assert nothing.low <= 0 <= nothing.high
    assert effective(examples, under(LOGGING)) == pytest.approx(1_500)


def test_the_policy_that_logged_earns_what_it_earned() -> None:
    examples = logged(lambda _: LOGGING, 300, 2)
    mean = sum(one.reward for one in examples) / 300
    assert ips(examples, under(LOGGING), BOUNDS).value == pytest.approx(mean)
    assert snips(examples, under(LOGGING)).value == pytest.approx(mean)
    assert doubly_robust(examples, under(LOGGING), BOUNDS).value == pytest.approx(mean, abs=0.03)


def test_of_nothing_nothing_is_known() -> None:
    assert ips([], under(TARGET), BOUNDS) == Interval(0.0, 0.0, 1.0)
    assert by_betting([], -1, 1) == Interval(0.0, -1, 1)
    assert of_ratio([], []).low == float("-inf")


@pytest.mark.parametrize(
    ("freedom", "known"), [(3, 3.182), (5, 2.571), (10, 2.228), (30, 2.042), (1e6, 1.960)]
)
def test_the_quantiles_are_those_of_the_tables(freedom: float, known: float) -> None:
    assert t_quantile(0.975, freedom) == pytest.approx(known, rel=0.01)


OPEN_BANDIT = """\
,timestamp,item_id,position,click,propensity_score,user_feature_0,user_feature_1
0,2019-11-24 00:00:22.084022+00:00,1,3,0,0.5,81ce,03a5
1,2019-11-24 00:00:21.787906+00:00,0,1,1,0.25,81ce,03a5
2,2019-11-24 00:00:23.787906+00:00,2,1,0,0.25,81ce,03a5
"""


def test_open_bandit_logs_are_read(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text(OPEN_BANDIT)
    first, second, _ = read_open_bandit(path)
    assert (first.arm, first.reward, first.probability) == (0, 1.0, 0.25)
    assert first.chances == (0.25, 0.375, 0.375)
    assert second.context == {"position": 3, "user_feature_0": "81ce", "user_feature_1": "03a5"}
    uniform = Chances((0, 1, 2), (1 / 3, 1 / 3, 1 / 3))
    assert ips(read_open_bandit(path), under(uniform), BOUNDS).value == pytest.approx(4 / 9)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(SettingsError, match="lacks the columns"):
        read_open_bandit(path)
