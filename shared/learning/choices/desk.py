"""The desk of choices: a flow that may do one thing or another lets a policy choose, which learns
from what comes of it."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Self, TypeVar

from shared.canonical import canonical
from shared.choosing import Arm, Context, checked, drawn, recorded
from shared.desk import Loan
from shared.journal import Outcome, Run

AnyArm = TypeVar("AnyArm", str, int, float, bool)

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Choices:
    """Chooses for one run. It writes nothing but what it chose, so a run that only reads may."""

    only_reads: ClassVar = True

    def __init__(self, loan: Loan) -> None:
        self._run = loan.run

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        """Lend the choices of a run."""
        return cls(loan)

    def choose(self, name: str, arms: Sequence[AnyArm], context: Context = _NOTHING) -> AnyArm:
        """Return one of the `arms`, drawn by the policy of `name` in this context, and record it
        with its probability. Where there is no policy it is the first, the way it was before.

        The `context` is at most eight kinds and numbers, such as `{"category": "bug"}`, never a
        person's text. A retry of the run is given the same. Raises ValueError without arms, and for
        a context that holds more than that.
        """
        return arms[choose(self._run, name, arms, context)]


def choose(run: Run, name: str, arms: Sequence[Arm], context: Context = _NOTHING) -> int:
    """Choose one of the arms, and return its place. It makes no round trip: the claim has told the
    policy, and the record travels with the next write."""
    if not arms:
        raise ValueError(f"the choice {name!r} has no arms")
    checked(context)
    arms, policy = [*arms], run.policies.get(name)
    about = {"name": name, "arms": arms, "context": dict(context)}
    content = canonical(about)
    times, run.choices[content] = run.choices[content], run.choices[content] + 1

    def work() -> Outcome:
        chances = policy.chances.of(context, arms) if policy else (1.0, *(0.0 for _ in arms[1:]))
        place = drawn(chances, f"{run.id} {times} {content}")
        version = policy.version if policy else 0
        choice = recorded(name, arms, place, chances, context=context, version=version)
        return Outcome({"chosen": arms[place], "place": place}, choice=choice)

    place: int = run.step("choice", about, work, defer=True)["place"]
    return place
