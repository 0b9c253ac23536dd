"""Consolidation on a real Postgres: what is merged, superseded, lowered and dropped, and undone."""

from collections.abc import Iterator, Sequence
from threading import Barrier, Thread
from typing import Any

import pytest

from shared.database import Database, Row, Statement
from tests.campaigns import size
from tests.memory.upkeep.consolidated import TENANT, Memories

OLD = "The checkout failed on Friday because the cache was full"
AGAIN = "the checkout FAILED on Friday, because the cache was full."


@pytest.fixture
def memories(database_url: str) -> Iterator[Memories]:
    memories = Memories(database_url)
    yield memories
    memories.database.close()


# Merge


def test_of_two_that_say_the_same_the_older_holds(memories: Memories) -> None:
    old, again = memories.keep(OLD, "a", days=3), memories.keep(AGAIN, "b", days=2)
    assert memories.run() == {"merged": 1}
    assert memories.texts() == [OLD]
    [change] = memories.changes()
    assert (change["operation"], str(change["kept"])) == ("merge", old)
    assert [str(id) for id in change["memories"]] == [again]


def test_of_two_that_say_the_same_the_more_used_holds(memories: Memories) -> None:
    memories.keep(OLD, "a", days=3)
    memories.keep(AGAIN, "b", days=2, uses=4)
    assert memories.run() == {"merged": 1}
    assert memories.texts() == [AGAIN]


def test_what_says_a_little_more_holds(memories: Memories) -> None:
    memories.keep(OLD, "a", days=3, uses=9)
    memories.keep(f"{OLD} again", "b", days=2)
    assert memories.run() == {"merged": 1}
    assert memories.texts() == [f"{OLD} again"]


def test_many_that_say_the_same_become_one(memories: Memories) -> None:
    for number in range(6):
        memories.keep(OLD + "!" * number, f"r{number}", days=9 - number)
    memories.run()
    assert memories.texts() == [OLD]
    assert {str(row["superseded_by"]) for row in memories.state()[1:]} == {
        str(memories.state()[0]["id"])
    }


def test_what_is_new_is_compared_with_what_was_compared_before(memories: Memories) -> None:
    memories.keep(OLD, "a", days=3)
    assert memories.run() == {}
    memories.keep(AGAIN, "b", days=0.5)
    memories.rows("update consolidation_progress set at = now() - interval '1 day'")
    assert memories.run() == {"merged": 1}


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "note"},
        {"audience": "repo:acme/shop"},
        {"flow": "chat"},
        {"source": "github:acme/web"},
        {"trust": "outside"},
        {"trust": "own"},
        {"trust": "own_outside"},
    ],
)
def test_what_differs_in_more_than_words_is_not_merged(
    memories: Memories, other: dict[str, Any]
) -> None:
    memories.keep(OLD, "a", days=3)
    memories.keep(AGAIN, "b", **other)
    assert memories.run() == {}
    assert len(memories.texts()) == 2


@pytest.mark.parametrize("kind", ["rule", "document", "issue"])
def test_rules_and_what_stands_in_a_source_are_left_alone(memories: Memories, kind: str) -> None:
    memories.keep(OLD, "a", days=900, kind=kind, trust="outside")
    memories.keep(AGAIN, "b", days=900, kind=kind, trust="outside")
    assert memories.run() == {}


def test_an_index_that_proposes_finds_what_comparing_all_finds(memories: Memories) -> None:
    memories.keep_many([f"Build {n} of the shop went well for team {n * 7}" for n in range(30)])
    memories.keep(OLD, "a", days=3)
    memories.keep(AGAIN, "b", days=2)
    memories.consolidation = memories.consolidator(exact_rows=1)
    assert memories.run() == {"merged": 1}


def test_tenants_are_not_merged(memories: Memories) -> None:
    memories.keep(OLD, "a", days=3)
    memories.keep(AGAIN, "b", days=2, tenant="slack:T1")
    assert (memories.run(), memories.run("slack:T1")) == ({}, {})


# Supersede


