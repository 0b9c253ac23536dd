"""The estimators say what the Open Bandit Pipeline says. It needs an environment of its own, with
`obp`, whose Python OBP_PYTHON names; OPEN_BANDIT_CSV names a log of the public dataset."""

import json
import os
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from shared.choosing import Chances
from shared.learning.choices.examples import Example
from shared.learning.evaluation.estimators import RewardBounds, doubly_robust, ips, snips, under
from shared.learning.evaluation.open_bandit import read_open_bandit
from tests.learning.evaluation.worlds import ARMS, BOUNDS, chances, logged

LOGGING = chances((0.7, 0.2, 0.1), (0.8, 0.1, 0.1), (0.6, 0.2, 0.2))
TARGET = chances((0.05, 0.9, 0.05), (0.05, 0.05, 0.9), (0.2, 0.6, 0.2))


def predicted(examples: list[Example]) -> list[list[float]]:
    """Predict each reward by the runs before, as docs/learning.md says: the mean of the arm in its
    context, drawn towards that of the arm by four examples, and this towards 0."""
    sums: dict[tuple[str, str], list[float]] = defaultdict(list)
    found = []
    for one in examples:
        row = []
        for arm in map(str, one.arms):
            anywhere = sum(sums["", arm]) / (len(sums["", arm]) + 4)
            here = sums[one.bucket, arm]
            row.append((sum(here) + 4 * anywhere) / (len(here) + 4))
        found.append(row)
        for key in (("", str(one.arm)), (one.bucket, str(one.arm))):
            sums[key].append(one.reward)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_three_estimates_are_those_of_the_public_library(seed: int) -> None:
    python = os.environ.get("OBP_PYTHON") or pytest.skip("OBP_PYTHON names no Python with obp")
    examples = logged(lambda _: LOGGING, 800, seed)
    told = {
        "reward": [one.reward for one in examples],
        "action": [one.place for one in examples],
        "pscore": [one.probability for one in examples],
        "target": [one.under(TARGET) for one in examples],
        "predicted": predicted(examples),
    }
    program = Path(__file__).with_name("obp_estimates.py")
    ran = subprocess.run(
        [python, program], input=json.dumps(told), capture_output=True, text=True, check=True
    )
    target = under(TARGET)
    assert len(ARMS) == len(examples[0].arms)
    assert json.loads(ran.stdout) == pytest.approx(
        {
            "ips": ips(examples, target, BOUNDS).value,
            "snips": snips(examples, target).value,
            "dr": doubly_robust(examples, target, BOUNDS).value,
        }
    )


def test_a_public_log_is_estimated() -> None:
    """That of the uniform policy of the Open Bandit Dataset; its own policy earned what it did."""
    path = os.environ.get("OPEN_BANDIT_CSV") or pytest.skip("OPEN_BANDIT_CSV names no log")
    examples = read_open_bandit(Path(path), most=10_000)
    arms = examples[0].arms
    clicked = sum(one.reward for one in examples) / len(examples)
    uniform, bounds = under(Chances(arms, tuple(1 / len(arms) for _ in arms))), RewardBounds(0, 1)
    for found in (ips(examples, uniform, bounds), snips(examples, uniform)):
        assert found.value == pytest.approx(clicked, rel=0.1)
        assert found.low <= clicked <= found.high
