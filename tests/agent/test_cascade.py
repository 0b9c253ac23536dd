"""Small, a check, large when the check fails: what is asked, chosen, recorded and replayed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from shared.actions.github.actions import Comment
from shared.agent import Agent, flow
from shared.database import Database, Statement
from shared.errors import ActionUnavailable
from shared.events import Event
from shared.models.answers.typed import Between
from shared.testing import FlowRunner
from tests.events.made import an_event
from tests.models.scripted_server import Says, ScriptedServer


@dataclass(frozen=True)
class Guess:
    answer: str
    sure: Annotated[float, Between(0, 1)]


@flow("github.issues.opened", may=[Comment.at_most(1)])
def careful(event: Event, agent: Agent) -> None:
    guess = agent.ask("Guess.", event, returns=Guess, check=lambda guess: guess.sure > 0.8)
    agent.act(Comment(event.issue, guess.answer))


@flow("github.issues.opened", may=[Comment.at_most(1)])
def plain(event: Event, agent: Agent) -> None:
    guess = agent.ask("Guess.", event, returns=Guess)
    agent.act(Comment(event.issue, guess.answer))


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


@pytest.fixture
def scripted(database_url: str, model: ScriptedServer) -> Iterator[FlowRunner]:
    names = {f"model_{role}": f"{model.url}/v1#{role}" for role in ("small", "large")}
    with Database(database_url, patience=5) as database:
        yield FlowRunner(database, **names)


def _asked(model: ScriptedServer) -> list[str]:
    return [seen.body["model"] for seen in model.seen]


def _steps(runner: FlowRunner) -> list[dict[str, Any]]:
    sql = "select name, output, model, choice, output_tokens from steps order by seq"
    return runner.database.run("github:acme", [Statement(sql, {})])[0]


def _said(runner: FlowRunner) -> list[str]:
    return [action.body for action in runner.platform.done if isinstance(action, Comment)]


def test_an_answer_that_passes_the_check_is_the_small_models(
    scripted: FlowRunner, model: ScriptedServer
) -> None:
    model.says(Says('{"answer": "yes", "sure": 0.9}'))
    assert scripted.deliver(careful, an_event()) == []
    assert (_said(scripted), _asked(model)) == (["yes"], ["small"])
    (ask, choose) = _steps(scripted)[:2]
    assert ask["choice"]["role"] == "small"
    assert ask["choice"]["probability"] == 1
    assert choose["output"] == {"chosen": "small"}
    assert choose["choice"]["options"] == ["small", "large"]
    assert choose["choice"]["probability"] == 1


@pytest.mark.parametrize(
    "weak",
    [
        [Says('{"answer": "no", "sure": 0.2}')],
        [Says('{"answer": "no", "sure": 12501}'), Says('{"answer": "no", "sure": 2}')],
        [Says("no idea"), Says("still none")],
    ],
)
def test_an_answer_that_fails_the_check_or_is_invalid_is_asked_of_the_large_model(
    scripted: FlowRunner, model: ScriptedServer, weak: list[Says]
) -> None:
    model.says(*weak, Says('{"answer": "yes", "sure": 0.1}'))
    assert scripted.deliver(careful, an_event()) == []
    assert (_said(scripted), _asked(model)) == (["yes"], ["small"] * len(weak) + ["large"])


def test_a_replay_keeps_the_choice_and_asks_nobody(
    scripted: FlowRunner, model: ScriptedServer
) -> None:
    model.says(Says('{"answer": "no", "sure": 0.2}'), Says('{"answer": "yes", "sure": 0.1}'))
    scripted.platform.fails[1] = ActionUnavailable("github: down", 3600, sent=False)
    event = an_event()
    assert scripted.deliver(careful, event) == [event.id]
    assert scripted.deliver(careful, event, receives=2) == []
    assert (_said(scripted), _asked(model)) == (["yes"], ["small", "large"])


def test_another_model_is_asked_when_the_repair_fails_too(
    scripted: FlowRunner, model: ScriptedServer
) -> None:
    model.says(Says("no idea"), Says("still none"), Says('{"answer": "yes", "sure": 1}'))
    assert scripted.deliver(plain, an_event()) == []
    assert (_said(scripted), _asked(model)) == (["yes"], ["small", "small", "large"])


def test_what_an_unusable_answer_cost_is_recorded(
    scripted: FlowRunner, model: ScriptedServer
) -> None:
    model.says(*[Says("no idea")] * 9)
    scripted.deliver(plain, an_event())
    (invalid,) = [step for step in _steps(scripted) if step["name"] == "failed"]
    assert invalid["output_tokens"] > 0
    assert "no idea" not in str(invalid["output"])


def test_the_end_of_a_run_keeps_what_its_calls_used(
    database_url: str, model: ScriptedServer
) -> None:
    name = f"{model.url}/v1#small"
    with Database(database_url, patience=5) as database:
        runner = FlowRunner(database, model_small=name, model_limits=f"{name}=tpm:60000")
        model.says(Says('{"answer": "yes", "sure": 0.9}'))
        assert runner.deliver(plain, an_event()) == []
        held = "select count(*) as n from model_reservations"
        sizes = "select count(*) as n from output_sizes"
        rows = database.run("github:acme", [Statement(sql, {}) for sql in (held, sizes)])
    assert [found["n"] for [found] in rows] == [0, 1]
