"""What consolidation did is undone exactly and once; what was forgotten stays forgotten."""

from collections.abc import Iterator

import pytest

from shared.memory.upkeep.consolidation import Undone
from tests.memory.upkeep.consolidated import TENANT, Memories

OLD = "The checkout failed on Friday because the cache was full"
AGAIN = "the checkout FAILED on Friday, because the cache was full."


@pytest.fixture
def memories(database_url: str) -> Iterator[Memories]:
    memories = Memories(database_url)
    yield memories
    memories.database.close()


def merged(memories: Memories) -> None:
    memories.keep(OLD, "a", days=3, author="ada")
    memories.keep(AGAIN, "b", days=2, author="bob")


def superseded(memories: Memories) -> None:
    memories.keep("Deploys happen on Friday", "deploy day", days=9, kind="fact")
    memories.keep("Deploys happen on Tuesday", "Deploy-Day", days=2, kind="fact")


def lowered(memories: Memories) -> None:
    memories.keep("An old favourite", days=300, uses=5, kind="fact")


def dropped(memories: Memories) -> None:
    for text in ("An episode of last year", "A different story of long ago"):
        memories.keep(text, days=200)


@pytest.mark.parametrize("prepare", [merged, superseded, lowered, dropped])
def test_undo_restores_exactly_what_was(memories: Memories, prepare: object) -> None:
    assert callable(prepare)
    prepare(memories)
    before = memories.state()
    assert memories.run()
    assert memories.state() != before
    undone = memories.undo()
    assert undone.restored == undone.wanted > 0
    assert memories.state() == before


def test_undo_twice_does_it_once(memories: Memories) -> None:
    lowered(memories)
    memories.run()
    assert memories.undo() == Undone("lower", 1, 1)
    before = memories.state()
    assert memories.undo() is None
    assert memories.state() == before
    [audit] = memories.rows("select action, counts from memory_audit")
    assert (audit["action"], audit["counts"]["memories"]) == ("undo", 1)


def test_another_tenants_change_cannot_be_undone(memories: Memories) -> None:
    lowered(memories)
    memories.run()
    assert memories.undo("slack:T1") is None


def test_uses_since_then_are_kept_by_an_undo(memories: Memories) -> None:
    lowered(memories)
    memories.run()
    memories.rows("update memories set uses = uses + 3")
    memories.undo()
    assert memories.state()[0]["uses"] == 8


def test_what_is_undone_can_be_recalled_again(memories: Memories) -> None:
    dropped(memories)
    memories.run()
    recalled = memories.store.recall
    assert recalled(TENANT, "episode of last year", audiences=frozenset({"public"})) == []
    memories.undo()
    [first, *_] = recalled(TENANT, "episode of last year", audiences=frozenset({"public"}))
    assert first.text == "An episode of last year"


# Forgotten stays forgotten


def forget(memories: Memories, where: str) -> None:
    memories.rows(f"delete from memories where {where}")


def test_what_was_merged_into_a_memory_is_forgotten_with_it(memories: Memories) -> None:
    merged(memories)
    memories.run()
    forget(memories, "ref = 'a'")
    assert memories.state() == []
    assert memories.undo() == Undone("merge", 0, 1)
    assert memories.state() == []


def test_the_history_of_a_fact_is_forgotten_with_it(memories: Memories) -> None:
    superseded(memories)
    memories.run()
    forget(memories, "starts_with(text, 'Deploys happen on Tue')")
    assert memories.undo() == Undone("supersede", 0, 1)
    assert memories.state() == []


def test_a_merge_is_undone_whole_or_not_at_all(memories: Memories) -> None:
    merged(memories)
    memories.keep(f"{OLD}!", "c", days=1, author="cleo")
    memories.run()
    forget(memories, "author = 'bob'")
    assert memories.undo() == Undone("merge", 0, 2)
    assert memories.texts() == [OLD]


def test_of_what_was_dropped_only_the_forgotten_stays_away(memories: Memories) -> None:
    dropped(memories)
    memories.run()
    forget(memories, "starts_with(text, 'An episode')")
    assert memories.undo() == Undone("drop", 1, 2)
    assert memories.texts() == ["A different story of long ago"]


@pytest.mark.parametrize("by", ["digest", "ref", "author", "source"])
def test_what_is_blocked_is_not_brought_back(memories: Memories, by: str) -> None:
    memories.keep("An episode of last year", "x", days=200, author="ada")
    memories.run()
    memories.rows(
        f"insert into memory_blocks (tenant, by, value) select tenant, '{by}', {by} from memories"
    )
    assert memories.undo() == Undone("drop", 0, 1)
    assert memories.texts() == []


def test_what_was_remembered_anew_is_not_overwritten(memories: Memories) -> None:
    memories.keep("An episode of last year", "x", days=200)
    memories.run()
    memories.keep("The same subject, told anew", "x")
    assert memories.undo() == Undone("drop", 0, 1)
    assert memories.texts() == ["The same subject, told anew"]


def test_the_journal_of_changes_holds_no_text(memories: Memories) -> None:
    for prepare in (merged, superseded, lowered, dropped):
        prepare(memories)
    memories.run()
    journal = str(memories.changes())
    assert not any(row["text"] in journal for row in memories.state())
