"""The sweep finds what stands still: lost messages, dead functions, pieces of ended plans."""

import pytest

from flows.background.sweep import sweep
from infra.local.endings import dead_letters, reopen
from shared.agent import Agent, flow
from shared.database import Database, Statement
from shared.errors import ModelUnavailable
from shared.events import Event, run_id
from shared.journal import Journal
from shared.testing import FlowRunner
from tests.events.made import an_event

EVENT = an_event(text="crash")
RUN = run_id(EVENT, "works")


@flow("github.issues.opened")
def works(event: Event, agent: Agent) -> None:
    pass


@flow("github.issues.opened")
def waits(event: Event, agent: Agent) -> None:
    raise ModelUnavailable("models: down")


class Sweeper:
    """Sweeps, with the clock set forward by hand."""

    def __init__(self, runner: FlowRunner) -> None:
        self.runner = runner
        self._times = 0

    def sweeps(self) -> list[str]:
        """Return the ids of the events that it sends again."""
        before = len(self.runner.published)
        self._times += 1
        tick = an_event(id=f"schedule.sweep:{self._times}", type="schedule.sweep", text="")
        assert self.runner.deliver(sweep, tick) == []
        return [event.id for event in self.runner.published[before:]]

    def passes(self, minutes: int) -> None:
        self.runner._published.clear()  # the bus forgets after 5 minutes
        self.query(
            "update runs set due_at = due_at - make_interval(mins => %(minutes)s),"
            " swept_at = swept_at - make_interval(mins => %(minutes)s),"
            " lease_until = lease_until - make_interval(mins => %(minutes)s)",
            minutes=minutes,
        )

    def query(self, sql: str, **values: object) -> list[dict[str, object]]:
        return self.runner.database.run(EVENT.tenant, [Statement(sql, values)])[0]

    def state(self, run: str = RUN) -> str:
        return str(self.query("select state from runs where id = %(run)s", run=run)[0]["state"])


@pytest.fixture
def sweeper(operator: Database) -> Sweeper:
    return Sweeper(FlowRunner(operator, max_attempts="2"))


def test_a_run_whose_function_died_and_whose_message_is_gone_goes_on(sweeper: Sweeper) -> None:
    Journal(sweeper.runner.database).claim(EVENT, "works", 100, queued=True)
    assert sweeper.sweeps() == [], "its lease holds"
    sweeper.passes(5)
    assert sweeper.sweeps() == [], "its queue may still bring it"
    sweeper.passes(10)
    assert sweeper.sweeps() == [EVENT.id]
    sweeper.passes(20)
    assert sweeper.sweeps() == [], "it was sent just now"
    sweeper.runner.deliver(works, EVENT)
    assert sweeper.state() == "done"
    sweeper.passes(10_000)
    assert sweeper.sweeps() == []


def test_what_died_in_its_last_attempt_is_told_by_its_own_function(sweeper: Sweeper) -> None:
    for _ in range(2):
        Journal(sweeper.runner.database).claim(EVENT, "works", 100, queued=True)
        sweeper.passes(60)
    assert sweeper.state() == "running"
    assert sweeper.sweeps() == [EVENT.id]
    sweeper.runner.deliver(works, EVENT)
    assert sweeper.state() == "failed"


def test_what_waits_is_left_alone_until_it_is_due(sweeper: Sweeper) -> None:
    runner = FlowRunner(sweeper.runner.database, max_pause_hours="24")
    for _ in range(5):
        runner.deliver(waits, EVENT)
        sweeper.passes(0)
    assert sweeper.sweeps() == []
    sweeper.passes(60)
    assert sweeper.sweeps() == [EVENT.id]


@pytest.mark.parametrize("state", ["done", "failed", "waiting"])
def test_what_has_ended_is_left_alone(sweeper: Sweeper, state: str) -> None:
    run = Journal(sweeper.runner.database).claim(EVENT, "works", 1, queued=True)
    assert run
    run.finish(state)
    sweeper.passes(10_000)
    assert sweeper.sweeps() == []


def test_what_a_batch_wakes_is_left_alone(sweeper: Sweeper) -> None:
    run = Journal(sweeper.runner.database).claim(EVENT, "works", 1, queued=True)
    assert run
    run.finish("parked", "it waits for a batch")
    sweeper.passes(10_000)
    assert sweeper.sweeps() == []
    assert sweeper.state() == "parked"


