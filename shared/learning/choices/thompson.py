"""Thompson sampling with a linear model of the context: an arm is as probable as it is to be the
best one, as far as is known.

Each arm has a Bayesian linear model (Agrawal and Goyal, 2013, https://arxiv.org/abs/1209.3352).
Their means in a context are independent Gaussians, so the probability that an arm is the best is an
integral over one number, computed here when a version is made. A run draws from it as from any
other policy's chances, and its logged probability is exact.
"""

import json
import math
from collections import Counter
from collections.abc import Sequence
from statistics import NormalDist

from shared.choosing import Chances, named
from shared.learning.choices.bounds import bounded
from shared.learning.choices.examples import Example
from shared.learning.choices.linear import ContextFeatures, LinearModel
from shared.learning.choices.tuning import Tuning

#: Contexts that a version tells apart, the least variance of a reward, and points of the integral.
_BUCKETS, _NOISE, _POINTS = 300, 0.02, 201
_NORMAL = NormalDist()


def thompson(examples: Sequence[Example], tuning: Tuning) -> Chances:
    """Learn from weighted examples; see `learners`."""
    mean, noise = _spread(examples)
    features = ContextFeatures.of([one.context for one in examples])
    rows = [
        (one.name, features.vector(one.context), one.reward - mean, one.weight) for one in examples
    ]
    size = len(features.vector({}))
    models = [
        LinearModel(size, [row[1:] for row in rows if row[0] == named(arm)], noise)
        for arm in tuning.arms
    ]

    def row(vector: Sequence[float]) -> tuple[float, ...]:
        chances = best_of([model.at(vector) for model in models])
        return bounded(chances, tuning.floor, tuning.share)

    counted = Counter(one.bucket for one in examples)
    found = {
        bucket: row(features.vector(json.loads(bucket)))
        for bucket, _ in counted.most_common(_BUCKETS)
    }
    total = sum(one.weight for one in examples)
    usual = features.vector({})
    if total > 0:
        usual = [sum(one[1][at] * one[3] for one in rows) / total for at in range(size)]
    return Chances(tuning.arms, row(usual), found)


def best_of(beliefs: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """Return the probability of each to be the largest of independent Gaussians, of which the means
    and standard deviations are given."""
    low = min(mean - 6 * spread for mean, spread in beliefs)
    high = max(mean + 6 * spread for mean, spread in beliefs)
    step = (high - low) / (_POINTS - 1)
    found = [0.0] * len(beliefs)
    for at in range(_POINTS):
        point = low + at * step
        below = [_NORMAL.cdf((point - mean) / spread) for mean, spread in beliefs]
        for arm, (mean, spread) in enumerate(beliefs):
            others = math.prod(below[:arm] + below[arm + 1 :])
            # The mass of the arm around the point, so that a narrow one is not missed.
            upper = _NORMAL.cdf((point + step / 2 - mean) / spread)
            found[arm] += others * (upper - _NORMAL.cdf((point - step / 2 - mean) / spread))
    total = sum(found)
    return tuple(one / total for one in found)


def _spread(examples: Sequence[Example]) -> tuple[float, float]:
    """Return the mean and the variance of the rewards."""
    total = sum(one.weight for one in examples)
    if total <= 0:
        return 0.0, _NOISE
    mean = sum(one.weight * one.reward for one in examples) / total
    return mean, max(sum(one.weight * (one.reward - mean) ** 2 for one in examples) / total, _NOISE)
