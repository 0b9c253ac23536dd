"""The classic loop in one process, offline: perceive, plan, execute, verify, adjust, and learn.

An environment has `reset` and `step`, as agents' environments usually do; the agent has `act`. Each
of its parts is a protocol of shared.planning, so what is tried here is what flows use:
`Plans(planner=…, verifier=…, reflector=…)`, rewards, policies. docs/loop.md explains it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from shared.choosing import Arm, Context, Experience
from shared.errors import SettingsError
from shared.learning.choices.q_learning import ActionValues
from shared.memory import Memory
from shared.planning import (
    Brief,
    ChoicePolicy,
    Chooser,
    Executor,
    Failure,
    Features,
    Goals,
    Learner,
    Mind,
    Planner,
    Reflector,
    RewardFunction,
    Selector,
    Verifier,
)
from shared.planning.own_words import own_words
from shared.planning.plan import Plan, PlanStep
from shared.planning.references import resolve
from shared.planning.reflector import reflect
from shared.planning.validation import Bounds, Limits, ToolFacts, problems
from shared.planning.verifier import verify_with_a_model
from shared.planning.waves import ready

T = TypeVar("T")
Json = dict[str, Any]
#: How far a value moves with each experience, how much what comes later counts, and how often all
#: experiences are replayed.
ALPHA, GAMMA, REPLAYS = 0.5, 0.9, 20


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


# The learner and its policy: tabular Q-learning with the table that flows have.


def q_learning(experiences: Sequence[Experience]) -> ActionValues:
    """Learn from experiences, the oldest first, each time anew."""
    table = ActionValues()
    for _ in range(REPLAYS):
        for one in reversed(experiences):
            table.learn(one, ALPHA, GAMMA)
    return table


# The agent's own parts; its verifier, reflector and selector are those that flows have.


def features(goal: str) -> Context:
    """Tell rides apart by the place that they go to."""
    return {"to": "station" if "station" in goal else "elsewhere"}


def reward(seen: Seen) -> float:
    """To arrive is good; to look in vain costs a little."""
    return 1.0 if seen.over else -0.1


class Rides:
    """Plans rides: looks for a car at a time that it chooses, after a failure at another, and says
    so. Of what it does not know yet it takes the time that was wanted."""

    times = tuple(f"{hour}:{minute:02}" for hour in (10, 11) for minute in (0, 15, 30, 45))

    def __init__(self, choose: Chooser) -> None:
        self._choose = choose

    def __call__(self, mind: Mind, brief: Brief) -> Plan:
        if brief.previous is None:
            self._left = list(self.times)
        at = self._choose("when", self._left, features(brief.goal))
        instead = "" if brief.previous is None else "There is no car at 10:00. "
        self._left.remove(at)
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
        raise SettingsError("this loop has no model")

    def recall(self, query: str, *, kinds: Iterable[str] = (), limit: int = 0) -> list[Memory]:
        return []

    def remember(self, text: str, *, kind: str, ref: str = "") -> None:
        pass


@dataclass
class Agent:
    """Works towards a goal; `act` is all that the loop calls. What it chose and what came of it
    are its experiences, of which it learns a new policy when a goal is over."""

    tools: Mapping[str, ToolFacts]
    planner_of: Callable[[Chooser], Planner]
    verifier: Verifier = verify_with_a_model
    reflector: Reflector = reflect
    limits: Limits = field(default_factory=Limits)
    goals: Goals = own_words
    selector: Selector = ready
    features: Features[str] = features
    reward: RewardFunction[Seen] = reward
    learner: Learner = q_learning
    say: Callable[[str], None] = lambda line: None
    experiences: list[Experience] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._planner = self.planner_of(self.choose)
        self._policy: ChoicePolicy = self.learner(self.experiences)

    def act(self, seen: Seen) -> Call | None:
        """Perceive what the last call gave and choose the next; None when nothing more is done."""
        if isinstance(seen.output, str):
            self._begin(self.goals(seen.output))
        else:
            self._perceive(seen)
        open_steps = () if seen.over or self._given_up else self.selector(self._plan, self._state)
        if not open_steps:
            if not self._given_up:
                self._learn(seen)
            return None
        self._doing = open_steps[0]
        self.say(f"execute  {self._doing.goal}")
        return Call(self._doing.tool, resolve(self._doing.arguments, self._state))

    def choose(self, name: str, arms: Sequence[Any], context: Context) -> Any:
        """Choose by the policy, and keep what was chosen."""
        chances = self._policy(context, arms)
        arm = arms[max(range(len(arms)), key=lambda at: chances[at])]
        self._chosen.append((context, arm))
        return arm

    def _begin(self, goal: str) -> None:
        self.say(f"perceive {goal}")
        self._goal, self._mind = goal, Mindless()
        self._state: dict[str, Any] = {}
        self._chosen: list[tuple[Context, Arm]] = []
        self._versions, self._tries, self._given_up = 0, 0, False
        self._make(Brief(goal, self.tools))

    def _make(self, brief: Brief) -> None:
        """Plan, and check the plan before any of it runs."""
        plan = self._planner(self._mind, brief)
        wrong = problems(plan, self.tools, Bounds(self.limits, {}, may_write=False))
        self._plan, self._versions, self._tries = plan, self._versions + 1, 0
        self._given_up = bool(wrong) or self._versions > self.limits.revisions + 1
        self.say(f"plan     version {self._versions}: {', '.join(s.goal for s in plan.steps)}")

    def _perceive(self, seen: Seen) -> None:
        verdict = self.verifier(self._mind, self._doing, seen.output)
        self.say(f"verify   {'yes' if verdict.passed else verdict.reason}")
        if verdict.passed:
            self._state[self._doing.id] = seen.output
            self._tries = 0
        else:
            self._tries += 1
            self._adjust(seen, Failure(self._doing, verdict.reason, self._tries, writes=False))

    def _adjust(self, seen: Seen, failure: Failure) -> None:
        """Do as the reflector decides: again, another plan, or nothing more."""
        decision = self.reflector(self._mind, self._goal, [failure])
        self.say(f"adjust   {decision.kind}: {decision.words}")
        if decision.kind == "retry" and self._tries < self.limits.attempts:
            return
        self._learn(seen)
        if decision.kind in {"retry", "revise"}:
            done = {id: str(output) for id, output in self._state.items()}
            self._make(
                Brief(self._goal, self.tools, self._plan, done, (decision.words or failure.reason,))
            )
        else:
            self._given_up = True

    def _learn(self, seen: Seen) -> None:
        """Keep what came of the last choice, and learn from all."""
        if self._chosen:
            context, arm = self._chosen.pop()
            came = self.reward(seen)
            self.experiences.append(Experience(context, arm, came))
            self._policy = self.learner(self.experiences)
            self.say(f"learn    {arm}: {came:+.1f}")


def run(world: Fleet, agent: Agent) -> None:
    """The loop."""
    execute: Executor[Call, Seen] = world.step
    seen = world.reset()
    while (call := agent.act(seen)) is not None:
        seen = execute(call)


if __name__ == "__main__":
    fleet = Fleet({"10:15": ["the blue one"], "10:30": ["the red one"]})
    agent = Agent(fleet.tools, Rides, say=print)
    for _ in range(2):
        run(fleet, agent)
        print(*fleet.told, end="\n\n")
