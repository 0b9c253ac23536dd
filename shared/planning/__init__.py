"""Planning: a request becomes a plan, and the plan is data that one fixed machine interprets.

The classic loop has a part each: *perceive* is `shared.perception`; *plan* is a `Planner`;
*execute* is the act of a step, checked by a `Verifier`; *learn* is what a `Reflector` concludes
when something did not go as planned. Each of these is a function that an author may replace.

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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeVar

from shared.memory import Memory
from shared.planning.plan import Plan, PlanStep
from shared.planning.validation import ToolFacts

T = TypeVar("T")


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


@dataclass(frozen=True)
class Brief:
    """A planner's order: the goal, the tools, and for a revision what came before.

    `goal` are the own words of the person who asked. `done` are the finished steps, which a new
    version repeats unchanged, with their outputs in short; `feedback` says what is wrong with the
    earlier version; `absent` are tools that cannot be used in this place, and why.
    """

    goal: str
    tools: Mapping[str, ToolFacts]
    previous: Plan | None = None
    done: Mapping[str, str] | None = None
    feedback: Sequence[str] = ()
    absent: Mapping[str, str] = field(default_factory=dict)


class Planner(Protocol):
    def __call__(self, mind: Mind, brief: Brief) -> Plan: ...


@dataclass(frozen=True)
class Verdict:
    passed: bool
    reason: str = ""


class Verifier(Protocol):
    def __call__(self, mind: Mind, step: PlanStep, output: Any) -> Verdict: ...


@dataclass(frozen=True)
class Failure:
    """A step that did not give what it should, after so many attempts."""

    step: PlanStep
    reason: str
    attempts: int
    writes: bool


@dataclass(frozen=True)
class Decision:
    """The answer to failures: try again, plan anew, ask a person, or give up. `words` is the
    feedback, the question, or the reason."""

    kind: Literal["retry", "revise", "ask", "give_up"]
    words: str = ""


class Reflector(Protocol):
    def __call__(self, mind: Mind, goal: str, failures: Sequence[Failure]) -> Decision: ...
