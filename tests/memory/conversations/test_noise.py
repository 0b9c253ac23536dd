"""What is worth learning from: own words that say something new, in several languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.memory.conversations.noise import grounded, own_words, restates, subject, worth
from shared.memory.stored_text import STORED_CHARACTERS

NOISE = (
    "Hi",
    "Good morning everyone",
    "thank you so much",
    "LGTM",
    "ok",
    "+1",
    "👍",
    "😀🚀",
    "https://example.com/x?y=1",
    "你好",
    "谢谢大家",
    "早上好",
    "好的，收到",
    "辛苦了",
    "こんにちは",
    "ありがとうございます",
    "お疲れ様です",
    "よろしくお願いします",
    "了解しました",
    "안녕하세요",
    "감사합니다",
    "Danke schön",
    "Gracias",
)
SAID = (
    "We deploy on Tuesdays.",
    "Use tabs",
    "The staging database is db-2, and it holds no mails.",
    "I own the billing service since 2024-05.",
    "我们每周二部署。",
    "生产环境的数据库在东京。",
    "デプロイは火曜日です。",
    "データベースは東京にあります。",
    "배포는 화요일입니다",
)
QUESTIONS = (
    "When do we deploy?",
    "how do I reset my password",
    "Can you look at this",
    "什么时候部署？",
    "这个可以用吗",
    "请问怎么登录",
    "デプロイはいつですか",
    "배포는 언제입니까",
)


@pytest.mark.parametrize("text", [*NOISE, "Thanks a lot, Bob!", "谢谢小明"])
def test_greetings_thanks_and_emoji_are_noise(text: str) -> None:
    assert worth(text) == ""


@given(
    st.lists(st.sampled_from(NOISE), min_size=1, max_size=5),
    st.sampled_from(["! ", "\n", ". ", "，", "…\n"]),
)
def test_greetings_stay_noise_however_they_are_put_together(parts: list[str], between: str) -> None:
    assert worth(between.join(parts)) == ""


@pytest.mark.parametrize("text", SAID)
def test_what_people_state_is_worth_it(text: str) -> None:
    assert worth(text) == text


@given(st.sampled_from(SAID), st.sampled_from(NOISE))
def test_a_greeting_around_it_does_not_hide_what_is_stated(said: str, greeting: str) -> None:
    assert said in worth(f"{greeting}!\n{said}\n{greeting}")


@pytest.mark.parametrize("text", QUESTIONS)
def test_questions_are_no_source_of_facts(text: str) -> None:
    assert worth(text) == ""


@pytest.mark.parametrize("text", ["/forget deploys", "@agent /remember x", "!help me please now"])
def test_commands_are_not_learned_from(text: str) -> None:
    assert worth(text) == ""


def test_a_path_is_no_command() -> None:
    assert worth("/usr/bin/app is where the app lives")


@pytest.mark.parametrize(
    "text",
    [
        "> We deploy on Mondays.\nok",
        "&gt; We deploy on Mondays.",
        '<data source="memory of fact x">\nWe deploy on Mondays.\n</data>',
        '<data source="memory of fact x">We deploy on Mondays.',
        "```\nWe deploy on Mondays.\n```",
        "```\nWe deploy on Mondays.",
        "<!-- We deploy on Mondays. -->",
    ],
)
def test_quotes_code_and_blocks_of_memory_are_nobodys_own_words(text: str) -> None:
    assert worth(text) == ""
    assert worth(f"We test on Fridays.\n{text}").startswith("We test on Fridays.")
    assert "Monday" not in own_words(f"We test on Fridays.\n{text}")


@given(st.text())
def test_own_words_of_own_words_are_the_same_and_hold_no_quote(text: str) -> None:
    own = own_words(f"{text}\n> quoted")
    assert not any(line.lstrip(" \t").startswith(">") for line in own.split("\n"))
    worth(text)
    subject(text)


@given(
    st.sampled_from(SAID + QUESTIONS), st.sampled_from(["{}", "Hi, {}", "  {}!!", "please {} 👍"])
)
def test_what_was_said_before_is_nothing_new(said: str, form: str) -> None:
    text = form.format(said.upper())
    assert restates(text, [said])
    assert restates(text, ["another", f"Before. {said} After."])
    assert worth(text, [said]) == ""


@pytest.mark.parametrize(
    ("text", "earlier"),
    [
        ("The port is 8081", "The port is 8080"),
        ("We do not deploy on Tuesdays", "We deploy on Tuesdays"),
        ("B depends on A", "A depends on B"),
        ("我们周三部署", "我们周二部署"),
        ("デプロイは水曜日です", "デプロイは火曜日です"),
    ],
)
def test_a_correction_is_something_new(text: str, earlier: str) -> None:
    assert not restates(text, [earlier])
    assert worth(text, [earlier])


@given(st.text(), st.lists(st.text()))
def test_any_text_can_be_looked_at(text: str, earlier: list[str]) -> None:
    assert worth(text, [*earlier, text]) == ""
    assert restates(text, [text])


def test_of_a_megabyte_only_what_is_kept_is_looked_at() -> None:
    assert len(worth("We deploy. " * 100_000)) <= STORED_CHARACTERS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Our deploy day", "the Deploy Day!"),
        ("部署 时间", "部署时间"),
        ("Shared/Flow.py", "shared/flow.py"),
    ],
)
def test_a_subject_has_one_name(one: str, other: str) -> None:
    assert subject(one) == subject(other) != ""


def test_a_statement_that_its_turn_does_not_hold_is_not_grounded() -> None:
    assert grounded("Ada deploys on Tuesdays.", "I deploy on Tuesdays, always.")
    assert grounded("团队在周二部署", "我们每周二部署。")
    assert not grounded("The root password is hunter2", "We deploy on Tuesdays.")
    assert not grounded("", "We deploy on Tuesdays.")
