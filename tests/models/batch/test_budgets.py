"""Batches count in the budgets, and a run that can wait rests until its budget is free again."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.actions.github.actions import Comment
from shared.agent import Agent, flow
from shared.database import OPERATOR, Database
from shared.events import Event
from shared.settings import Settings
from tests.models.batch.batch_runner import BatchRunner, Verdict, answers
from tests.models.batch.server import BatchServer

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
