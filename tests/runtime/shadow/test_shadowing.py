"""Shadows of recorded runs: unchanged they do the same, changed they show it, and nothing stays."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest

from flows.triage import triage
from shared.actions.github.actions import AddLabels, Comment
from shared.agent.agent import Agent
from shared.agent.flow import flow
from shared.aws.executions import Executions
from shared.database import Database
from shared.desk import Services
from shared.errors import SettingsError
from shared.events import Event, run_id
from shared.planning.desk import PlanDesk
from shared.runtime.shadow.changes import StepChange
from shared.runtime.shadow.difference import compare, lines_of
from shared.runtime.shadow.held import held_services
from shared.runtime.shadow.models import ShadowModels
from shared.runtime.shadow.shadowing import (
    RecordedRun,
    Shadow,
    Shadowing,
    recorded_run,
    recorded_runs,
)
from shared.testing import FlowRunner
from tests.events.made import an_event
from tests.models.scripted_server import Says, ScriptedServer

CRASH = an_event(text="Checkout crashes\n\nA stack trace appears when I press pay.")


@pytest.fixture
def model() -> Iterator[ScriptedServer]:
    with ScriptedServer() as server:
        yield server


Lives = Callable[..., Shadow]


@pytest.fixture
def live(runner: FlowRunner, model: ScriptedServer) -> Iterator[Lives]:
    """Lives the shadow of a run, with a scripted model in place of the offline one."""
    with ExitStack() as stack:
        yield lambda run, *how, flow=triage: stack.enter_context(
            shadowing(runner, model, flow)
        ).live(run, *how)


def shadowing(runner: FlowRunner, model: ScriptedServer, flow: Any) -> Shadowing:
    settings = runner.can.settings._replace(
        model_small=f"{model.url}/v1#scripted", model_large=f"{model.url}/v1#scripted"
    )
    models = ShadowModels(settings, runner.database)
    return Shadowing(
        flow, settings, runner.database, adapters=lambda _: runner.platform, models=models
    )


def of(runner: FlowRunner, event: Event = CRASH, flow: str = "triage") -> RecordedRun:
    return recorded_run(runner.database, event.tenant, run_id(event, flow))


def verdict(*labels: str, summary: str = "It is slow.") -> Says:
    return Says(json.dumps({"labels": labels, "duplicate": None, "summary": summary}))


def everything(url: str) -> dict[str, list[Any]]:
    """All that the database holds, by table."""
    names = "select tablename from pg_tables where schemaname = 'public' order by 1"
    with psycopg.connect(url, autocommit=True) as connection:
        return {
            name: connection.execute(
                f'select t::text from "{name}" t order by 1'.encode()
            ).fetchall()
            for (name,) in connection.execute(names).fetchall()
        }


def test_unchanged_it_does_exactly_what_was_recorded(
    runner: FlowRunner, model: ScriptedServer, live: Lives, database_url: str
) -> None:
    runner.deliver(triage, CRASH)
    before, done = everything(database_url), list(runner.platform.done)
    run = of(runner)
    shadow = live(run)
    assert shadow.state == "done"
    assert [(one.tool, one.key) for one in shadow.actions] == [
        (row["tool"], row["key"]) for row in run.effects
    ]
    assert not compare(run, shadow).acts_otherwise
    assert shadow.steps == []
    assert model.seen == []
    assert runner.platform.done == done
    assert everything(database_url) == before


def test_another_model_acts_otherwise_and_nothing_is_done(
    runner: FlowRunner, model: ScriptedServer, live: Lives, database_url: str
) -> None:
    runner.deliver(triage, CRASH)
    before, done = everything(database_url), list(runner.platform.done)
    run = of(runner)
    model.says(verdict("question", summary="Slow & strange."))
    shadow = live(run, "ask", StepChange(model=f"{model.url}/v1#other"))
    assert shadow.changed
    assert model.seen[0].body["model"] == "other"
    different = compare(run, shadow)
    assert different.acts_otherwise
    told = "\n".join(line for one in different.acts for line in lines_of(one))
    assert '-labels: ["bug"]' in told
    assert '+labels: ["question"]' in told
    assert "+Slow & strange." in told.replace("+  ", "+")
    assert different.answers[0].step == "ask"
    assert runner.platform.done == done
    after = everything(database_url)
    # What is known of its call is kept, as of each; nothing else is.
    kept = {name for name in before if before[name] != after[name]}
    assert kept == {"output_sizes", "prompt_cache", "prompt_cache_totals"}


def test_another_prompt_is_what_the_model_is_told(
    runner: FlowRunner, model: ScriptedServer, live: Lives
) -> None:
    runner.deliver(triage, CRASH)
    model.says(verdict("bug"))
    shadow = live(
        of(runner), "ask", StepChange(model=f"{model.url}/v1#m", prompt="Answer like a pirate.")
    )
    assert shadow.state == "done"
    orders = model.seen[0].body["messages"][0]["content"]
    assert orders.startswith("Answer like a pirate.")
    assert "stack trace" in json.dumps(model.seen[0].body["messages"][1:])


def test_another_output_takes_the_place_of_a_step(
    runner: FlowRunner, model: ScriptedServer, live: Lives
) -> None:
    runner.deliver(triage, CRASH)
    run = of(runner)
    [ask] = [row for row in run.steps if row["name"] == "ask"]
    other = json.dumps({"labels": ["question"], "duplicate": None, "summary": "Other."})
    assert isinstance(ask["output"], str)
    shadow = live(run, "ask", StepChange(output=other))
    assert shadow.changed
    assert {"labels": ["question"]} in [one.arguments for one in shadow.actions]
    assert model.seen == []


def test_what_follows_is_replayed_or_done_anew(
    runner: FlowRunner, model: ScriptedServer, live: Lives
) -> None:
    @flow("github.issues.opened", may=[Comment.at_most(1), AddLabels.at_most(2)])
    def twice(event: Event, agent: Agent) -> None:
        for prompt in ("One.", "Two.", "Three."):
            agent.ask(prompt, event, returns=str)

    runner.answers("1", "2", "3")
    runner.deliver(twice, CRASH)
    run = of(runner, flow="twice")
    model.says(Says('"b"'))
    assert [
        row["name"] for row in live(run, "ask:2", StepChange(prompt="2?"), flow=twice).steps
    ] == ["ask"]
    model.says(Says('"b"'), Says('"c"'))
    shadow = live(run, "ask:2", StepChange(prompt="Two?"), "anew", flow=twice)
    assert len(shadow.steps) == 2
    assert len(model.seen) == 3


@pytest.mark.parametrize(
    ("step", "change", "said"),
    [
        ("thought", StepChange(model="small"), "the run has no step 'thought'; it has "),
        ("ask:9", StepChange(model="small"), "the run has no step 'ask:9'"),
        ("ask:0", StepChange(model="small"), "the run has no step"),
        ("recall", StepChange(prompt="x"), "recall asks no model"),
        ("ask", StepChange(model="small", output="y"), "change one or the other"),
    ],
)
def test_what_cannot_be_changed_is_refused(
    runner: FlowRunner, live: Lives, step: str, change: StepChange, said: str
) -> None:
    runner.deliver(triage, CRASH)
    with pytest.raises(SettingsError, match=said):
        live(of(runner), step, change)


def test_a_run_that_is_not_there_is_an_error(database: Database) -> None:
    with pytest.raises(SettingsError, match="there is no run 00"):
        recorded_run(database, "acme", "00")


def test_of_a_map_only_the_named_one_of_equal_steps_changes(
    runner: FlowRunner, model: ScriptedServer, live: Lives
) -> None:
    @flow("github.issues.opened", may=[Comment.at_most(1)])
    def each(event: Event, agent: Agent) -> None:
        agent.map(lambda part: agent.ask("One.", part, returns=str), ["a", "a", "a"])

    runner.answers("1", "1", "1")
    runner.deliver(each, CRASH)
    run = of(runner, flow="each")
    for wanted in ("ask:1", "ask:2", "ask:3"):
        model.says(Says('"b"'))
        shadow = live(run, wanted, StepChange(prompt="1?"), flow=each)
        assert shadow.changed
        assert len(shadow.steps) == 1


def test_what_the_change_leads_past_counts_as_its_cost_before(
    runner: FlowRunner, model: ScriptedServer, live: Lives
) -> None:
    @flow("github.issues.opened", may=[Comment.at_most(1)])
    def follow(event: Event, agent: Agent) -> None:
        first = agent.ask("One.", event, returns=str)
        agent.ask("Two.", first, returns=str)

    runner.answers("1", "2")
    runner.deliver(follow, CRASH)
    run = of(runner, flow="follow")
    priced = run._replace(
        steps=[row | {"cost": 0.25} if row["model"] else row for row in run.steps]
    )
    model.says(Says('"other"'), Says('"2"'))
    shadow = live(priced, "ask", StepChange(prompt="One?"), flow=follow)
    assert [row["name"] for row in shadow.steps] == ["ask", "ask"]
    assert compare(priced, shadow).cost[0] == 0.5


def test_a_run_that_worked_on_a_plan_has_no_shadow(
    runner: FlowRunner, database: Database, database_url: str
) -> None:
    runner.deliver(triage, CRASH)
    run = run_id(CRASH, "triage")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "insert into plans (tenant, id, event_id, flow, goal)"
            " select tenant, 'p1', event_id, flow, 'Look.' from runs where id = %s",
            [run],
        )
        connection.execute(
            "insert into plan_runs (tenant, plan_id, run_id, state)"
            " select tenant, 'p1', id, 'done' from runs where id = %s",
            [run],
        )
    with pytest.raises(SettingsError, match="worked on a plan"):
        of(runner)
    assert recorded_runs(database, CRASH.tenant, "triage", hours=1, sample=9) == []


def test_a_plan_that_a_change_asks_for_does_not_start(
    runner: FlowRunner, model: ScriptedServer, live: Lives, database_url: str
) -> None:
    @flow("github.issues.opened", may=[Comment.at_most(1)])
    def perhaps(event: Event, agent: Agent) -> None:
        if agent.ask("Is it much work?", event, returns=str) == "much":
            agent.desk(PlanDesk).start("Look into it.")
            agent.act(Comment(event.issue, "On it."))

    runner.answers("little")
    runner.deliver(perhaps, CRASH)
    before = everything(database_url)["plans"]
    model.says(Says("much"))
    shadow = live(of(runner, flow="perhaps"), "ask", StepChange(prompt="Much?"), flow=perhaps)
    assert (shadow.state, shadow.error) == ("done", None)
    assert [one.tool for one in shadow.actions] == ["Comment"]
    assert everything(database_url)["plans"] == before
    assert (
        Services(held_services()).get(Executions, lambda: Executions("")).succeed("t", {}) is False
    )