def test_what_nothing_takes_up_for_a_day_is_a_dead_letter(
    sweeper: Sweeper, database_url: str
) -> None:
    Journal(sweeper.runner.database).claim(EVENT, "works", 1, queued=True)
    sent = 0
    for _ in range(30):
        sweeper.passes(61)
        sent += len(sweeper.sweeps())
    assert 20 < sent < 26
    (letter,) = dead_letters(database_url, flow="", limit=9)
    assert (letter["id"], letter["reason"]) == (
        RUN,
        "no function took the run up again; is its flow deployed?",
    )
    assert sweeper.state() == "failed"
    assert reopen(database_url, RUN) == 1
    assert sweeper.sweeps() == [EVENT.id]
    sweeper.runner.deliver(works, EVENT)
    assert sweeper.state() == "done"


def test_no_piece_of_a_plan_is_started_as_a_request(sweeper: Sweeper, database_url: str) -> None:
    journal = Journal(sweeper.runner.database)
    piece = EVENT._replace(id=f"{EVENT.id}/write/a")
    for event in (EVENT, piece):
        run = journal.claim(event, "plan", 1)
        assert run
        run.finish("waiting", "nobody knows")
    plan = "insert into plans (tenant, id, event_id, flow, goal) values (%(t)s, 'p', %(e)s, '', '')"
    sweeper.query(plan, t=EVENT.tenant, e=EVENT.id)
    assert reopen(database_url, run_id(piece, "plan")) == 0
    assert reopen(database_url, run_id(EVENT, "plan")) == 1
    assert sweeper.sweeps() == [EVENT.id]


@pytest.mark.parametrize("days", [2, 30])
def test_what_nobody_could_sweep_for_days_has_its_day(sweeper: Sweeper, days: int) -> None:
    """The system was off, or its database away: before the first time it is sent, or after."""
    Journal(sweeper.runner.database).claim(EVENT, "works", 1, queued=True)
    for _ in range(2):
        sweeper.passes(days * 1440)
        assert sweeper.sweeps() == [EVENT.id]
        assert sweeper.state() == "running"
    sweeper.passes(6)
    sweeper.sweeps()
    sweeper.runner.deliver(works, EVENT)
    assert sweeper.state() == "done"


def test_what_is_no_event_any_more_keeps_no_other_run_waiting(
    sweeper: Sweeper, database_url: str
) -> None:
    journal = Journal(sweeper.runner.database)
    for number in range(3):
        journal.claim(EVENT._replace(id=f"github:{number}"), "works", 1, queued=True)
    broken = """update events set body = '{"received_at": 1}' where id = 'github:0'"""
    sweeper.query(broken)
    sweeper.passes(60)
    assert sorted(sweeper.sweeps()) == ["github:1", "github:2"]
    for number in (1, 2):
        sweeper.runner.deliver(works, EVENT._replace(id=f"github:{number}"))
    for _ in range(30):
        sweeper.passes(61)
        sweeper.sweeps()
    assert len(dead_letters(database_url, flow="works", limit=9)) == 1


def test_many_are_sent_in_one_sweep(sweeper: Sweeper) -> None:
    journal = Journal(sweeper.runner.database)
    for number in range(120):
        journal.claim(EVENT._replace(id=f"github:{number}"), "works", 1, queued=True)
    sweeper.passes(60)
    assert len(sweeper.sweeps()) == 120


def test_the_pieces_of_a_plan_that_is_over_do_not_run_for_ever(sweeper: Sweeper) -> None:
    journal = Journal(sweeper.runner.database)
    piece = EVENT._replace(id=f"{EVENT.id}/act/a/1/0")
    journal.claim(piece, "plan", 1)
    journal.claim(EVENT._replace(id=f"{EVENT.id}x/act/a/1/0"), "plan", 1)
    keep = "insert into events select tenant, %(id)s, type, conversation, body from events limit 1"
    sweeper.query(keep, id=EVENT.id)
    sweeper.query(
        "insert into plans (tenant, id, event_id, flow, goal)"
        " values (%(t)s, 'p', %(e)s, 'plan', '')",
        t=EVENT.tenant,
        e=EVENT.id,
    )
    sweeper.passes(10_000)
    assert sweeper.sweeps() == []
    assert sweeper.state(run_id(piece, "plan")) == "running", "the plan may still go on with it"
    sweeper.query("update plans set state = 'failed', finished_at = now() - interval '2 hours'")
    assert sweeper.sweeps() == []
    assert sweeper.state(run_id(piece, "plan")) == "failed"
    rows = sweeper.query("select state from runs where flow = 'plan' order by event_id")
    assert [row["state"] for row in rows] == ["failed", "running"]
