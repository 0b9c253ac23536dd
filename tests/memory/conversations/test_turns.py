"""The turns of a conversation: their order, their bound, and that a retry adds none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.database import Database, Row, Statement
from shared.memory.conversations.turns import (
    Conversations,
    Speaker,
    Turn,
    Window,
    fit,
    unsummarised,
)
from shared.memory.stored_text import STORED_CHARACTERS
from shared.models.tokens import CUT, tokens


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database)


def say(
    database: Database,
    role: Speaker,
    text: str,
    event: str,
    *,
    tenant: str = "acme",
    conversation: str = "C1/1",
) -> None:
    append = Conversations(database).append
    database.run(tenant, [append(tenant, conversation, Turn(role, "ann", text), event)])


def shown(conversations: Conversations, conversation: str = "C1/1") -> list[Turn]:
    """What is shown of a conversation that fits as a whole."""
    window = conversations.window("acme", conversation, budget=1_000_000)
    assert (window.summary, window.older) == ("", ())
    return list(window.newest)


def test_turns_come_back_in_the_order_they_were_said(
    database: Database, conversations: Conversations
) -> None:
    assert shown(conversations) == []
    append = conversations.append
    database.run(
        "acme",
        [
            append("acme", "C1/1", Turn("user", "ann", "Hello"), "e1"),
            append("acme", "C1/1", Turn("assistant", "chat", "Hello, Ann"), "e1"),
        ],
    )
    say(database, "user", "Bye", "e2")
    assert shown(conversations) == [
        Turn("user", "ann", "Hello"),
        Turn("assistant", "chat", "Hello, Ann"),
        Turn("user", "ann", "Bye"),
    ]


def test_a_retry_replaces_its_turn_and_keeps_its_place(
    database: Database, conversations: Conversations
) -> None:
    say(database, "user", "first", "e1")
    say(database, "assistant", "half an ans", "e1")
    say(database, "user", "second", "e2")
    say(database, "user", "first", "e1")
    say(database, "assistant", "half an answer", "e1")
    texts = [turn.text for turn in shown(conversations)]
    assert texts == ["first", "half an answer", "second"]


def test_conversations_and_tenants_do_not_mix(
    database: Database, conversations: Conversations
) -> None:
    say(database, "user", "mine", "e1")
    say(database, "user", "another thread", "e1", conversation="C1/2")
    say(database, "user", "another tenant", "e1", tenant="rival")
    assert [turn.text for turn in shown(conversations)] == ["mine"]


def test_awkward_and_huge_texts_are_kept(database: Database, conversations: Conversations) -> None:
    for number, text in enumerate(["", "nul \0 and \ud83d", "登录 🚀"]):
        say(database, "user", text, f"e{number}")
    assert [turn.text for turn in shown(conversations)] == ["", "nul  and ?", "登录 🚀"]


def test_of_a_megabyte_the_beginning_and_the_end_are_kept(
    database: Database, conversations: Conversations
) -> None:
    say(database, "user", f"It begins. {'x' * 1_000_000} What is wrong?", "e1")
    [turn] = shown(conversations)
    assert len(turn.text) <= STORED_CHARACTERS
    assert turn.text.startswith("It begins.")
    assert turn.text.endswith("What is wrong?")
    assert CUT in turn.text


# The window


def turns(*texts: str) -> list[tuple[int, Turn]]:
    return [(number, Turn("user", "ann", text)) for number, text in enumerate(texts, 1)]


def texts(said: tuple[Turn, ...]) -> list[str]:
    return [turn.text for turn in said]


def test_what_fits_the_budget_is_shown_whole() -> None:
    assert fit(turns("one", "two"), 10) == Window(
        "", (), (Turn("user", "ann", "one"), Turn("user", "ann", "two"))
    )


def test_above_the_budget_all_but_the_newest_half_is_to_be_summarised() -> None:
    window = fit(turns(*[f"word word {n}" for n in range(10)]), 20)
    assert texts(window.newest) == ["word word 7", "word word 8", "word word 9"]
    assert texts(window.older) == [f"word word {n}" for n in range(7)]
    assert (window.first, window.up_to) == (1, 7)


def test_a_summary_counts_and_what_comes_after_it_is_added_to_it() -> None:
    window = fit(
        [(8, Turn("user", "ann", "word " * 4)), (9, Turn("user", "ann", "new"))],
        8,
        "It was said that " * 2,
        7,
    )
    assert (window.previous, window.first, window.up_to) == (7, 8, 8)
    assert window.summary.startswith("It was said")


@pytest.mark.parametrize("text", ["word " * 5_000, "登录" * 5_000, "🚀" * 5_000, "x" * 20_000])
def test_a_huge_turn_is_cut_in_its_middle(text: str) -> None:
    window = fit(turns(f"Begin {text} end"), 400)
    [shown] = texts(window.newest)
    assert tokens(shown) <= 100
    assert shown.startswith("Begin")
    assert shown.endswith("end")
    assert CUT in shown


def test_without_a_summary_the_newest_turns_are_shown() -> None:
    window = fit(turns(*[f"word word {n}" for n in range(10)]), 20)
    assert texts(unsummarised(window, 20)) == [f"word word {n}" for n in range(4, 10)]


def test_the_marks_of_many_short_turns_count_too() -> None:
    window = fit(turns(*["ok"] * 400), 6_000)
    assert sum(tokens(turn.block) for turn in window.newest) <= 6_000
    assert window.older


@given(
    st.lists(st.text(max_size=60), max_size=30),
    st.integers(1, 200),
    st.text(max_size=40),
)
def test_no_turn_is_lost_or_shown_twice_in_a_window(
    said: list[str], budget: int, summary: str
) -> None:
    """Unless there are more older turns than one summary can be made of: then the oldest are."""
    window = fit(turns(*said), budget, summary)
    kept = [*window.older, *window.newest]
    assert len(kept) <= len(said)
    assert sum(tokens(turn.text) for turn in window.newest[1:]) <= budget
    if window.older:
        assert window.up_to == len(said) - len(window.newest)
        assert window.up_to - window.first + 1 == len(window.older)
    if said:
        assert window.newest
        assert unsummarised(window, budget)


def test_a_summary_takes_the_place_of_the_one_that_it_extends(
    database: Database, conversations: Conversations
) -> None:
    for number in range(10):
        say(database, "user", f"word word {number}", f"e{number}")
    first = conversations.window("acme", "C1/1", 20)
    for _ in range(2):
        database.run("acme", [conversations.summarise("acme", "C1/1", first, "Seven.")])
    again = conversations.window("acme", "C1/1", 20)
    assert (again.summary, again.older, again.newest) == ("Seven.", (), first.newest)
    for number in range(10, 15):
        say(database, "user", f"word word {number}", f"e{number}")
    second = conversations.window("acme", "C1/1", 20)
    assert texts(second.older)[0] == "word word 7"
    database.run("acme", [conversations.summarise("acme", "C1/1", second, "Twelve.")])
    assert rows(database, "select text from conversation_summaries") == [{"text": "Twelve."}]
    # The late word of somebody who summarised the same turns changes nothing.
    database.run("acme", [conversations.summarise("acme", "C1/1", first, "Late.")])
    assert conversations.window("acme", "C1/1", 20).summary == "Twelve."


def test_a_deleted_turn_takes_the_summary_along_and_none_brings_it_back(
    database: Database, conversations: Conversations
) -> None:
    for number in range(10):
        say(database, "user", f"word word {number}", f"e{number}")
        say(database, "user", f"word word {number}", f"e{number}", conversation="C1/2")
    window = conversations.window("acme", "C1/1", 20)
    other = conversations.window("acme", "C1/2", 20)
    database.run("acme", [conversations.summarise("acme", "C1/1", window, "Secret.")])
    database.run("acme", [conversations.summarise("acme", "C1/2", other, "Kept.")])
    rows(database, "delete from turns where conversation = 'C1/1' and text = 'word word 2'")
    assert rows(database, "select text from conversation_summaries") == [{"text": "Kept."}]
    database.run("acme", [conversations.summarise("acme", "C1/1", window, "Secret.")])
    assert conversations.window("acme", "C1/1", 20).summary == ""


def test_ten_thousand_turns_are_not_read_at_once(
    database: Database, conversations: Conversations
) -> None:
    fill = (
        "insert into turns (tenant, conversation, role, author, text, event_id)"
        " select 'acme', 'C1/1', 'user', 'ann', 'turn ' || n, 'e' || n"
        " from generate_series(1, 10000) as n"
    )
    rows(database, fill)
    window = conversations.window("acme", "C1/1", 100)
    assert window.newest[-1].text == "turn 10000"
    assert len(window.older) < 400
    database.run("acme", [conversations.summarise("acme", "C1/1", window, "Many.")])
    after = conversations.window("acme", "C1/1", 100)
    assert (after.summary, after.older, after.newest) == ("Many.", (), window.newest)


def rows(database: Database, sql: str) -> list[Row]:
    [found] = database.run("acme", [Statement(sql, {})])
    return found