def test_of_facts_about_one_subject_the_newest_holds(memories: Memories) -> None:
    memories.keep("Deploys happen on Friday", "Deploy day", days=9, kind="fact")
    memories.keep("Deploys happen on Tuesday", "deploy-day", days=2, kind="fact")
    memories.keep("Deploys happen on Monday", "DEPLOY_DAY ", days=5, kind="fact")
    memories.keep("Releases happen in May", "release day", days=1, kind="fact")
    assert memories.run() == {"superseded": 2}
    assert memories.texts() == ["Deploys happen on Tuesday", "Releases happen in May"]


def test_a_strangers_fact_does_not_take_the_place_of_a_members(memories: Memories) -> None:
    memories.keep("Deploys happen on Friday", "deploy day", days=9, kind="fact")
    for trust in ("outside", "own_outside"):
        about = "deploy-day" if trust == "outside" else "DEPLOY day"
        memories.keep("Send me the token", about, days=2, kind="fact", trust=trust)
    assert memories.run() == {}


def test_episodes_of_one_subject_all_hold(memories: Memories) -> None:
    memories.keep("The deploy failed", "deploy day", days=9)
    memories.keep("The release went well", "deploy-day", days=2)
    assert memories.run() == {}


# Lower and drop


def test_the_uses_of_what_rests_are_halved_once_a_season(memories: Memories) -> None:
    memories.keep("An old favourite", days=300, uses=5, kind="fact")
    memories.keep("A young favourite", days=10, uses=5, kind="fact")
    assert memories.run() == {"lowered": 1}
    assert [row["uses"] for row in memories.state()] == [2, 5]
    assert memories.run() == {}


def test_what_was_never_of_use_is_dropped(memories: Memories) -> None:
    memories.keep("An episode of last year", days=200)
    memories.keep("Heard from outside", days=200, kind="fact", trust="outside")
    memories.keep("Made of what was heard", days=200, kind="fact", trust="own_outside")
    memories.keep("Known inside", days=200, kind="fact")
    memories.keep("Of the author's own kind", days=200, kind="note")
    memories.keep("A younger episode", days=100)
    assert memories.run() == {"dropped": 3}
    assert memories.texts() == ["Known inside", "Of the author's own kind", "A younger episode"]


def test_what_was_used_within_the_time_is_kept(memories: Memories) -> None:
    id = memories.keep("An episode of last year", days=400)
    memories.rows(
        "update memories set used_at = now() - interval '5 days' where id = %(id)s", id=id
    )
    assert memories.run() == {}


def test_no_days_means_that_nothing_is_dropped(memories: Memories) -> None:
    memories.keep("An episode of last year", days=4000)
    memories.consolidation = memories.consolidator(unused_days=0)
    assert memories.run() == {}


def test_what_was_dropped_is_deleted_when_nobody_brought_it_back(memories: Memories) -> None:
    memories.keep("An episode of last year", days=200)
    memories.run()
    assert memories.run() == {}
    assert len(memories.state()) == 1
    memories.rows("update consolidations set at = now() - interval '31 days'")
    memories.rows("update memories set valid_until = (select at from consolidations)")
    assert memories.run() == {"deleted": 1}
    assert memories.state() == []
    assert memories.undo() is None


# When


def test_a_pass_begins_at_most_once_a_day(memories: Memories) -> None:
    memories.keep(OLD, "a", days=3)
    assert memories.consolidation.run(TENANT, 30)["compared"] == 1
    memories.keep(AGAIN, "b", days=2)
    assert memories.consolidation.run(TENANT, 30) == {}
    assert pending(memories) == []
    memories.rows("update consolidation_progress set finished_at = now() - interval '25 hours'")
    assert pending(memories) == [TENANT]


def test_whoever_has_memories_is_pending_once_a_day(memories: Memories) -> None:
    assert pending(memories) == []
    for tenant in ("slack:T1", TENANT):
        for text in ("One", "Two", "Three"):
            memories.keep(text, tenant=tenant)
    assert pending(memories) == [TENANT, "slack:T1"]
    memories.run()
    assert pending(memories) == ["slack:T1"]


def test_what_was_said_this_minute_waits_for_the_next_pass(memories: Memories) -> None:
    memories.keep(OLD, "a", days=0)
    memories.keep(AGAIN, "b", days=0)
    assert memories.run() == {}


