"""The desk of choices: a flow that may do one thing or another lets a policy choose, which learns
from what comes of it."""

from collections.abc import Sequence
from typing import Self, TypeVar

from shared.agent.choosing import choose
from shared.choosing import Context
from shared.desk import Loan

AnyArm = TypeVar("AnyArm", str, int, float, bool)


class Choices:
    """Chooses for one run."""

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the choices of a run."""
        return cls(loan)

    def choose(self, name: str, arms: Sequence[AnyArm], context: Context | None = None) -> AnyArm:
        """Return one of the `arms`, drawn by the policy of `name` in this context, and record it
        with its probability. Where there is no policy it is the first, the way it was before.

        The `context` is at most eight kinds and numbers, such as `{"category": "bug"}`, never a
        person's text. A retry of the run is given the same. Raises ValueError without arms, and for
        a context that holds more than that.
        """
        return arms[choose(self._run, name, arms, context or {})]
