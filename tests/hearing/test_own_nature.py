"""It says that it is an AI, and it rates nobody; what only sounds like it goes to the model."""

import pytest

from shared.hearing.own_nature import is_all, own_words


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
