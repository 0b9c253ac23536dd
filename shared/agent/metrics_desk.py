"""Metrics of a flow's own: `agent.desk(MetricsDesk).count("Duplicates")`.

It is a desk because it needs the run: what an earlier attempt has counted is not counted again.
"""

import math
from typing import Self

from shared.desk import Loan
from shared.errors import SettingsError
from shared.journal import Outcome
from shared.metrics import METRICS, Unit, measure_own
from shared.patterns import lazily

#: Lines have fields of other names; and nobody's words make a metric of their own.
_NAME = lazily(r"[A-Z][A-Za-z0-9]{0,49}")


class MetricsDesk:
    """Measures what only the flow knows. The flow's name is the only dimension."""

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend what counts for the run."""
        return cls(loan)

    def count(self, name: str, amount: float = 1) -> None:
        """Add to a metric, such as `Duplicates`; raises SettingsError for what is no name of a
        metric or no finite number."""
        self._measure(name, amount, "Count")

    def time(self, name: str, seconds: float) -> None:
        """Measure how long something took; raises SettingsError as `count` does."""
        self._measure(name, seconds, "Seconds")

    def _measure(self, name: str, value: float, unit: Unit) -> None:
        """Measure it as a step, which a replay does not do again. The value is the step's output:
        a time differs in each attempt, and a step is known by its input."""
        _check(self._run.flow, name, value)

        def work() -> Outcome:
            measure_own(self._run.flow, self._run.id, name, value, unit)
            return Outcome(value)

        self._run.step("metric", {"name": name, "unit": unit}, work, defer=True)


def _check(flow: str, name: str, value: float) -> None:
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{flow}: the name of a metric is one word such as 'Duplicates', of at most 50 letters"
            " and digits, that stands in the flow; never make it of what people say"
        )
    if name in METRICS:
        raise SettingsError(f"{flow}: {name} is measured by the system; choose another name")
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise SettingsError(f"{flow}: the value of the metric {name} must be a finite number")
