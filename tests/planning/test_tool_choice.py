"""The planner's tools are chosen by Q-learning over whole plans: in a simulated organisation, where
some tools find something and others do not, what plans return rises."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared.agent.agent import Agent
from shared.choosing import bucket_of
from shared.database import Database, Statement
from shared.events import Json
from shared.journal import Journal
from shared.learning.choices.examples import Example, read_examples
from shared.learning.choices.trials import Trials
from shared.learning.choices.tuning import Tuning
from shared.learning.choices.versions import PolicyStore
from shared.learning.evaluation.estimators import RewardBounds
from shared.learning.rewards import RewardSum, accepted, reached
from shared.planning import Brief, Mind, Planner
from shared.planning.declaration import reads
from shared.planning.plan import Plan, PlanStep
from shared.planning.planner import ProposedPlan, plan_with_a_model
from shared.planning.states.tool_choice import CHOICE, NONE, features
from shared.planning.store import PlanStore, statement
from shared.planning.validation import Limits
from shared.planning.waves import ready
from shared.runtime.composition import handler_of
from shared.testing import FlowRunner
from tests.planning.plan_runner import Context
from tests.planning.plans import ASK, planned

TENANT = ASK.tenant
REWARDS = RewardSum((reached,))
GOALS = ("find the code of the cart", "sum up this thread")


@reads()
def look_into_wiki(agent: Agent) -> str:
    """Look into the wiki, which never tells."""
    return ""


@reads()
def look_into_code(agent: Agent, about: str) -> str:
    """Look into the code, which tells of code."""
    return "found" if "code" in about else ""


@reads()
def look_into_index(agent: Agent, about: str, before: str) -> str:
    """Look into the index, which tells of threads once the wiki was looked into."""
    return "found" if "thread" in about and before == "look_into_wiki" else ""


TOOLS = (look_into_wiki, look_into_code, look_into_index)
ARMS = (NONE, *(tool.name for tool in TOOLS))


def follows(mind: Mind, brief: Brief) -> Plan:
    """Plan one look: into what is hinted at, else into the wiki."""
    before = brief.previous.steps[0].tool if brief.previous else ""
    tool = brief.hints[0] if brief.hints else "look_into_wiki"
    known = brief.tools[tool].parameters["properties"]
    told = {"about": brief.goal, "before": before}
    arguments = {name: told[name] for name in known}
    return Plan((PlanStep("look", "look", tool, arguments, verify="not empty"),))


class Planning:
    """An organisation that has plans made; each state is called as the machine would."""

    def __init__(self, database: Database, seed: int = 1) -> None:
        self.database = database
        self._journal, self._can = Journal(database), FlowRunner(database).can
        self._random = random.Random(seed)
        self.made = 0
        self.use(follows)

    def use(self, planner: Planner, **parts: Any) -> None:
        """Have plans made by this planner, and other parts, from now on."""
        flow = planned(planner, limits=Limits(revisions=1), **parts)
        assert flow.plans is not None
        flow = replace(flow, plans=replace(flow.plans, tools=TOOLS))
        self._states = handler_of(flow, self._journal, self._can)

    def dead(self) -> None:
        """Let no lease of a dead function be waited for."""
        end = "update runs set lease_until = now() where state = 'running'"
        self.database.run(TENANT, [Statement(end, {})])

    def live(self, plans: int) -> float:
        """Have so many plans made, and return the share that came to their goal."""
        return sum(self.plan(self._random.choice(GOALS)) for _ in range(plans)) / plans

    def plan(self, goal: str) -> bool:
        self.made += 1
        plan, following = self.begin(goal), "plan"
        while following == "plan":
            self.call("Plan", plan)
            following = self.call("Validate", plan)["next"]
            if following == "wave":
                for state in ("Act", "Verify"):
                    self.call(state, plan, step="look")
                following = self.call("Reflect", plan, at=[])["next"]
        return bool(self.call("Report", plan)["state"] == "done")

    def begin(self, goal: str) -> str:
        """Have somebody ask for a plan, and return its id."""
        self.made += 1
        event = ASK._replace(id=f"github:p{self.made}", text=goal)
        run = self._journal.claim(event, "plan", 60)
        assert run
        about = {"event": event.id, "flow": "plan", "goal": goal, "may_write": False}
        run.finish("done", statements=[statement("start_plan", TENANT, run.id, **about)])
        return run.id

    def call(self, state: str, plan: str, **more: object) -> Json:
        payload = {"state": state, "tenant": TENANT, "plan": plan, **more}
        answer: Json = self._states(payload, Context())
        return answer

    @property
    def examples(self) -> Sequence[Example]:
        return read_examples(self.database, TENANT, "plan", CHOICE, REWARDS)

    @property
    def store(self) -> PolicyStore:
        return PolicyStore(self.database, TENANT, "plan", CHOICE, "ada")

    @property
    def trials(self) -> Trials:
        return Trials(self.store, RewardBounds(REWARDS.low, REWARDS.high), self.examples)

    def best(self, **state: str) -> str:
        """Return what the version in force likes best in a state."""
        now = self.store.state()
        assert now
        chances = self.store.versions()[now.in_force].chances
        row = chances.buckets.get(bucket_of(state), chances.otherwise)
        return str(chances.arms[row.index(max(row))])


@pytest.fixture
def organisation(database: Database) -> Planning:
    return Planning(database)


def trying(organisation: Planning) -> Planning:
    tuning = Tuning(ARMS, share=0.2, half_life=1e4, alpha=0.3)
    organisation.trials.make("q-learning", tuning)
    organisation.trials.explore(0.6)
    return organisation


def test_what_plans_return_rises(organisation: Planning) -> None:
    fixed = organisation.live(5)
    trying(organisation)
    points = []
    for _ in range(5):
        points.append(organisation.live(25))
        organisation.trials.update()
    ruling = organisation.trials.promote()
    points.append(organisation.live(20))
    print(f"fixed {fixed:.2f}: " + " ".join(f"{one:.2f}" for one in points))
    assert ruling.promoted, ruling.evaluation.why_not
    assert fixed == 0 and points[-1] >= 0.4
    assert organisation.best(goal="code", last="", outcome="") == "look_into_code"
    state = {"goal": "talk", "last": "look_into_wiki", "outcome": "nothing"}
    assert organisation.best(**state) == "look_into_index"
    assert organisation.trials.roll_back() == 1 and organisation.live(3) == 0


def test_without_a_policy_nothing_is_hinted_at_and_the_record_says_so(
    organisation: Planning,
) -> None:
    organisation.plan(GOALS[0])
    first, second = organisation.examples
    assert first.run == second.run  # one plan, though two runs chose
    assert [one.arm for one in (first, second)] == [NONE, NONE]
    assert (first.probability, first.version) == (1.0, 0)
    assert first.context == {"goal": "code", "last": "", "outcome": ""}
    assert second.context == {"goal": "code", "last": "look_into_wiki", "outcome": "nothing"}
    assert (first.arms, first.reward) == (ARMS, 0.0)


def test_what_people_say_of_a_plan_is_the_reward_of_each_of_its_choices(
    organisation: Planning, database: Database
) -> None:
    plan = organisation.begin(GOALS[0])
    organisation.call("Plan", plan)
    assert organisation.examples == []  # it is not over
    end = "update plans set state = 'done', finished_at = now() where id = %(plan)s"
    says = """insert into signals (tenant, key, run_id, flow, kind, value, actor, weight, at)
      values (%(tenant)s, %(who)s, %(plan)s, 'plan', 'accepted', 1, %(who)s, 1, now())"""
    values = [{"tenant": TENANT, "plan": plan, "who": who} for who in ("ada", "li")]
    told = [Statement(says, one) for one in values]
    database.run(TENANT, [Statement(end, {"plan": plan}), *told])
    [one] = read_examples(database, TENANT, "plan", CHOICE, RewardSum((accepted,)))
    assert (one.run, one.reward, one.people) == (plan, 1.0, ("ada", "li"))


def test_a_version_that_is_made_again_after_a_crash_has_the_same_hints(
    organisation: Planning,
) -> None:
    trying(organisation)
    told: list[Sequence[str]] = []

    def dies(mind: Mind, brief: Brief) -> Plan:
        told.append(brief.hints)
        if len(told) % 2:
            raise KeyboardInterrupt
        return follows(mind, brief)

    organisation.use(dies)
    for _ in range(8):
        plan = organisation.begin(GOALS[1])
        with pytest.raises(KeyboardInterrupt):
            organisation.call("Plan", plan)
        organisation.dead()
        organisation.call("Plan", plan)
    assert told[::2] == told[1::2] and any(told)


def test_hints_are_a_sentence_for_the_model_and_none_without() -> None:
    asked = []

    class Thinks:
        def ask(self, prompt: str, *context: object, **_: object) -> ProposedPlan:
            asked.append(prompt)
            return ProposedPlan(())

        def recall(self, *_: object, **__: object) -> list[object]:
            return []

    mind: Any = Thinks()
    brief = Brief("goal", {tool.name: tool.facts for tool in TOOLS})
    plan_with_a_model(mind, brief)
    plan_with_a_model(mind, replace(brief, hints=("look_into_code", "look_into_wiki")))
    assert asked[1].startswith(asked[0]) and "helped" not in asked[0]
    assert "look_into_code, look_into_wiki. Use each only where" in asked[1]


@pytest.mark.parametrize(
    ("goal", "kind"),
    [
        ("close the duplicates of #7", "issues"),
        ("who merged it?", "pulls"),
        ("> the code\n\nsay hello", "other"),
        ("which FILES mention it", "code"),
        ("", "other"),
    ],
)
def test_a_state_holds_words_of_ours_alone(organisation: Planning, goal: str, kind: str) -> None:
    situation = PlanStore(organisation.database).load(TENANT, organisation.begin(goal))
    assert features(situation) == {"goal": kind, "last": "", "outcome": ""}


def test_goals_features_and_the_selector_of_a_flow_can_be_other_functions(
    organisation: Planning,
) -> None:
    briefs: list[Brief] = []

    def keeps(mind: Mind, brief: Brief) -> Plan:
        briefs.append(brief)
        two = [replace(follows(mind, brief).steps[0], id=id_) for id_ in ("look", "again")]
        return Plan((*two,))

    organisation.use(
        keeps,
        goals=lambda text, source="github": text.upper(),
        features=lambda situation: {"here": "always"},
        selector=lambda plan, done, closed=(): ready(plan, done, closed)[:1],
    )
    plan = organisation.begin(GOALS[0])
    organisation.call("Plan", plan)
    following = organisation.call("Validate", plan)
    assert briefs[0].goal == GOALS[0].upper()
    assert following["steps"] == ["look"]  # both could run
    organisation.plan(GOALS[0])
    assert {one.bucket for one in organisation.examples} == {bucket_of({"here": "always"})}
