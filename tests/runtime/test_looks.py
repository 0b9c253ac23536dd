"""Nothing polls: who leaves work sets the clock, and a clock that was not set loses nothing."""

from itertools import count

import pytest

from flows.background.batches import batches
from flows.background.sweep import sweep
from flows.background.upkeep import upkeep
from flows.chat import chat
from shared.actions.github.actions import Comment
from shared.agent import Agent, flow
from shared.agent.flow import Flow
from shared.aws.looks import KINDS, tick
from shared.database import Database, Statement
from shared.errors import ModelUnavailable
from shared.events import Event
from shared.journal import Journal
from shared.settings import Settings
from shared.testing import FlowRunner, slack_event
from tests.events.made import an_event
from tests.models.batch.batch_runner import BatchRunner, answers, patient
from tests.models.batch.conftest import server, settings
from tests.models.batch.server import BatchServer

__all__ = ["server", "settings"]

OPENED = an_event()
MENTION = slack_event("app_mention", "Who owns the checkout?")
LOOKS: dict[str, Flow] = {"batches": batches, "sweep": sweep, "upkeep": upkeep}
_TIMES = count()


@flow("github.issues.opened", may=[Comment.at_most(1)])
def ends(event: Event, agent: Agent) -> None:
    agent.act(Comment(event.issue, "Done."))


@flow("github.issues.opened")
def waits(event: Event, agent: Agent) -> None:
    raise ModelUnavailable("models: down")


@pytest.fixture
def runner(operator: Database) -> FlowRunner:
    return FlowRunner(operator, max_pause_hours="24")


@pytest.fixture
def patiently(
    operator: Database, database_url: str, server: BatchServer, settings: Settings
) -> BatchRunner:
    server.answers = answers("bug")
    return BatchRunner(operator, settings, database_url)


def kinds(runner: FlowRunner) -> list[str]:
    """What the clock is set for."""
    return sorted(name.split("-")[1] for name in runner.scheduler.schedules)


def strike(runner: FlowRunner) -> list[Event]:
    """Let all that is set come, as if it were time, and the work on memory that follows; return
    what else was published."""
    runner.looks.forget()
    for name, (_, event) in list(runner.scheduler.schedules.items()):
        del runner.scheduler.schedules[name]
        look = event._replace(id=f"{event.id}:{next(_TIMES)}")  # another moment
        assert runner.deliver(LOOKS[event.type.partition(".")[2]], look) == []
    published, runner.published[:] = list(runner.published), []
    runner._published.clear()
    works = [one for one in published if one.type.startswith("memory.")]
    assert runner.deliver(upkeep, *works) == []
    return [one for one in published if one not in works]


def test_every_look_is_taken_by_a_flow_that_comes_at_night_too() -> None:
    assert {*LOOKS} == {*KINDS}
    for kind, taker in LOOKS.items():
        assert {f"schedule.{kind}", "schedule.nightly"} <= {*taker.types}


def test_a_run_that_simply_ends_sets_no_clock(runner: FlowRunner) -> None:
    runner.run(ends, OPENED)
    assert runner.looks.wanted == []


def test_who_waits_for_its_queue_is_looked_after_once_that_should_have_come(
    runner: FlowRunner,
) -> None:
    assert runner.deliver(waits, OPENED) == [OPENED.id]
    [(kind, seconds)] = runner.looks.wanted
    assert kind == "sweep"
    assert 600 + 24 < seconds < 1200


def test_a_hundred_that_wait_set_few_clocks(runner: FlowRunner) -> None:
    for number in range(100):
        runner.deliver(waits, an_event(id=f"github:{number}"))
    assert len(runner.scheduler.schedules) <= 2


def test_what_people_said_is_looked_at_once_the_run_has_ended(runner: FlowRunner) -> None:
    runner.run(chat, MENTION)
    assert kinds(runner) == ["upkeep"]


def test_a_replay_of_an_answer_sets_the_clock_too(runner: FlowRunner) -> None:
    runner.dies(at=2)
    with pytest.raises(KeyboardInterrupt):
        runner.run(chat, MENTION)
    assert kinds(runner) == []
    runner.run(chat, MENTION)
    assert kinds(runner) == ["upkeep"]


def test_a_parked_run_has_the_batches_looked_at(patiently: BatchRunner) -> None:
    patiently.open()
    assert kinds(patiently) == ["batches"]


