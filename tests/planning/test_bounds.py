"""All model calls of a plan keep within its time and its cost; a slow model is not asked again; a
price that nobody knows is said to be unknown."""

from collections.abc import Iterator

import pytest

from shared.agent import Agent
from shared.database import Database
from shared.planning import Brief, Mind, Planner
from shared.planning.declaration import reads
from shared.planning.plan import Plan
from shared.planning.store import Situation
from shared.planning.validation import Limits
from tests.models.scripted_server import Hangs, Says, ScriptedServer
from tests.planning import plan_runner as running
from tests.planning.plan_runner import plan_runner
from tests.planning.plans import ASK, planned, step

#: Seconds that leave one for a model.
BRIEF = 6.0


@reads()
def ponder(agent: Agent, about: str) -> str:
    """Ask the model something."""
    return "yes" if agent.ask("Is it so?", about, returns=bool) else "no"


THREE = Plan(
    (
        step("s1", "ponder", about="1"),
        step("s2", "ponder", about="2", after=["s1"]),
        step("s3", "ponder", about="3", after=["s2"]),
    )
)


def thinks(mind: Mind, brief: Brief) -> Plan:
    """A planner that asks the model first."""
    mind.ask("What is to be done?", brief.goal, returns=bool)
    return THREE


def plans(mind: Mind, brief: Brief) -> Plan:
    return THREE


class Plans:
    """Runs plans whose model is a scripted server."""

    def __init__(self, database: Database, server: ScriptedServer) -> None:
        self._database = database
        self.server = server
        self.said: list[str] = []

    def ended(self, planner: Planner, limits: Limits | None = None, price: str = "") -> Situation:
        flow = planned(planner, ponder, limits=limits)
        name = f"{self.server.url}/v1#scripted"
        prices = f"{name}={price}" if price else ""
        more = {"model_small": name, "model_large": name, "model_prices": prices}
        with plan_runner(self._database, flow, None, **more) as it:
            found = it.ended(it.ask(ASK))
            self.said = it.said()
            return found


@pytest.fixture
def it(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plans]:
    monkeypatch.setattr(running.Context, "seconds", BRIEF)
    with ScriptedServer() as server:
        server.says(*[Says("true")] * 9)
        yield Plans(database, server)


def test_a_planner_that_is_too_slow_is_not_asked_again(it: Plans) -> None:
    it.server.script.clear()
    it.server.says(*[Hangs()] * 3)
    ended = it.ended(thinks)
    assert (ended.state, len(it.server.seen)) == ("failed", 1)
    assert "The language model was too slow" in it.said[-1]


def test_a_step_that_is_too_slow_is_not_done_again(it: Plans) -> None:
    it.server.script.clear()
    it.server.says(*[Hangs()] * 9)
    ended = it.ended(plans, Limits(revisions=0))
    assert (ended.state, len(it.server.seen)) == ("failed", 1)
    assert "no whole answer within" in ended.steps[0].reason
    assert ended.unpriced


def test_a_plan_ends_when_its_time_is_used_up(it: Plans) -> None:
    ended = it.ended(thinks, Limits(seconds=0.001))
    assert ended.state == "failed"
    assert len(it.server.seen) <= 1
    assert "The plan used up the time that it may work" in it.said[-1]


def test_no_call_is_made_that_could_cost_more_than_the_plan_may(it: Plans) -> None:
    ended = it.ended(thinks, Limits(cost=0.01), price="1000/1000/0")
    assert (ended.state, it.server.seen) == ("failed", [])
    assert ended.cost == 0
    assert "The plan used up the time or the cost" in it.said[-1]


def test_the_costs_of_all_calls_are_added_up(it: Plans) -> None:
    ended = it.ended(thinks, price="100/0/0")
    assert (ended.state, len(it.server.seen)) == ("done", 4)
    assert ended.cost == pytest.approx(4 * 12 * 100 / 1_000_000)
    assert f"${ended.cost:.4f} so far" in it.said[-1]


def test_an_unknown_price_is_said_to_be_unknown(it: Plans) -> None:
    ended = it.ended(thinks)
    assert (ended.state, ended.unpriced) == ("done", True)
    assert "cost unknown so far" in it.said[-1]
    assert "$0.0000" not in it.said[-1]
