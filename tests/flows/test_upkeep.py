"""Upkeep by the clock: who has work is found by one query, and each tenant's work is done once."""

from collections.abc import Mapping, Sequence

import psycopg
import pytest

from flows.background.upkeep import upkeep
from shared.database import OPERATOR, Database, Row, Statement
from shared.errors import DatabaseUnavailable, PublishError, SettingsError
from shared.events import Actor, Event
from shared.memory.upkeep.scheduling import Upkeep
from shared.testing import FlowRunner
from tests.events.made import an_event

WAKE = an_event(
    id="schedule.upkeep:2026-11-21T03:10:00Z",
    type="schedule.upkeep",
    source="schedule",
    tenant="schedule",
    conversation="schedule.upkeep",
    actor=Actor("scheduler", "upkeep"),
    text="",
    url="",
    issue_target=None,
)
LATER = WAKE._replace(id="schedule.upkeep:2026-11-21T03:20:00Z")


class Worked:
    """A work that keeps for whom it was asked, and fails as often as `fails` says."""

    def __init__(self, fails: int = 0) -> None:
        self.tenants: list[str] = []
        self.seconds: list[float] = []
        self._fails = fails

    def __call__(self, tenant: str, seconds: float) -> Mapping[str, int]:
        self.tenants.append(tenant)
        self.seconds.append(seconds)
        if len(self.tenants) <= self._fails:
            raise DatabaseUnavailable("gone for a moment")
        return {"taken": 3, "kept": 0}


@pytest.fixture
def runner(operator: Database) -> FlowRunner:
    return FlowRunner(operator)


@pytest.fixture
def work(runner: FlowRunner) -> Worked:
    runner.works["facts"] = work = Worked()
    return work


def pending(url: str, name: str, *tenants: str) -> None:
    """Let the database say that these tenants have such work."""
    listed = ", ".join(f"'{tenant}'" for tenant in tenants) or "null"
    body = f"select t from unnest(array[{listed}]::text[]) as t where t is not null"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"create or replace function pending_{name}() returns setof text"
            f" language sql security definer set search_path = public, pg_temp as $${body}$$"
        )


def test_each_tenant_with_work_gets_an_event_of_its_own(
    runner: FlowRunner, work: Worked, database_url: str
) -> None:
    pending(database_url, "facts", "github:acme", "slack:T1")
    assert not runner.deliver(upkeep, WAKE)
    events = sorted(runner.published, key=lambda event: event.tenant)
    assert [event.tenant for event in events] == ["github:acme", "slack:T1"]
    assert {event.type for event in events} == {"memory.facts"}
    assert len({event.conversation for event in events}) == 2
    assert not runner.deliver(upkeep, *events)
    assert work.tenants == ["github:acme", "slack:T1"]


def test_the_same_delivery_twice_does_the_work_once(
    runner: FlowRunner, work: Worked, database_url: str
) -> None:
    pending(database_url, "facts", "github:acme")
    for _ in range(2):
        assert not runner.deliver(upkeep, WAKE)
    [event] = runner.published
    for _ in range(2):
        assert not runner.deliver(upkeep, event)
    assert work.tenants == ["github:acme"]


class OnceBroken(FlowRunner):
    """The bus breaks at the second event, once."""

    tries = 0

    def publish(self, event: Event, again: str = "") -> None:
        self.tries += 1
        if self.tries == 2:
            raise PublishError("sns: the topic answered 500")
        super().publish(event, again)


def test_a_wake_that_broke_off_is_repeated_without_a_second_event(database_url: str) -> None:
    pending(database_url, "facts", "github:acme", "slack:T1")
    runner = OnceBroken(Database(database_url, role=OPERATOR))
    runner.works["facts"] = Worked()
    assert runner.deliver(upkeep, WAKE) == [WAKE.id]
    assert not runner.deliver(upkeep, WAKE)
    assert sorted(event.tenant for event in runner.published) == ["github:acme", "slack:T1"]
    runner.database.close()


def test_work_that_failed_is_done_again_and_work_that_was_done_is_not(
    runner: FlowRunner, database_url: str
) -> None:
    runner.works["facts"] = work = Worked(fails=1)
    pending(database_url, "facts", "github:acme")
    runner.deliver(upkeep, WAKE)
    [event] = runner.published
    assert runner.deliver(upkeep, event) == [event.id]
    assert not runner.deliver(upkeep, event)
    assert not runner.deliver(upkeep, event)
    assert work.tenants == ["github:acme"] * 2


def test_the_next_wake_brings_up_what_is_still_pending(
    runner: FlowRunner, work: Worked, database_url: str
) -> None:
    pending(database_url, "facts", "github:acme")
    runner.deliver(upkeep, WAKE, LATER)
    assert not runner.deliver(upkeep, *runner.published)
    assert work.tenants == ["github:acme"] * 2


def test_work_ends_before_its_function(runner: FlowRunner, work: Worked, database_url: str) -> None:
    pending(database_url, "facts", "github:acme")
    runner.deliver(upkeep, WAKE)
    runner.deliver(upkeep, *runner.published)
    assert 0 < work.seconds[0] <= 55  # of 60


def test_the_counts_are_logged_without_zeros(
    runner: FlowRunner, work: Worked, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pending(database_url, "facts", "github:acme")
    runner.deliver(upkeep, WAKE)
    runner.deliver(upkeep, *runner.published)
    assert '"counts": {"taken": 3}' in capsys.readouterr().out


class Counting(Database):
    """Counts the round trips."""

    trips = 0

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        self.trips += 1
        return super().run(tenant, statements)


def test_whoever_has_work_is_found_in_one_round_trip(database_url: str, runner: FlowRunner) -> None:
    for name in ("facts", "vectors"):
        pending(database_url, name)
    works = dict.fromkeys(("facts", "vectors"), Worked())
    with Counting(database_url, role=OPERATOR) as database:
        assert Upkeep(database, runner.publish, works).spread(WAKE, 5) == {}
        assert database.trips == 1
        assert Upkeep(database, runner.publish, {}).spread(WAKE, 5) == {}
        assert database.trips == 1


def test_who_is_put_off_at_one_wake_is_not_last_at_all(
    database_url: str, runner: FlowRunner
) -> None:
    tenants = [f"slack:T{number}" for number in range(20)]
    pending(database_url, "facts", *tenants)
    first = set()
    for hour in range(10):
        events: list[Event] = []
        work = Upkeep(runner.database, events.append, {"facts": Worked()})
        assert work.spread(WAKE._replace(id=f"schedule.upkeep:{hour}"), 5) == {"facts": 20}
        first.add(events[0].tenant)
    assert len(first) > 3


def test_without_time_nothing_is_published_and_all_is_counted_as_put_off(
    database_url: str, runner: FlowRunner, work: Worked
) -> None:
    pending(database_url, "facts", "github:acme", "slack:T1")
    spread = Upkeep(runner.database, runner.publish, runner.works).spread(WAKE, 0)
    assert spread == {"put off": 2}
    assert not runner.published


def test_a_work_that_nobody_registered_is_a_clear_error(runner: FlowRunner) -> None:
    works = Upkeep(runner.database, runner.publish, {"facts": Worked()})
    with pytest.raises(SettingsError, match="no work is called 'vectors'; registered: facts"):
        works.run("vectors", "github:acme", 5)


def test_a_work_without_its_query_is_refused_at_once(runner: FlowRunner) -> None:
    with pytest.raises(
        SettingsError, match=r"add pending_<work> to shared/memory/upkeep/scheduling\.sql"
    ):
        Upkeep(runner.database, runner.publish, {"polish": Worked()})
