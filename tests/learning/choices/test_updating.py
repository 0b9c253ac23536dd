"""Policies go on learning by the clock, and without what was learnt in a place that went away."""

import time
from collections.abc import Callable

import pytest

from flows.background.uninstall import uninstall
from flows.background.upkeep import upkeep
from shared.database import Database, Statement
from shared.events import Event
from shared.learning.choices.tuning import Tuning
from shared.testing import FlowRunner, github_event, schedule_event
from tests.events.made import an_event
from tests.learning.choices.organisation import ARMS, CHOICE, FLOW, TENANT, Organisation
from tests.learning.signals.test_crashes import Dying

_AGED = """\
update runs set finished_at = now() - interval '2 days', started_at = now() - interval '2 days'"""
#: Boundaries that are tried of each flow.
_BOUNDARIES = 10
_FEED = "update policies set rewards = '{somebodys_own}'"


class Learning(Organisation):
    """An organisation with a policy in force that learns, and the background that lets it."""

    def __init__(self, database: Database, owner_url: str, operator: Database, seed: int) -> None:
        super().__init__(database, owner_url, seed)
        self.background = FlowRunner(operator, explore_share="0.2")
        self.live(60)
        self.trials.make("epsilon-greedy", Tuning(ARMS, share=0.2))
        state = self.store.state()
        assert state and state.candidate
        trusted = state._replace(in_force=state.candidate, candidate=None, in_use=state.candidate)
        self.sql(
            "update policies set in_force = 2, candidate = null, in_use = 2, "
            "rewards = '{accepted,dismissed}', updated_at = now() - interval '3 days'"
        )
        assert self.store.state() == trusted

    def sql(self, *queries: str) -> None:
        self.database.run(TENANT, [Statement(one, {}) for one in queries])

    def night(self, number: int = 0) -> list[Event]:
        """Let a night pass, and return what it published."""
        before = len(self.background.published)
        tick = schedule_event("nightly", f"2026-11-{21 + number}T03:17:00Z")
        tick = tick._replace(received_at=time.time())
        self.background.deliver(upkeep, tick)
        came = self.background.published[before:]
        self.background.deliver(upkeep, *came)
        return [one for one in came if one.type == "learning.policies"]

    @property
    def in_force(self) -> int:
        state = self.store.state()
        assert state
        return state.in_force


@pytest.fixture
def learning(database: Database, database_url: str, operator: Database) -> Learning:
    return Learning(database, database_url, operator, 21)


def test_what_is_in_force_learns_each_night_from_what_people_had_time_to_say(
    learning: Learning,
) -> None:
    assert learning.night(0) == []  # no run is a day old
    learning.sql(_AGED)
    [event] = learning.night(1)
    assert (event.tenant, learning.in_force) == (TENANT, 3)
    newest = learning.store.versions()[3]
    assert (newest.examples, newest.made_by) == (60, "upkeep")
    assert max(sum(sorted(row)[:-1]) for row in newest.chances.buckets.values()) <= 0.2 + 1e-9
    learning.background.deliver(upkeep, event, event)
    assert learning.in_force == 3
    assert learning.trials.roll_back() == 2


def test_where_nobody_chose_the_night_asks_once_and_does_nothing(learning: Learning) -> None:
    learning.sql(_AGED)
    assert learning.night(1)
    learning.sql("update runs set finished_at = now() - interval '4 days'")
    assert learning.night(2) == []


def test_a_smaller_share_of_the_setting_bounds_what_learns_on(
    learning: Learning, operator: Database
) -> None:
    learning.sql(_AGED)
    learning.background = FlowRunner(operator, explore_share="0.05")
    learning.night(1)
    newest = learning.store.versions()[learning.in_force]
    assert max(sum(sorted(row)[:-1]) for row in newest.chances.buckets.values()) <= 0.05 + 1e-9
    assert newest.how.share == 0.2


def gone(kind: str, **payload: object) -> Event:
    event = github_event(kind, repository="acme/shop")
    return event._replace(
        tenant=TENANT, id=f"github:{kind}", type=f"github.{kind}", payload=dict(payload)
    )


