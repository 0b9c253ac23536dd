"""The parts of the classic loop by their names: what a function must be to stand in for each.

    Collector → Preprocessor → Features        what comes from outside, and what of it counts
    Goals → Planner → Selector → Executor      what is wanted, and which task is done next
    Verifier → Reflector                       did it work, and what now
    Reward → Learner → Policy → Chooser        what came of it, and what to choose another time

Planner, Verifier, Reflector and the mind that they think with are in this package's `__init__`.
docs/loop.md says which function of the project is which part; docs/examples/ has loops of them.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

from shared.events import Event
from shared.planning.plan import Plan, PlanStep

Arm = str | int | float | bool
#: The few kinds and numbers that tell a situation from others; never a person's text.
Context = Mapping[str, Arm]

AnyArm = TypeVar("AnyArm", str, int, float, bool)
Seen_contra = TypeVar("Seen_contra", contravariant=True)
Deed_contra = TypeVar("Deed_contra", contravariant=True)
Made_co = TypeVar("Made_co", covariant=True)


class Collector(Protocol):
    """Makes an event of what comes from outside; the tenant of each owner is told."""

    def __call__(
        self, body: bytes, headers: Mapping[str, str], tenants: Mapping[str, str], at: float, /
    ) -> Event: ...


class Preprocessor(Protocol):
    """Takes out what nobody may act upon, such as hidden text and secrets."""

    def __call__(self, event: Event, /) -> Event: ...


class Features(Protocol[Seen_contra]):
    """Tells a situation by a few kinds and numbers."""

    def __call__(self, seen: Seen_contra, /) -> Context: ...


class Goals(Protocol):
    """Reads what a person wants out of their words."""

    def __call__(self, text: str, /) -> str: ...


class Selector(Protocol):
    """Selects the tasks of a plan that can be done next, by what is `done`."""

    def __call__(self, plan: Plan, done: Collection[str], /) -> Sequence[PlanStep]: ...


class Executor(Protocol[Deed_contra, Made_co]):
    """Does one thing, once, and tells what came of it."""

    def __call__(self, deed: Deed_contra, /) -> Made_co: ...


class Reward(Protocol[Seen_contra]):
    """Makes one number of what came of it."""

    def __call__(self, seen: Seen_contra, /) -> float: ...


class Policy(Protocol):
    """Says how probable each arm is in a context; together 1."""

    def __call__(self, context: Context, arms: Sequence[Arm], /) -> Sequence[float]: ...


class Chooser(Protocol):
    """Chooses one of the arms by the policy of that name."""

    def __call__(self, name: str, arms: Sequence[AnyArm], context: Context, /) -> AnyArm: ...


class Experience(NamedTuple):
    """An arm that was taken, the reward that followed, and the situation after it with its arms;
    none at the end."""

    context: Context
    arm: Arm
    reward: float
    after: Context | None = None
    arms: Sequence[Arm] = ()


class Learner(Protocol):
    """Makes a policy of experiences, the oldest first."""

    def __call__(self, experiences: Sequence[Experience], /) -> Policy: ...
