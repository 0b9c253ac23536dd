"""People from outside: what they may spend on models, and how often they hear that it is spent."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.actions import Action
from shared.actions.github.actions import Comment
from shared.agent import Agent, flow
from shared.database import Database, Statement
from shared.events import Actor, Event, Issue
from shared.testing import FlowRunner
from tests.events.made import an_event
from tests.models.scripted_server import Says, ScriptedServer

MEMBER = Actor("1", "ada", role="member")
STRANGER = Actor("2", "eve", role="contributor")


@flow("github.issues.opened", "github.issues.labeled", may=[Comment.at_most(1)])
def answer(event: Event, agent: Agent) -> None:
    agent.act(Comment(event.issue, agent.ask("Answer.", event, returns=str)))


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        server.says(*[Says('{"answer": "Hello."}')] * 100)
        yield server


@pytest.fixture
def runner(database: Database, model: ScriptedServer) -> FlowRunner:
    """Its model has no known price. A few questions of somebody from outside have room in a day."""
    name = f"{model.url}/v1#scripted"
    settings = {"model_small": name, "model_large": name, "prompt_cache": "off"}
    return FlowRunner(database, **settings, budgets="outsider=2/3000")


def opened(number: int, by: Actor = STRANGER, issue: int = 0, **changes: object) -> Event:
    issue = issue or number
    at = {"conversation": f"github:acme/shop#{issue}", "issue_target": Issue("acme/shop", issue)}
    return an_event(id=f"github:{number}", actor=by, text=f"Question {number}", **at | changes)


def told(runner: FlowRunner) -> list[Action]:
    return [done for done in runner.platform.done if "somebody from outside" in str(done)]


def test_who_spent_it_is_told_once_in_each_conversation_and_others_go_on(
    runner: FlowRunner, model: ScriptedServer
) -> None:
    assert runner.deliver(answer, opened(1)) == []
    assert len(model.seen) == len(runner.platform.done) == 1
    calls = 0
    while not told(runner):
        calls += 1
        assert runner.deliver(answer, opened(1 + calls)) == []
    last, asked = 1 + calls, len(model.seen)
    [notice] = told(runner)
    assert "⚠️ Your budget for the language model, as somebody from outside, 3,000 tokens a day" in (
        str(notice)
    )
    for number in range(100, 105):
        assert runner.deliver(answer, opened(number, issue=last)) == []
    assert (len(told(runner)), len(model.seen)) == (1, asked)
    # It bounds what we say, however many conversations there are.
    for number in range(200, 230):
        runner.deliver(answer, opened(number))
    assert (len(told(runner)), len(model.seen)) == (10, asked)

    for number in range(300, 310):
        runner.deliver(answer, opened(number, by=MEMBER))
    assert len(model.seen) == asked + 10
    assert runner.deliver(answer, opened(400, by=Actor("3", "mal"))) == []
    assert len(model.seen) == asked + 11


def test_an_act_that_only_people_with_rights_can_do_counts_nowhere(runner: FlowRunner) -> None:
    labeled = opened(1, type="github.issues.labeled", privileged=True)
    for number in range(5):
        runner.deliver(answer, labeled._replace(id=str(number)))
    assert len(runner.platform.done) == 5
    assert rows(runner) == []


@pytest.mark.parametrize("budgets", ["", "outsider=none;outsiders=none"])
def test_by_default_no_call_fails_and_no_row_is_kept_of_members(
    database: Database, model: ScriptedServer, budgets: str
) -> None:
    name = f"{model.url}/v1#scripted"
    runner = FlowRunner(database, model_small=name, model_large=name, budgets=budgets)
    for number in range(8):
        assert runner.deliver(answer, opened(number, by=MEMBER)) == []
    assert rows(runner) == []
    for number in range(10, 15):
        assert runner.deliver(answer, opened(number)) == []
    assert len(runner.platform.done) == 13
    assert rows(runner) == ([] if budgets else ["outsider 2", "outsiders github:acme/shop"])


def test_a_call_from_outside_costs_one_round_trip_more_and_is_settled_with_its_step(
    database: Database, runner: FlowRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[int] = []
    run = Database.run

    def counted(self: Database, *arguments: Any) -> Any:
        turns.append(1)
        return run(self, *arguments)

    monkeypatch.setattr(Database, "run", counted)
    counts = []
    for number, actor in enumerate((MEMBER, MEMBER, STRANGER)):
        turns.clear()
        assert runner.deliver(answer, opened(number, by=actor)) == []
        counts.append(len(turns))
    # The first learns how long answers are.
    assert counts[2] == counts[1] + 1
    query = "select max(tokens) as tokens, (select count(*) from budget_reservations) as held"
    [rows] = database.run("github:acme", [Statement(f"{query} from budget_days", {})])
    assert rows == [{"tokens": 17, "held": 0}]


def test_a_call_whose_answer_cannot_be_used_is_settled_when_the_run_fails(
    database: Database, model: ScriptedServer
) -> None:
    @flow("github.issues.opened", may=[Comment.at_most(1)])
    def sure(event: Event, agent: Agent) -> None:
        agent.ask("How sure?", event, returns=int)

    model.script.clear()
    model.says(*[Says("perhaps")] * 4)
    name = f"{model.url}/v1#scripted"
    runner = FlowRunner(database, model_small=name, model_large=name)
    assert runner.deliver(sure, opened(1)) == []
    assert "no usable answer" in str(runner.platform.done)
    query = "select max(tokens) as tokens, (select count(*) from budget_reservations) as held"
    [spent] = database.run("github:acme", [Statement(f"{query} from budget_days", {})])
    assert spent == [{"tokens": 17 * len(model.seen), "held": 0}]


def rows(runner: FlowRunner) -> list[str]:
    query = Statement("select scope || ' ' || name as row from budget_days order by scope", {})
    return [row["row"] for row in runner.database.run("github:acme", [query])[0]]
