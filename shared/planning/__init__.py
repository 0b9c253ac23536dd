"""Planning: a request becomes a plan, and the plan is data that one fixed machine interprets.

The parts of the classic loop stand here by their names, as what a function must be to stand in for
each; docs/loop.md says which function of the project is which part.

    Collector → Preprocessor → Features       what comes from outside, and what of it counts
    Goals → Planner → Selector → Executor     what is wanted, and which task is done next
    Verifier → Reflector                      did it work, and what now
    RewardFunction → Learner → ChoicePolicy   what came of it, and what to choose another time

- plan         a plan and its steps, as data
- own_words    the words of a person without those that they quote
- reach        what a write reaches, and which go beyond a plan's first version
- references   the paths by which a step uses the output of an earlier one
- validation   checks a plan before it runs: its tools, order, limits and writes
- waves        the steps that can run at the same time
- next_state   decides where a plan goes next
- store        plans in Postgres (store.sql)
- declaration  what a flow declares: `Plans(…)`, `@reads` and `@writes` for tools
- planner, verifier, reflector  the default parts; the first two ask a model
- desk         what people do about plans: start, answer, click
- checklist    a plan as a Markdown list
- messages     the messages with progress, questions and buttons
- states/      what each state of infra/planner.asl.json does
- tools/       ready tools: github, slack, memory
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeVar

from shared.choosing import Arm, Context, Experience
from shared.events import Event, Source
from shared.frozen import frozen
from shared.memory import Memory
from shared.planning.plan import Plan, PlanStep
from shared.planning.validation import ToolFacts

T = TypeVar("T")

AnyArm = TypeVar("AnyArm", str, int, float, bool)
Seen_contra = TypeVar("Seen_contra", contravariant=True)
Deed_contra = TypeVar("Deed_contra", contravariant=True)
Made_co = TypeVar("Made_co", covariant=True)


class Mind(Protocol):
    """A planner, verifier or reflector thinks with a mind; an Agent is one."""

    def ask(
        self,
        prompt: str,
        *context: object,
        returns: type[T],
        model: str = ...,
        max_tokens: int = ...,
        deadline: timedelta | None = ...,
    ) -> T: ...

    def recall(
        self, query: str, *, kinds: Iterable[str] = ..., limit: int = ...
    ) -> list[Memory]: ...

    def remember(self, text: str, *, kind: str, ref: str = ...) -> None: ...


class Unread:
    """The mind of the planner that makes a plan's first version: it recalls nothing, because what
    is remembered was read somewhere."""

    def __init__(self, mind: Mind) -> None:
        self.ask = mind.ask
        self.remember = mind.remember

    def recall(self, query: str, *, kinds: Iterable[str] = (), limit: int = 0) -> list[Memory]:
        return []


@frozen
class Brief:
    """A planner's order: the goal, the tools, and for a revision what came before.

    `goal` are the own words of the person who asked. `done` are the finished steps, which a new
    version repeats unchanged, with their outputs in short; `feedback` says what is wrong with the
    earlier version; `absent` are tools that cannot be used in this place, and why; `hints` those
    that a policy found worth thinking of first, in this order.
    """

    goal: str
    tools: Mapping[str, ToolFacts]
    previous: Plan | None = None
    done: Mapping[str, str] | None = None
    feedback: Sequence[str] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    hints: Sequence[str] = ()


class Planner(Protocol):
    def __call__(self, mind: Mind, brief: Brief) -> Plan: ...


@frozen
class Verdict:
    passed: bool
    reason: str = ""


class Verifier(Protocol):
    def __call__(self, mind: Mind, step: PlanStep, output: Any) -> Verdict: ...


@frozen
class Failure:
    """A step that did not give what it should, after so many attempts."""

    step: PlanStep
    reason: str
    attempts: int
    writes: bool


@frozen
class Decision:
    """The answer to failures: try again, plan anew, ask a person, or give up. `words` is the
    feedback, the question, or the reason."""

    kind: Literal["retry", "revise", "ask", "give_up"]
    words: str = ""


class Reflector(Protocol):
    def __call__(self, mind: Mind, goal: str, failures: Sequence[Failure]) -> Decision: ...


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
    """Reads what a person wants out of their words on a platform."""

    def __call__(self, text: str, source: Source = ..., /) -> str: ...


class Selector(Protocol):
    """Selects the tasks of a plan that can be done next: by what is `done`, and without what is
    `closed`, as it will not be done any more."""

    def __call__(
        self, plan: Plan, done: Collection[str], closed: Collection[str] = ..., /
    ) -> Sequence[PlanStep]: ...


class Executor(Protocol[Deed_contra, Made_co]):
    """Does one thing, once, and tells what came of it."""

    def __call__(self, deed: Deed_contra, /) -> Made_co: ...


class RewardFunction(Protocol[Seen_contra]):
    """Makes one number of what came of it."""

    def __call__(self, seen: Seen_contra, /) -> float: ...


class ChoicePolicy(Protocol):
    """Says how probable each arm is in a context; together 1."""

    def __call__(self, context: Context, arms: Sequence[Arm], /) -> Sequence[float]: ...


class Chooser(Protocol):
    """Chooses one of the arms by the policy of that name."""

    def __call__(self, name: str, arms: Sequence[AnyArm], context: Context, /) -> AnyArm: ...


class Learner(Protocol):
    """Makes a policy of experiences, the oldest first."""

    def __call__(self, experiences: Sequence[Experience], /) -> ChoicePolicy: ...
