"""Bayesian linear regression of a reward on a context, with a Gaussian prior.

With features x, weights w, precision B = λI + Σ w x xᵀ / σ² and f = Σ w x y / σ², the reward at x
has the mean xᵀB⁻¹f and the variance xᵀB⁻¹x. Bishop, Pattern Recognition and Machine Learning, 3.3.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.choosing import Context

Vector = Sequence[float]

#: Features of a model, and the precision of the prior: an arm's reward lies within about 1 of the
#: mean of all.
_MOST, _PRIOR = 40, 1.0


class ContextFeatures(NamedTuple):
    """The features of contexts: 1, each frequent word as 0 or 1, each number over its largest."""

    words: tuple[tuple[str, str], ...]
    numbers: Mapping[str, float]

    @classmethod
    def of(cls, contexts: Sequence[Context]) -> "ContextFeatures":
        """Return the features that tell these contexts apart."""
        words: Counter[tuple[str, str]] = Counter()
        numbers: dict[str, float] = {}
        for context in contexts:
            for key, value in context.items():
                if isinstance(value, str | bool):
                    words[key, str(value)] += 1
                else:
                    numbers[key] = max(numbers.get(key, 0.0), abs(value))
        frequent = sorted(words, key=lambda word: (-words[word], word))[:_MOST]
        return cls(tuple(frequent), dict(sorted(numbers.items())[:_MOST]))

    def vector(self, context: Context) -> list[float]:
        """Return the features of a context."""
        words = [float(str(context.get(key)) == word) for key, word in self.words]
        numbers = [
            float(context.get(key, 0.0)) / (largest or 1.0) for key, largest in self.numbers.items()
        ]
        return [1.0, *words, *numbers]


class LinearModel:
    """The reward of one arm. `rows` are (features, reward, weight)."""

    def __init__(
        self, size: int, rows: Sequence[tuple[Vector, float, float]], noise: float
    ) -> None:
        precision = [[_PRIOR * (i == j) for j in range(size)] for i in range(size)]
        told = [0.0] * size
        for features, reward, weight in rows:
            held = [i for i, value in enumerate(features) if value]
            for i in held:
                scaled = weight * features[i] / noise
                told[i] += scaled * reward
                for j in held:
                    precision[i][j] += scaled * features[j]
        self._root = _cholesky(precision)
        self._mean = _solve_upper(self._root, _solve_lower(self._root, told))

    def at(self, features: Vector) -> tuple[float, float]:
        """Return the mean of the reward there, and the standard deviation of that mean."""
        mean = sum(a * b for a, b in zip(features, self._mean, strict=True))
        half = _solve_lower(self._root, features)
        return mean, math.sqrt(sum(value * value for value in half))


def _cholesky(matrix: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return the lower triangle L with LLᵀ = matrix, which is symmetric and positive definite."""
    size = len(matrix)
    root = [[0.0] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            left = matrix[i][j] - sum(a * b for a, b in zip(root[i][:j], root[j][:j], strict=True))
            root[i][j] = math.sqrt(left) if i == j else left / root[j][j]
    return root


def _solve_lower(root: Sequence[Vector], values: Vector) -> list[float]:
    found: list[float] = []
    for i, row in enumerate(root):
        known = sum(a * b for a, b in zip(row[:i], found, strict=True))
        found.append((values[i] - known) / row[i])
    return found


def _solve_upper(root: Sequence[Vector], values: Vector) -> list[float]:
    size = len(root)
    found = [0.0] * size
    for i in reversed(range(size)):
        known = sum(root[k][i] * found[k] for k in range(i + 1, size))
        found[i] = (values[i] - known) / root[i][i]
    return found
