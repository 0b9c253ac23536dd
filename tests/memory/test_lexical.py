"""The words that recall compares: stems, names and their parts, pairs of characters."""

import doctest
import pydoc_data.topics
import re
from itertools import product

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.memory.lexical import (
    BEST_IMPACT,
    QUERY_TERMS,
    TEXT_TERMS,
    key,
    postings,
    query_terms,
    terms,
)
from shared.memory.stemming import stem

ENDINGS = """
s es ies ied us ss sses ed edly ing ingly eed eedly y ly li tional enci anci abli entli izer
ization ational ation ator alism aliti alli fulness ousli ousness iveness iviti biliti bli ogi fulli
lessli alize icate iciti ical ful ness ative al ance ence er ic able ible ant ement ment ent ism
ate iti ous ive ize ion sion tion e l ll bbed tting
"""
ANY = st.text(st.characters(codec=None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fixes in shared/flow.py", "fix shared/flow.py flow.py share flow py"),
        ("ERR_CONN_RESET", "err_conn_reset err conn reset"),
        ("#123", "#123 123"),
        ("acme/shop#7", "acme/shop#7 shop#7 #7 acm shop 7"),
        ("camelCase HTTPServer", "camelcas camel case httpserver http server"),
        ("v1.2.3", "v1.2.3 1.2.3 v1 2 3"),
        ("It's what we don't want", "want"),
        ("Café CAFÉ Ｃａｆｅ", "cafe"),
        ("登录失败", "登录 录失 失败 登 录 失 败"),
        ("ログイン エラー", "ログ グイ イン ロ グ イ ン エラ ラー エ ラ ー"),
        ("로그인 실패", "로그 그인 로 그 인 실패 실 패"),
        ("login登录", "登录 登 录 login"),
        ("", ""),
        ("\0 \ud83d 🚀 ... --- ///", ""),
    ],
)
def test_a_text_has_these_terms(text: str, expected: str) -> None:
    assert list(terms(text)) == expected.split()


def test_the_example_in_the_description_is_true() -> None:
    [example] = doctest.DocTestFinder(recurse=False).find(terms, globs={"terms": terms})
    assert doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("flow.py", "The lease ends in shared/flow.py"),
        ("shop#7", "see acme/shop#7"),
        ("#7", "see acme/shop#7"),
        ("1.2.3", "since v1.2.3"),
        ("conn reset", "ERR_CONN_RESET"),
        ("failed", "The build was failing"),
        ("httpserver", "HTTPServer"),
        ("录", "登录失败"),
        ("noneType", "'NoneType' object is not subscriptable"),
    ],
)
def test_a_question_meets_the_text(question: str, text: str) -> None:
    assert set(query_terms(question)) & set(terms(text))


def test_a_question_of_several_characters_asks_for_their_pairs_alone() -> None:
    assert list(query_terms("登录")) == ["登录"]
    assert list(query_terms("登")) == ["登"]


def test_a_question_keeps_the_words_that_people_know() -> None:
    asked = query_terms("Why do logins fail with ERR_CONN_RESET?")
    assert asked["err_conn_reset"] == "ERR_CONN_RESET"
    assert asked["login"] == "logins"


@given(ANY)
def test_any_text_has_terms_that_can_be_stored(text: str) -> None:
    found = terms(text)
    assert all(term and "\0" not in term and term == term.strip() for term in found)
    assert all(count > 0 for count in found.values())
    for posting in postings(text):
        assert -(2**63) <= posting.key < 2**63
        assert 0 <= posting.impact <= BEST_IMPACT < 2**15


@given(ANY)
def test_a_text_is_found_by_every_word_of_itself(text: str) -> None:
    assert set(query_terms(text)) <= set(terms(text))


@given(ANY, ANY)
def test_terms_do_not_depend_on_what_stands_behind_a_new_line(text: str, other: str) -> None:
    assert set(terms(text)) <= set(terms(f"{text}\n{other}"))


@pytest.mark.parametrize("unit", ["x", "word ", "登", "登a", "a/b#c.", "#", "'s", "é", "ﷺ", "\0"])
def test_a_megabyte_has_a_bounded_number_of_terms(unit: str) -> None:
    text = unit * (1_000_000 // len(unit)) + "".join(map(chr, range(0x4E00, 0x9000)))
    assert len(terms(text)) <= TEXT_TERMS
    assert len(query_terms(text)) <= QUERY_TERMS


def test_a_list_of_a_thousand_names_keeps_the_first() -> None:
    found = terms(" ".join(f"name{number}" for number in range(5_000)))
    assert list(found)[:2] == ["name0", "name1"]
    assert len(found) == TEXT_TERMS


def test_a_word_weighs_more_when_repeated_and_less_in_a_long_text() -> None:
    def impact(text: str) -> int:
        return next(posting.impact for posting in postings(text) if posting.key == key("login"))

    long = "login " + " ".join(f"name{number}" for number in range(200))
    assert impact("login login page") > impact("login page") > impact(long) > 0


def test_stems_are_those_of_postgres(postgres_url: str) -> None:
    """Over all words of Python's own documentation, and many of them with every ending."""
    text = " ".join(pydoc_data.topics.topics.values()).lower()
    found = sorted(set(re.findall("[a-z]+", text)))
    words = found + [f"{root}{ending}" for root, ending in product(found[::10], ENDINGS.split())]
    assert len(words) > 10_000
    with psycopg.connect(postgres_url) as connection:
        rows = connection.execute(
            "select word, ts_lexize('english_stem', word) from unnest(%s::text[]) as word", [words]
        ).fetchall()
    stems = {word: known[0] for word, known in rows if known}
    assert {word: stem(word) for word in stems} == stems


@pytest.mark.parametrize("word", ["", "a", "is", "café", "登录", "r2d2", "__"])
def test_what_is_no_english_word_is_its_own_stem(word: str) -> None:
    assert stem(word) == word