GONE: dict[str, Callable[[], Event]] = {
    "repository": lambda: gone("repository.deleted", repository={"full_name": "acme/shop"}),
    "removed": lambda: gone(
        "installation_repositories.removed", repositories_removed=[{"full_name": "acme/shop"}]
    ),
    "installation": lambda: gone(
        "installation.deleted", installation={"account": {"login": "acme"}}
    ),
}


@pytest.mark.parametrize("what", GONE)
def test_what_was_learnt_in_a_place_that_went_away_goes_by_itself(
    learning: Learning, database: Database, what: str
) -> None:
    learning.sql(_AGED)
    here = sum(one.repository == "github:acme/shop" for one in learning.examples)
    assert "acme/shop" in str(learning.store.versions())
    runner = FlowRunner(database)
    assert runner.deliver(uninstall, GONE[what]()) == []
    [event] = learning.night(1)
    versions = learning.store.versions()
    assert "acme/shop" not in str(versions)
    left = 60 - here if what != "installation" else 0
    assert [(number, one.examples) for number, one in versions.items()] == [(3, left)]
    assert learning.night(2) == []
    [row] = learning.database.run(TENANT, [Statement("select withdrawn_at from policies", {})])[0]
    assert row["withdrawn_at"] is None
    learning.trials.update()
    assert "acme/shop" not in str(learning.store.versions())
    assert event.type == "learning.policies"


def test_a_place_with_another_name_is_not_gone(learning: Learning, database: Database) -> None:
    event = gone(
        "repository.privatized",
        repository={"full_name": "acme/shop", "private": True, "name": "shop"},
    )
    assert FlowRunner(database).deliver(uninstall, event) == []
    assert learning.night(1) == []
    assert len(learning.store.versions()) == 2


def test_of_rewards_that_it_does_not_know_the_default_is_left(
    learning: Learning, database: Database
) -> None:
    learning.sql(_AGED, _FEED)
    assert learning.night(1)
    assert learning.in_force == 2
    FlowRunner(database).deliver(uninstall, GONE["repository"]())
    learning.night(2)
    [left] = learning.store.versions().values()
    assert (left.kind, left.chances.arms) == ("fixed", ARMS[:1])


def test_each_decision_is_a_line_of_the_common_audit(learning: Learning) -> None:
    learning.trials.roll_back(1)
    query = (
        "select actor, action, counts from memory_audit where action like 'policy %%' order by at"
    )
    [rows] = learning.database.run(TENANT, [Statement(query, {})])
    assert [tuple(row.values()) for row in rows] == [
        ("ada", f"policy rolled back: {FLOW}/{CHOICE}", {"before": 2, "after": 1})
    ]


def test_an_event_of_a_tenant_without_policies_does_nothing(operator: Database) -> None:
    event = an_event(id="learning:x", type="learning.policies", tenant="github:none")
    assert FlowRunner(operator).deliver(upkeep, event) == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_each_transaction_withdraws_all_the_same(
    learning: Learning, database: Database, operator: Database, after: bool
) -> None:
    learning.sql(_AGED)
    died = 0
    for boundary in range(1, 2 * _BOUNDARIES + 1):
        dying = Dying(operator if boundary > _BOUNDARIES else database)
        background = FlowRunner(dying, explore_share="0.2")
        away = GONE["repository"]()._replace(id=f"github:gone {boundary}")
        update = an_event(id=f"learning:{boundary}", type="learning.policies", tenant=TENANT)
        update = update._replace(received_at=time.time())
        if boundary > _BOUNDARIES:
            FlowRunner(database).run(uninstall, away)
        flow, event = (upkeep, update) if boundary > _BOUNDARIES else (uninstall, away)
        dying.left, dying.after = (boundary - 1) % _BOUNDARIES + 1, after
        try:
            background.run(flow, event)
        except KeyboardInterrupt:
            died += 1
        dying.left = 0
        background.run(flow, event)
        FlowRunner(operator, explore_share="0.2").run(upkeep, update._replace(id=f"l{boundary}"))
        assert len(learning.store.versions()) == 1
        assert "acme/shop" not in str(learning.store.versions())
        query = "select 1 from policies where withdrawn_at is not null"
        assert learning.database.run(TENANT, [Statement(query, {})]) == [[]]
    assert died >= _BOUNDARIES
