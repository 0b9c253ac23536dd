"""Batches count in the budgets, and a run that can wait rests until its budget is free again."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.actions.github.actions import Comment
from shared.agent import Agent, flow
from shared.database import OPERATOR, Database
from shared.events import Event
from shared.runtime.shadow.changes import StepChange
from shared.runtime.shadow.shadowing import Shadowing, recorded_run
from shared.settings import Settings
from tests.models.batch.batch_runner import BatchRunner, Verdict, answers
from tests.models.batch.server import BatchServer

#: The run that waited for its answer.
_RUN = "select tenant, id from runs where flow = 'very_patient'"
#: What one answer of the scripted server costs in a batch, in US dollars.
_PAID = (1000 * 0.75 + 100 * 4.5) / 1e6 / 2


@flow("github.issues.opened", may=[Comment.at_most(1)])
def very_patient(event: Event, agent: Agent) -> None:
    verdict = agent.ask("Name it.", event, returns=Verdict, deadline=timedelta(hours=48))
    agent.act(Comment(event.issue, verdict.label))


@pytest.fixture
def thrifty(database_url: str, settings: Settings) -> Iterator[BatchRunner]:
    with Database(database_url, patience=5, role=OPERATOR) as database:
        yield BatchRunner(database, settings._replace(budgets="tenant=1"), database_url)


def test_an_answer_from_a_batch_counts_at_its_price(
    thrifty: BatchRunner, server: BatchServer
) -> None:
    thrifty.open(very_patient)
    assert thrifty.query("select count(*) from budget_reservations") == [(1,)]
    thrifty.tick()
    server.end(ends=answers("bug"))
    thrifty.tick()
    thrifty.wake(very_patient)
    assert thrifty.comments == ["bug"]
    spent = thrifty.query("select scope, spent::float8 from budget_days order by scope")
    assert spent[-2:] == [("tenant", pytest.approx(_PAID)), ("user", pytest.approx(_PAID))]
    assert thrifty.query("select count(*) from budget_reservations") == [(0,)]


def test_a_shadow_asks_at_once_and_holds_no_room(
    thrifty: BatchRunner, server: BatchServer, capsys: pytest.CaptureFixture[str]
) -> None:
    thrifty.open(very_patient)
    thrifty.tick()
    server.end(ends=answers("bug"))
    thrifty.tick()
    thrifty.wake(very_patient)
    server.answers = answers("slow")
    settings = thrifty.can.settings
    run = recorded_run(thrifty.database, *map(str, thrifty.query(_RUN)[0]))
    capsys.readouterr()
    with Shadowing(
        very_patient, settings, thrifty.database, adapters=lambda _: thrifty.platform
    ) as shadows:
        shadow = shadows.live(run, "ask", StepChange(prompt="Name it otherwise."))
    assert (shadow.state, shadow.error) == ("done", None)
    assert [one.arguments["body"] for one in shadow.actions] == ["slow"]
    assert len(server.at_once) == 1
    assert thrifty.query("select count(*) from budget_reservations") == [(0,)]
    counted = capsys.readouterr().out  # neither a run nor an effect of it is in the metrics
    assert "run ended" not in counted
    assert "effect ended" not in counted


def test_a_run_rests_until_its_budget_is_free_again(
    thrifty: BatchRunner, server: BatchServer
) -> None:
    thrifty.open(very_patient)
    thrifty.query("delete from runs")
    thrifty.query("delete from budget_reservations")
    thrifty.query("update budget_days set spent = 1 where scope = 'tenant'")

    thrifty.open(very_patient, id="github:d2", received_at=time.time())
    assert thrifty.states == ["parked"]
    thrifty.tick()
    assert (thrifty.wake(very_patient), server.batches, server.at_once) == (0, [], [])

    thrifty.later(24 * 60)
    thrifty.query("update budget_days set spent = 0")
    thrifty.tick()
    assert thrifty.wake(very_patient) == 1
    thrifty.tick()
    server.end(ends=answers("bug"))
    thrifty.tick()
    thrifty.wake(very_patient)
    assert thrifty.comments == ["bug"]


def test_a_run_that_cannot_wait_so_long_fails_with_the_reason(
    thrifty: BatchRunner, server: BatchServer
) -> None:
    thrifty.open(very_patient)
    thrifty.query("delete from runs")
    thrifty.query("delete from budget_reservations")
    thrifty.query("update budget_days set spent = 1 where scope = 'tenant'")
    thrifty.open(very_patient, id="github:d2", received_at=time.time() - 48 * 3600)
    assert thrifty.states == ["failed"]
    assert any("The common budget" in comment for comment in thrifty.comments)
    assert (server.batches, server.at_once) == ([], [])


LIMITS = "openai:*=rpm:1,tpm:10,usd_per_day:0.02"


@pytest.fixture
def limited(database_url: str, settings: Settings) -> Iterator[BatchRunner]:
    with Database(database_url, patience=5, role=OPERATOR) as database:
        yield BatchRunner(database, settings._replace(model_limits=LIMITS), database_url)


def test_batches_count_in_the_dollars_of_the_account_and_in_no_limit_of_a_minute(
    limited: BatchRunner, server: BatchServer
) -> None:
    for number in range(3):
        limited.open(very_patient, id=f"github:d{number}", text=f"Issue {number}")
    assert limited.states == ["parked"] * 3
    [(reserved,)] = limited.query("select sum(usd) from model_reservations")
    assert 0 < reserved <= 0.02
    limited.tick()
    server.end(ends=answers("bug"))
    limited.tick()
    assert limited.wake(very_patient) == 3
    assert limited.comments == ["bug"] * 3
    assert limited.query("select spent, requests, tokens from model_buckets") == [
        (pytest.approx(3 * _PAID), 0, 0)
    ]
    assert limited.query("select count(*) from model_reservations") == [(0,)]


def test_a_run_rests_until_the_account_has_dollars_again(
    limited: BatchRunner, server: BatchServer
) -> None:
    limited.open(very_patient)
    limited.query("update model_buckets set spent = 0.02")
    limited.open(very_patient, id="github:d2", received_at=time.time(), text="Another")
    assert limited.states == ["parked"] * 2
    assert limited.query("select count(*) from model_reservations") == [(1,)]
    limited.later(24 * 60)
    limited.query("update model_buckets set day = day - 1")
    limited.tick()
    assert limited.wake(very_patient) >= 1
    assert limited.query("select count(*) from model_reservations") == [(2,)]
