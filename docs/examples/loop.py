"""The classic loop in one process, offline: perceive, plan, execute, verify, adjust.

An environment has `reset` and `step`, as agents' environments usually do; the agent has `act`. Its
planner, verifier and reflector are the protocols of shared.planning, so that what is tried here is
what a flow's `Plans(planner=…, verifier=…, reflector=…)` takes. docs/loop.md explains it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from shared.memory import Memory
from shared.planning import Brief, Failure, Mind, Planner, Reflector, Verifier
from shared.planning.plan import Plan, PlanStep
from shared.planning.references import resolve
from shared.planning.reflector import reflect
from shared.planning.validation import Bounds, Limits, ToolFacts, problems
from shared.planning.verifier import verify_with_a_model
from shared.planning.waves import ready

T = TypeVar("T")
Json = dict[str, Any]


class Call(NamedTuple):
    """What the agent does next: a tool and its arguments."""

    tool: str
    arguments: Json


class Seen(NamedTuple):
    """What the environment shows: what the last call gave, and whether all is over."""

    output: Any
    over: bool = False


# The environment: a fleet of cars, and somebody who wants to go to the station.


class Fleet:
    """`free` are the quarters of an hour at which there is a car."""

    goal = "Book a car to the station at 10:00"
    tools: Mapping[str, ToolFacts] = {
        "find_car": ToolFacts("find_car", "Find cars.", {"properties": {"at": {"type": "string"}}}),
        "book": ToolFacts("book", "Book a car.", {"properties": {"car": {}, "at": {}}}),
        "tell": ToolFacts("tell", "Tell the person.", {"properties": {"text": {}}}),
    }

    def __init__(self, free: Mapping[str, list[str]]) -> None:
        self._free = free
        self.calls: list[Call] = []
        self.booked: list[tuple[str, str]] = []
        self.told: list[str] = []

    def reset(self) -> Seen:
        """Begin anew and show the goal."""
        self.calls, self.booked, self.told = [], [], []
        return Seen(self.goal)

    def step(self, call: Call) -> Seen:
        """Do what the agent wants and show what came of it."""
        self.calls.append(call)
        if call.tool == "find_car":
            return Seen({"cars": self._free.get(call.arguments["at"], [])})
        if call.tool == "book":
            self.booked.append((call.arguments["car"], call.arguments["at"]))
            return Seen({"booked": call.arguments["car"]})
        self.told.append(call.arguments["text"])
        return Seen({}, over=True)


# The agent: a planner of its own; the verifier and the reflector are those that flows have.


def plan_a_ride(mind: Mind, brief: Brief) -> Plan:
    """Look for a car at the time wanted; after a failure a quarter of an hour later, and say so."""
    wanted, at = "10:00", "10:00"
    if brief.previous is not None:
        at = _later(brief.previous.steps[0].arguments["at"])
    instead = "" if at == wanted else f"There is no car at {wanted}. "
    return Plan(
        (
            PlanStep("find", f"a car at {at}", "find_car", {"at": at}, verify="not empty"),
            PlanStep("book", "book it", "book", {"car": _from("find", "cars[0]"), "at": at}),
            PlanStep(
                "tell",
                "say which one",
                "tell",
                {"text": f"{instead}I have booked one at {at}."},
                depends_on=("book",),
            ),
        )
    )


def _later(at: str) -> str:
    hours, minutes = map(int, at.split(":"))
    return f"{hours + (minutes + 15) // 60}:{(minutes + 15) % 60:02}"


def _from(step: str, path: str) -> dict[str, str]:
    return {"$from": step, "path": path}


class Mindless:
    """What the parts think with in a flow is its agent; these ones need no model and no memory."""

    def ask(
        self,
        prompt: str,
        *context: object,
        returns: type[T],
        model: str = "small",
        max_tokens: int = 0,
        deadline: timedelta | None = None,
    ) -> T:
        raise NotImplementedError("this loop has no model")

    def recall(self, query: str, *, kinds: Iterable[str] = (), limit: int = 0) -> list[Memory]:
        return []

    def remember(self, text: str, *, kind: str, ref: str = "") -> None:
        pass


@dataclass
class Agent:
    """Works towards a goal; `act` is all that the loop calls. It learns nothing: each goal begins
    with what the planner knows."""

    tools: Mapping[str, ToolFacts]
    planner: Planner
    verifier: Verifier = verify_with_a_model
    reflector: Reflector = reflect
    limits: Limits = field(default_factory=Limits)
    say: Callable[[str], None] = lambda line: None

    def act(self, seen: Seen) -> Call | None:
        """Perceive what the last call gave and choose the next; None when nothing more is done."""
        if isinstance(seen.output, str):
            self._begin(seen.output)
        else:
            self._perceive(seen)
        if seen.over or self._given_up:
            return None
        open_steps = ready(self._plan, self._outputs)
        if not open_steps:
            return None
        self._doing = open_steps[0]
        self.say(f"execute  {self._doing.goal}")
        return Call(self._doing.tool, resolve(self._doing.arguments, self._outputs))

    def _begin(self, goal: str) -> None:
        self.say(f"perceive {goal}")
        self._goal, self._mind = goal, Mindless()
        self._outputs: dict[str, Any] = {}
        self._versions, self._tries, self._given_up = 0, 0, False
        self._make(Brief(goal, self.tools))

    def _make(self, brief: Brief) -> None:
        """Plan, and check the plan before any of it runs."""
        plan = self.planner(self._mind, brief)
        wrong = problems(plan, self.tools, Bounds(self.limits, {}, may_write=False))
        self._plan, self._versions, self._tries = plan, self._versions + 1, 0
        self._given_up = bool(wrong) or self._versions > self.limits.revisions + 1
        self.say(f"plan     version {self._versions}: {', '.join(s.goal for s in plan.steps)}")

    def _perceive(self, seen: Seen) -> None:
        verdict = self.verifier(self._mind, self._doing, seen.output)
        self.say(f"verify   {'yes' if verdict.passed else verdict.reason}")
        if verdict.passed:
            self._outputs[self._doing.id] = seen.output
            self._tries = 0
        else:
            self._tries += 1
            self._adjust(Failure(self._doing, verdict.reason, self._tries, writes=False))

    def _adjust(self, failure: Failure) -> None:
        """Do as the reflector decides: again, another plan, or nothing more."""
        decision = self.reflector(self._mind, self._goal, [failure])
        self.say(f"adjust   {decision.kind}: {decision.words}")
        if decision.kind == "retry" and self._tries < self.limits.attempts:
            return
        if decision.kind in {"retry", "revise"}:
            done = {id: str(output) for id, output in self._outputs.items()}
            self._make(
                Brief(self._goal, self.tools, self._plan, done, (decision.words or failure.reason,))
            )
        else:
            self._given_up = True


def run(world: Fleet, agent: Agent) -> None:
    """The loop."""
    seen = world.reset()
    while (call := agent.act(seen)) is not None:
        seen = world.step(call)


if __name__ == "__main__":
    fleet = Fleet({"10:15": ["the blue one"], "10:30": ["the red one"]})
    run(fleet, Agent(fleet.tools, plan_a_ride, say=print))
    print(*fleet.told)
