"""It says that it is an AI, and it rates nobody; what only sounds like it goes to the model."""

from collections.abc import Iterator

import pytest

from flows.chat import chat
from shared.hearing.own_nature import is_all, own_words
from tests.actions.slack.chat_runner import ChatRunner
from tests.hearing.spoken import edits, says, states
from tests.hearing.test_in_a_row import bot_says, in_a_row
from tests.models.scripted_server import Says


@pytest.fixture
def runner(database_url: str) -> Iterator[ChatRunner]:
    with ChatRunner.up(database_url) as runner:
        yield runner


@pytest.mark.parametrize(
    "said",
    [
        "Are you an AI?",
        "are you a bot",
        "Hey, are you actually human?",
        "Are you a real person or a bot?",
        "Am I talking to a human?",
        "am I chatting with a real person",
        "Is this a bot?",
        "What are you?",
        "Bist du ein Mensch?",
        "Sind Sie eine KI?",
        "Es-tu un robot ?",
        "¿Eres una persona?",
        "你是机器人吗",
        "你是不是真人?",
    ],
)
def test_it_says_that_it_is_an_ai(said: str) -> None:
    (word,) = own_words(said)
    assert "I am an AI" in word
    assert is_all(said, [word])


@pytest.mark.parametrize(
    "said",
    [
        "Rate <@U0BOB>",
        "please rank our engineers",
        "rate Bob's work",
        "Can you evaluate Maria’s contributions?",
        "grade James' coding skills",
        "assess their performance please",
        "Evaluate the performance of <@U0BOB>",
        "compare <@U0BOB> and <@U0ALICE>",
        "Who is the best developer?",
        "who's the laziest person here",
        "How good is <@U0BOB> at Python?",
        "Is <@U0BOB> lazy?",
        "Is <@U0BOB> a good engineer?",
        "Bewerte die Mitarbeiter",
        "Wer ist der schlechteste Entwickler?",
        "Évalue <@U0BOB>",
    ],
)
def test_it_rates_nobody(said: str) -> None:
    (word,) = own_words(said)
    assert "I do not rate or compare people" in word
    assert is_all(said, [word])


@pytest.mark.parametrize(
    "said",
    [
        "What is our rate limit?",
        "Rank the open issues by age",
        "evaluate the API's performance",
        "Compare Postgres's performance with MySQL's",
        "rate Bob's pull request",
        "assess the team's work items",
        "Who is the best person to ask about deploys?",
        "who is the most recent reviewer of #12",
        "Evaluate the two libraries",
        "Compare v1 and v2 of the people API",
        "Are you able to open an issue?",
        "Are you in #general?",
        "Is Redis a good choice?",
        "are you a bot account that can deploy",
        "What are you working on?",
        "How do we test the bot?",
        "Assess the risk of this change",
        "grade the people search results",
    ],
)
def test_what_only_sounds_like_it_is_the_models(said: str) -> None:
    assert list(own_words(said)) == []


def test_a_question_beside_it_is_answered_too() -> None:
    said = (
        "Are you a bot? And by the way, on which days do we deploy the shop, and who has the key?"
    )
    words = own_words(said)
    assert words and not is_all(said, words)


@pytest.mark.parametrize("place", ["thread", "direct message"])
@pytest.mark.parametrize("row", [("Are you a bot?", "Are you human?"), ("Rate <@U0BOB>", "Hello?")])
def test_its_own_words_answer_a_row_once(
    runner: ChatRunner, place: str, row: tuple[str, str]
) -> None:
    """It is an answer like a model's: the later messages get no second one, the thread goes on."""
    events = in_a_row(runner, place, *row)
    channel = events[0].message.channel
    for event in [*events, *events]:
        assert runner.deliver(event, chat)
    assert len(bot_says(runner, channel)) == 1 and not runner.model.seen
    assert [state for state, _ in states(runner)] == ["done", "superseded"]
    turns = runner.recorded("select role from turns order by seq")
    assert turns == [("user",), ("user",), ("assistant",)]
    runner.model.says(Says("[talk] You are welcome."))
    assert runner.deliver(says(runner, "Thanks!", channel, thread=events[0].message.ts), chat)
    assert bot_says(runner, channel)[1:] == ["You are welcome."]


def test_an_edit_into_such_a_question_replaces_the_answer(runner: ChatRunner) -> None:
    runner.model.says(Says("[talk] Hello Alice!"))
    [event] = in_a_row(runner, "thread", "Hello there.")
    assert runner.deliver(event, chat)
    assert runner.deliver(edits(runner, event, "Are you a bot?"), chat)
    [answer] = bot_says(runner, event.message.channel)
    assert "I am an AI" in answer
    [(told,)] = runner.recorded("select text from turns where role = 'assistant'")
    assert told == answer
