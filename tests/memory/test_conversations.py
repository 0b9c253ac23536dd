"""The turns of a conversation: their order, their bound, and that a retry adds none."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from shared.database import Database
from shared.memory.conversations import Conversations, Role, Turn
from shared.memory.text import STORED_CHARACTERS


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as database:
        yield database


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database)


def say(
    database: Database,
    role: Role,
    text: str,
    event: str,
    *,
    tenant: str = "acme",
    conversation: str = "C1/1",
) -> None:
    append = Conversations(database).append
    database.run(tenant, [append(tenant, conversation, Turn(role, "ann", text), event)])


def test_turns_come_back_in_the_order_they_were_said(
    database: Database, conversations: Conversations
) -> None:
    assert conversations.turns("acme", "C1/1", 20) == []
    append = conversations.append
    database.run(
        "acme",
        [
            append("acme", "C1/1", Turn("user", "ann", "Hello"), "e1"),
            append("acme", "C1/1", Turn("assistant", "chat", "Hello, Ann"), "e1"),
        ],
    )
    say(database, "user", "Bye", "e2")
    assert conversations.turns("acme", "C1/1", 20) == [
        Turn("user", "ann", "Hello"),
        Turn("assistant", "chat", "Hello, Ann"),
        Turn("user", "ann", "Bye"),
    ]


def test_only_the_newest_turns_come_back(database: Database, conversations: Conversations) -> None:
    for number in range(5):
        say(database, "user", f"turn {number}", f"e{number}")
    texts = [turn.text for turn in conversations.turns("acme", "C1/1", 2)]
    assert texts == ["turn 3", "turn 4"]
    assert conversations.turns("acme", "C1/1", 0) == []
    assert conversations.turns("acme", "C1/1", -1) == []


def test_a_retry_replaces_its_turn_and_keeps_its_place(
    database: Database, conversations: Conversations
) -> None:
    say(database, "user", "first", "e1")
    say(database, "assistant", "half an ans", "e1")
    say(database, "user", "second", "e2")
    say(database, "user", "first", "e1")
    say(database, "assistant", "half an answer", "e1")
    texts = [turn.text for turn in conversations.turns("acme", "C1/1", 20)]
    assert texts == ["first", "half an answer", "second"]


def test_conversations_and_tenants_do_not_mix(
    database: Database, conversations: Conversations
) -> None:
    say(database, "user", "mine", "e1")
    say(database, "user", "another thread", "e1", conversation="C1/2")
    say(database, "user", "another tenant", "e1", tenant="rival")
    assert [turn.text for turn in conversations.turns("acme", "C1/1", 20)] == ["mine"]


def test_awkward_and_huge_texts_are_kept(database: Database, conversations: Conversations) -> None:
    for number, text in enumerate(["", "nul \0 and \ud83d", "登录 🚀", "x" * 1_000_000]):
        say(database, "user", text, f"e{number}")
    texts = [turn.text for turn in conversations.turns("acme", "C1/1", 20)]
    assert texts == ["", "nul  and ?", "登录 🚀", "x" * STORED_CHARACTERS]