# Whoever dies between two of these steps is found


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_parked_run_that_dies_around_its_clock_is_answered(
    patiently: BatchRunner, server: BatchServer, dies: str
) -> None:
    """Its queue brings it again: it has not ended before the clock is set."""
    patiently.scheduler.dies = dies
    with pytest.raises(KeyboardInterrupt):
        patiently.deliver(patient, OPENED)
    assert patiently.states == ["running"]
    lives_again(patiently)
    assert patiently.deliver(patient, OPENED) == []
    assert patiently.states == ["parked"]
    strike(patiently)
    server.end()
    woken = strike(patiently)
    assert patiently.deliver(patient, *woken) == []
    assert patiently.comments == ["bug"]


@pytest.mark.parametrize("dies", ["before", "after"])
@pytest.mark.parametrize(("of", "event"), [(waits, OPENED), (chat, MENTION)])
def test_a_run_that_dies_around_its_clock_comes_again_and_sets_it(
    runner: FlowRunner, dies: str, of: Flow, event: Event
) -> None:
    runner.scheduler.dies = dies
    with pytest.raises(KeyboardInterrupt):
        runner.deliver(of, event)
    assert states(runner, event) == ["running"]
    lives_again(runner)
    runner.deliver(of, event)
    assert kinds(runner) == ["sweep" if of is waits else "upkeep"]
    assert len(runner.effects) == (2 if of is chat else 0)


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_look_that_dies_around_the_next_clock_comes_again_and_sets_it(
    patiently: BatchRunner, kind: str, dies: str
) -> None:
    look = leave_work(patiently, kind)
    patiently.scheduler.dies = dies
    with pytest.raises(KeyboardInterrupt):
        patiently.deliver(LOOKS[kind], look)
    lives_again(patiently)
    patiently.expire(look.tenant)
    assert patiently.deliver(LOOKS[kind], look) == []
    assert {*kinds(patiently)} == {kind}


def leave_work(runner: BatchRunner, kind: str) -> Event:
    """Leave something that one look does not end, and return that look."""
    look = tick(kind, 1_800_000_000)
    if kind == "batches":
        runner.open()
    elif kind == "sweep":
        runner.deliver(waits, OPENED)
    else:
        runner.works["facts"] = lambda tenant, seconds: {}
        runner.run(chat, MENTION)
        ages(runner, 2)
        runner.deliver(upkeep, look)
        [look] = [one for one in runner.published if one.type == "memory.facts"]
    runner.scheduler.schedules.clear()
    runner.looks.forget()
    return look


def lives_again(runner: FlowRunner) -> None:
    runner.scheduler.dies = ""
    runner.looks.forget()
    for tenant in (OPENED.tenant, MENTION.tenant):
        runner.expire(tenant)


def states(runner: FlowRunner, event: Event) -> list[str]:
    [rows] = runner.database.run(event.tenant, [Statement("select state from runs", {})])
    return [row["state"] for row in rows]


def ages(runner: FlowRunner, minutes: float) -> None:
    """Let what people said have been said so long ago."""
    sql = "update turns set created_at = created_at - make_interval(secs => %(seconds)s)"
    runner.database.run(MENTION.tenant, [Statement(sql, {"seconds": minutes * 60})])


# While nobody can set the clock


def test_a_run_that_ends_ends_without_its_clock(runner: FlowRunner) -> None:
    """What it leaves is found each night."""
    runner.scheduler.away = True
    runner.run(chat, MENTION)
    assert len(runner.effects) == 2
    assert states(runner, MENTION) == ["done"]
    ages(runner, 2)
    runner.works["facts"] = lambda tenant, seconds: {}
    runner.deliver(upkeep, tick("nightly", 1_800_000_000))
    assert [event.type for event in runner.published] == ["memory.facts"]


def test_a_run_that_waits_for_its_queue_waits_without_its_clock(runner: FlowRunner) -> None:
    runner.scheduler.away = True
    assert runner.deliver(waits, OPENED) == [OPENED.id]
    assert states(runner, OPENED) == ["parked"]