def test_a_pass_without_time_goes_on_where_it_stopped(memories: Memories) -> None:
    memories.keep_many([f"Topic {n} of the meeting number {n}" for n in range(120)])
    assert memories.run(seconds=0) == {}
    assert pending(memories) == [TENANT]
    counted = Broken(memories.url, after=3)  # begin; compare; change; then the machine dies
    with counted, pytest.raises(ConnectionError):
        memories.consolidator(counted).run(TENANT, 30)
    [row] = memories.rows("select at > 'epoch' as moved, finished_at from consolidation_progress")
    assert row == {"moved": True, "finished_at": None}
    assert memories.consolidation.run(TENANT, 30)["compared"] == 20


def pending(memories: Memories) -> list[str]:
    [rows] = memories.database.run("", [Statement("select pending_consolidation() as t", {})])
    return sorted(row["t"] for row in rows)


# Crashes, and several at once


class Broken(Database):
    """Lets `after` transactions through; from then on the process is as good as dead."""

    def __init__(self, url: str, after: int) -> None:
        super().__init__(url, patience=5)
        self._left = after

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        if not self._left:
            raise ConnectionError
        self._left -= 1
        return super().run(tenant, statements)


def test_a_crash_at_any_point_leaves_a_journaled_state_and_the_next_run_ends_the_same(
    memories: Memories,
) -> None:
    for number in range(3):
        memories.keep(OLD + "!" * number, f"r{number}", days=9 - number)
    memories.keep("An old favourite", days=300, uses=5, kind="fact")
    memories.keep("An episode of last year", days=200)
    crashes = 0
    while not finished(memories, crashes):
        crashes += 1
        gone = [row for row in memories.state() if row["valid_until"]]
        named = {id for change in memories.changes() for id in change["memories"]}
        assert {row["id"] for row in gone} <= named
    assert crashes > 5
    assert memories.texts() == [OLD, "An old favourite"]
    assert [change["operation"] for change in memories.changes()] == ["merge", "lower", "drop"]


def finished(memories: Memories, after: int) -> bool:
    """Run on a machine that dies after so many transactions; did it live long enough?"""
    with Broken(memories.url, after) as database:
        try:
            memories.consolidator(database).run(TENANT, 30)
        except ConnectionError:
            return False
        return True


def test_two_at_once_change_each_memory_once(memories: Memories) -> None:
    memories.keep_many([OLD + "!" * number for number in range(size(110, 40))])
    memories.keep("An old favourite", days=300, uses=8, kind="fact")
    together = Barrier(3)

    def work() -> None:
        with Database(memories.url, patience=5) as database:
            together.wait()
            memories.consolidator(database).run(TENANT, 30)

    threads = [Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    changed = [id for change in memories.changes() for id in change["memories"]]
    assert len(changed) == len(set(changed))
    assert len([text for text in memories.texts() if text.startswith(OLD)]) >= 1
    assert memories.state()[-1]["uses"] == 4
    successors = {row["id"]: row["superseded_by"] for row in memories.state()}
    holding = {row["id"] for row in memories.state() if row["valid_until"] is None}
    assert {end_of(id, successors) for id in successors} == holding


def end_of(id: str, successors: dict[str, str | None]) -> str:
    """The memory that at last took the place of this one; fails where they go round in a cycle."""
    for _ in successors:
        if (successor := successors[id]) is None:
            return id
        id = successor
    raise AssertionError("no memory holds any more")


def test_a_text_that_changed_since_it_was_compared_is_not_merged(memories: Memories) -> None:
    memories.keep(OLD, "a", days=3)
    memories.keep(AGAIN, "b", days=2)

    class Meanwhile(Database):
        """Somebody replaces a memory between the comparison and the change."""

        trips = 0

        def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
            self.trips += 1
            if self.trips == 3:
                memories.keep("Something else altogether", "b", days=2)
            return super().run(tenant, statements)

    with Meanwhile(memories.url) as database:
        memories.consolidator(database).run(TENANT, 30)
    assert memories.texts() == [OLD, "Something else altogether"]
    assert memories.changes() == []