def test_a_run_that_a_batch_should_wake_waits_in_its_queue_instead(
    patiently: BatchRunner, server: BatchServer
) -> None:
    """Nothing else would bring it again."""
    patiently.scheduler.away = True
    assert patiently.deliver(patient, OPENED) == [OPENED.id]
    [(state, due)] = patiently.query("select state, due_at from runs")
    assert state == "parked"
    assert due is not None
    patiently.scheduler.away = False
    patiently.expire(OPENED.tenant)
    assert patiently.deliver(patient, OPENED) == []
    assert patiently.states == ["parked"]
    strike(patiently)
    server.end()
    assert patiently.deliver(patient, *strike(patiently)) == []
    assert patiently.comments == ["bug"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_look_that_cannot_set_the_next_one_comes_again(patiently: BatchRunner, kind: str) -> None:
    look = leave_work(patiently, kind)
    patiently.scheduler.away = True
    assert patiently.deliver(LOOKS[kind], look) == [look.id]
    patiently.scheduler.away = False
    patiently.expire(look.tenant)
    assert patiently.deliver(LOOKS[kind], look) == []
    assert kind in kinds(patiently)


# How often what waits is looked at


@pytest.mark.parametrize(
    ("waited", "seconds"),
    [(0, 300), (30, 300), (60, 360), (300, 1800), (600, 3600), (6000, 3600)],
)
def test_a_batch_is_asked_for_after_a_tenth_of_the_time_that_it_took(
    patiently: BatchRunner, waited: int, seconds: int
) -> None:
    patiently.open()
    patiently.tick()
    sql = "update batches set named_at = now() - make_interval(mins => %s)"
    patiently.query(sql, waited)
    patiently.query("update batch_requests set deadline = now() + interval '90 days'")
    assert look_at_batches(patiently) == pytest.approx(seconds, abs=5)


def test_a_run_is_asked_at_once_in_time_for_its_deadline(patiently: BatchRunner) -> None:
    patiently.open()
    patiently.tick()
    patiently.query("update batch_requests set deadline = now() + interval '17 minutes'")
    assert look_at_batches(patiently) == pytest.approx(120, abs=5)


def look_at_batches(runner: BatchRunner) -> float | None:
    [(seconds,)] = runner.query("select next_batch_look(interval '15 minutes')")
    return float(seconds) if seconds is not None else None


@pytest.mark.parametrize(
    ("waited", "seconds"), [(2, 600), (60, 600), (300, 1800), (3000, 18_000), (9000, 21_600)]
)
def test_facts_that_cannot_be_looked_for_are_tried_ever_less_often(
    runner: FlowRunner, waited: int, seconds: int
) -> None:
    """The budget is spent, or the model is away."""
    runner.works["facts"] = lambda tenant, seconds: {"failed": 1}
    runner.run(chat, MENTION)
    ages(runner, waited)
    runner.deliver(upkeep, tick("upkeep", 1_800_000_000))
    runner.looks.wanted.clear()
    runner.deliver(upkeep, *runner.published)
    [(kind, after)] = runner.looks.wanted
    assert kind == "upkeep"
    assert after == pytest.approx(seconds, abs=5)


def test_the_sweep_comes_again_as_long_as_another_run_waits(runner: FlowRunner) -> None:
    runner.deliver(sweep, tick("sweep", 1_800_000_000))
    assert runner.looks.wanted == [], "its own run is none"
    Journal(runner.database).claim(OPENED, "ends", 100, queued=True)
    runner.deliver(sweep, tick("sweep", 1_800_000_600))
    [(kind, after)] = runner.looks.wanted
    assert kind == "sweep"
    assert after == pytest.approx(700, abs=5)
    runner.expire(OPENED.tenant)
    runner.run(ends, OPENED)
    runner.looks.wanted.clear()
    runner.deliver(sweep, tick("sweep", 1_800_001_200))
    assert runner.looks.wanted == []


# An idle system


def test_when_all_is_done_nothing_is_set_any_more(
    patiently: BatchRunner, server: BatchServer
) -> None:
    """So an idle hour asks the database nothing: the only schedule of the template comes once a
    night (tests/infra/test_template.py)."""
    patiently.run(chat, MENTION)
    patiently.open()
    patiently.deliver(waits, an_event(id="github:waits"))
    ages(patiently, 5)
    patiently.works["facts"] = lambda tenant, seconds: looked_at(patiently)
    assert kinds(patiently) == ["batches", "sweep", "upkeep"]
    woken = strike(patiently)
    server.end()
    patiently.query("update runs set state = 'done', due_at = null where flow = 'waits'")
    woken += strike(patiently)
    assert patiently.deliver(patient, *woken) == []
    assert patiently.comments == ["bug"]
    patiently.query("update batch_requests set woken_at = woken_at - interval '1 hour'")
    strikes = 0
    while patiently.scheduler.schedules:
        strike(patiently)
        strikes += 1
    assert strikes <= 2


def looked_at(runner: BatchRunner) -> dict[str, int]:
    runner.query("update turns set looked_at = now()")
    return {"turns": 1}
