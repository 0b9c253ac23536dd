"""Typed answers: schemas, strict reading with exact errors, one repair."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import AnswerInvalid, ModelUnavailable
from shared.models import ChatMessage, Finish, ModelReply, ModelRequest, Usage
from shared.models.answers import typed
from shared.models.answers.typed import Between, at_most, choosing
from shared.models.providers.json_output import is_strict
from tests.campaigns import examples


class Color(StrEnum):
    RED = "red"
    GREEN = "green"


class Level(Enum):
    LOW = 1
    HIGH = 2


@dataclass(frozen=True)
class Author:
    name: str
    age: Annotated[int, Between(0, 150)] | None = None


@dataclass(frozen=True)
class Verdict:
    labels: Annotated[tuple[str, ...], at_most(3)]
    sure: Annotated[float, Between(0, 1), "how sure you are"]
    kind: Literal["bug", "question"]
    duplicate_of: str | None
    color: Color = Color.RED
    authors: list[Author] = field(default_factory=list)


class Row(TypedDict):
    level: Level
    tags: frozenset[str]
    note: NotRequired[str]


class Point(NamedTuple):
    x: int
    y: int = 0


GOOD = {
    "labels": ["a", "b"],
    "sure": 0.5,
    "kind": "bug",
    "duplicate_of": None,
    "color": "green",
    "authors": [{"name": "Ann", "age": 30}],
}
VERDICT = Verdict(("a", "b"), 0.5, "bug", None, Color.GREEN, [Author("Ann", 30)])


def test_a_dataclass_becomes_a_schema_that_strict_servers_take() -> None:
    schema = typed.schema_of(Verdict)
    assert is_strict(schema)
    assert schema["required"] == list(GOOD)
    assert schema["properties"]["labels"] == {
        "type": "array",
        "items": {"type": "string"},
        "maxItems": 3,
    }
    assert schema["properties"]["sure"]["description"] == "how sure you are"
    assert schema["properties"]["sure"]["maximum"] == 1
    assert schema["properties"]["kind"] == {"type": "string", "enum": ["bug", "question"]}


@pytest.mark.parametrize(
    "wrapped",
    [
        "{}",
        "```json\n{}\n```",
        "Here is [my] answer:\n\n```\n{}\n```\nAnything else {{?}}",
        "I thought about it. {} That is all.",
        "<think>a { b</think>{}",
    ],
)
def test_json_is_found_in_what_models_write_around_it(wrapped: str) -> None:
    text = wrapped.replace("{}", json.dumps(GOOD)).replace("{{?}}", "{?}")
    assert typed.parse(Verdict, text) == VERDICT


def test_other_keys_are_ignored_and_absent_ones_take_their_default() -> None:
    known = {key: GOOD[key] for key in ("labels", "sure", "kind")} | {"mood": "good"}
    assert typed.parse(Verdict, json.dumps(known)) == Verdict(("a", "b"), 0.5, "bug", None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": "bug"}, "labels is not a list"),
        ({"labels": ["a", 1]}, "labels[1] is not text"),
        ({"labels": list("abcd")}, "labels has 4 items, more than 3"),
        ({"sure": 12501}, "sure is 12501, more than 1"),
        ({"sure": -0.1}, "sure is -0.1, less than 0"),
        ({"sure": "0.5"}, "sure is not a number"),
        ({"sure": True}, "sure is not a number"),
        ({"kind": "Bug"}, "kind is not one of: bug, question"),
        ({"kind": None}, "kind is not one of: bug, question"),
        ({"color": 1}, "color is not one of: red, green"),
        ({"duplicate_of": 3}, "duplicate_of is not text"),
        ({"authors": [{}]}, "authors[0].name is missing"),
        ({"authors": [{"name": "A", "age": 1.5}]}, "authors[0].age is 1.5, not a whole number"),
        ({"authors": ["A"]}, "authors[0] is not an object"),
    ],
)
def test_what_does_not_fit_is_named_exactly(change: dict[str, Any], message: str) -> None:
    with pytest.raises(AnswerInvalid) as caught:
        typed.parse(Verdict, json.dumps(GOOD | change))
    assert str(caught.value) == message


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5000])
def test_no_number_that_is_not_finite_gets_through(number: str) -> None:
    with pytest.raises(AnswerInvalid):
        typed.parse(Author, f'{{"name": "A", "age": {number}}}')
    with pytest.raises(AnswerInvalid):
        typed.parse(float, number)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "the answer is empty"), (" \n", "the answer is empty"), ("no", "the answer is not JSON")],
)
def test_no_json_is_said_so(text: str, message: str) -> None:
    with pytest.raises(AnswerInvalid, match=f"^{message}$"):
        typed.parse(Verdict, text)


def test_the_error_is_about_the_longest_json_in_the_answer() -> None:
    text = f"I looked at [1]. {json.dumps(GOOD | {'kind': 'x'})}"
    with pytest.raises(AnswerInvalid, match="kind is not one of"):
        typed.parse(Verdict, text)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (bool, "true", True),
        (bool, '{"value": false}', False),
        (int, "3", 3),
        (int, "3.0", 3),
        (Literal["bug", "question"], "bug", "bug"),
        (Literal["bug", "question"], '"question"', "question"),
        (Literal["bug", "question"], '{"value": "bug"}', "bug"),
        (Level, "2", Level.HIGH),
        (set[str], '["a", "a"]', {"a"}),
        (list[Color], '{"value": ["red"]}', [Color.RED]),
        (Row, '{"level": 1, "tags": ["a"], "note": null}', {"level": Level.LOW, "tags": {"a"}}),
        (Point, '{"x": 1}', Point(1)),
        (str, ' "quoted" text ', '"quoted" text'),
    ],
)
def test_types_of_all_kinds_are_read(kind: Any, text: str, value: object) -> None:
    assert typed.parse(kind, text) == value


@pytest.mark.parametrize(
    "kind", [dict[str, int], object, int | str, tuple[int, str], Literal[b"x"]]
)
def test_a_type_that_no_model_can_be_asked_for_is_said_so(kind: Any) -> None:
    with pytest.raises(TypeError, match="no model can"):
        typed.schema_of(kind)


@dataclass
class Tree:
    children: "list[Tree]"


def test_a_type_that_holds_itself_is_said_so() -> None:
    with pytest.raises(TypeError, match="holds itself"):
        typed.schema_of(Tree)


def test_choices_of_run_time_close_a_field() -> None:
    kind = choosing(Verdict, labels={"bug": "is\nbroken", "docs": ""}, duplicate_of=["a#1"])
    schema = typed.schema_of(kind)["properties"]
    assert schema["labels"]["items"]["enum"] == ["bug", "docs"]
    assert schema["labels"]["items"]["description"] == "bug: is broken"
    assert schema["labels"]["maxItems"] == 3
    fits = GOOD | {"labels": ["docs"], "duplicate_of": "a#1"}
    assert typed.parse(kind, json.dumps(fits)).duplicate_of == "a#1"
    for change in ({"labels": ["Bug"]}, {"duplicate_of": "a#2"}):
        with pytest.raises(AnswerInvalid, match="is not one of"):
            typed.parse(kind, json.dumps(fits | change))


def test_where_there_is_nothing_to_choose_nothing_can_be_chosen() -> None:
    kind = choosing(Verdict, labels=[], duplicate_of=[])
    assert typed.parse(kind, json.dumps(GOOD | {"labels": []})).labels == ()
    assert typed.schema_of(kind)["properties"]["duplicate_of"] == {"type": "null"}
    with pytest.raises(AnswerInvalid):
        typed.parse(kind, json.dumps(GOOD))
    with pytest.raises(TypeError, match="nothing to choose"):
        typed.schema_of(choosing(Author, name=[]))
    with pytest.raises(TypeError, match="has no field"):
        typed.schema_of(choosing(Author, names=["a"]))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda part: (
        st.lists(part, max_size=4)
        | st.dictionaries(st.sampled_from([*GOOD, "name", "age", "value"]), part, max_size=6)
    ),
    max_leaves=6,
)


@examples(40)
@given(_JSON | st.fixed_dictionaries({key: _JSON for key in GOOD}))
def test_any_json_fits_or_is_an_invalid_answer(value: Any) -> None:
    try:
        verdict = typed.parse(Verdict, json.dumps(value))
    except AnswerInvalid as err:
        assert str(err)
        return
    assert len(verdict.labels) <= 3
    assert 0 <= verdict.sure <= 1
    assert verdict.kind in {"bug", "question"}
    assert all(author.age is None or 0 <= author.age <= 150 for author in verdict.authors)


@given(st.text(alphabet=st.sampled_from('{}[]",:0eE-.n \\"labels')) | st.text())
def test_any_text_fits_or_is_an_invalid_answer(text: str) -> None:
    kinds: tuple[Any, ...] = (Verdict, float, bool, Literal["a"])
    for kind in kinds:
        try:
            value = typed.parse(kind, text)
        except AnswerInvalid:
            continue
        assert not isinstance(value, float) or math.isfinite(value)


@given(
    st.builds(
        Verdict,
        st.lists(st.text(), max_size=3).map(tuple),
        st.floats(0, 1),
        st.sampled_from(["bug", "question"]),
        st.none() | st.text(),
        st.sampled_from(Color),
        st.lists(st.builds(Author, st.text(), st.none() | st.integers(0, 150)), max_size=3),
    ),
    st.text(alphabet=st.characters(blacklist_characters="{[")),
)
def test_what_is_valid_comes_back_as_it_was(verdict: Verdict, chatter: str) -> None:
    said = {
        "labels": list(verdict.labels),
        "sure": verdict.sure,
        "kind": verdict.kind,
        "duplicate_of": verdict.duplicate_of,
        "color": verdict.color.value,
        "authors": [{"name": a.name, "age": a.age} for a in verdict.authors],
    }
    assert typed.parse(Verdict, f"{chatter}{json.dumps(said)}{chatter}") == verdict


def test_deep_nesting_is_an_invalid_answer() -> None:
    with pytest.raises(AnswerInvalid):
        typed.parse(Verdict, "[" * 100_000)


# Asking


class Model:
    """Answers with what it is given, in order, and remembers what it was asked."""

    def __init__(self, *answers: str | tuple[str, Finish]) -> None:
        self.answers = list(answers)
        self.asked: list[ModelRequest] = []

    def __call__(self, request: ModelRequest) -> ModelReply:
        self.asked.append(request)
        answer = self.answers.pop(0)
        text, finish = answer if isinstance(answer, tuple) else (answer, "stop")
        return ModelReply(text, finish, Usage(10, 5, 1), "test", cost=0.5)


ASK = ModelRequest((ChatMessage("user", "Which?"),), max_tokens=100)


def _ask(model: Callable[[ModelRequest], ModelReply]) -> tuple[Author, ModelReply]:
    return typed.ask(model, ASK, Author)


def test_a_valid_answer_takes_one_call() -> None:
    model = Model('{"name": "Ann"}')
    value, reply = _ask(model)
    assert value == Author("Ann")
    assert reply.usage == Usage(10, 5, 1)
    assert model.asked[0].schema == typed.schema_of(Author)


def test_an_answer_that_does_not_fit_is_repaired_once() -> None:
    model = Model('{"name": 3}', '{"name": "Ann"}')
    value, reply = _ask(model)
    assert value == Author("Ann")
    assert reply.usage == Usage(20, 10, 2), "both calls were paid"
    assert reply.cost == 1.0
    said, wish = model.asked[1].messages[-2:]
    assert (said.role, said.text) == ("assistant", '{"name": 3}')
    assert "name is not text" in wish.text


def test_an_answer_that_does_not_fit_twice_is_invalid() -> None:
    with pytest.raises(AnswerInvalid, match="also when repaired: name is missing"):
        _ask(Model("{}", "{}", '{"name": "too late"}'))


def test_an_empty_answer_is_repaired_without_an_empty_turn() -> None:
    model = Model("", '{"name": "Ann"}')
    assert _ask(model)[0] == Author("Ann")
    [turn] = model.asked[1].messages
    assert turn.text.startswith("Which?\n\nThat does not fit: the answer is empty.")


def test_an_answer_that_is_cut_off_gets_twice_the_tokens_once() -> None:
    model = Model(('{"name": "An', "length"), '{"name": "Ann"}')
    assert _ask(model)[0] == Author("Ann")
    assert [request.max_tokens for request in model.asked] == [100, 200]
    assert len(model.asked[1].messages) == 1, "it is asked again, not repaired"
    with pytest.raises(AnswerInvalid, match="cut off at 200 tokens"):
        _ask(Model(("{", "length"), ("{", "length"), '{"name": "too late"}'))


def test_an_answer_that_is_cut_off_behind_its_end_is_taken() -> None:
    model = Model(('{"name": "Ann"} and then', "length"))
    assert _ask(model)[0] == Author("Ann")


def test_a_refusal_is_not_argued_with() -> None:
    model = Model(("I won't", "refused"), '{"name": "Ann"}')
    with pytest.raises(AnswerInvalid, match="declined"):
        _ask(model)
    assert len(model.asked) == 1


def test_the_fallback_is_asked_when_the_repair_does_not_help() -> None:
    model, larger = Model("{}", "{}"), Model('{"name": "Ann"}')
    value, reply = typed.ask(model, ASK, Author, larger)
    assert value == Author("Ann")
    assert reply.usage == Usage(30, 15, 3), "all three calls were paid"
    assert larger.asked == model.asked[:1], "it is asked the question, not the repair"


def test_the_fallback_of_what_was_cut_off_has_more_tokens() -> None:
    model, larger = Model(("{", "length"), ("{", "length")), Model('{"name": "Ann"}')
    assert typed.ask(model, ASK, Author, larger)[0] == Author("Ann")
    assert [request.max_tokens for request in larger.asked] == [200]


def test_the_fallback_is_asked_once_and_may_refuse() -> None:
    larger = Model("{}", '{"name": "too late"}')
    with pytest.raises(AnswerInvalid, match="the fallback gave no valid answer either: name is"):
        typed.ask(Model("", ""), ASK, Author, larger)
    assert len(larger.asked) == 1
    with pytest.raises(AnswerInvalid, match="declined"):
        typed.ask(Model(("no", "refused")), ASK, Author, Model(("no", "refused")))


def test_a_model_that_declines_leaves_it_to_the_fallback() -> None:
    model = Model(("I won't", "refused"))
    assert typed.ask(model, ASK, Author, Model('{"name": "Ann"}'))[0] == Author("Ann")


def test_an_answer_that_stays_invalid_says_what_was_paid() -> None:
    with pytest.raises(AnswerInvalid) as caught:
        typed.ask(Model("{}", "{}"), ASK, Author, Model("{}"))
    err = caught.value
    assert (err.model, err.cost) == ("test", 1.5)
    assert (err.input_tokens, err.output_tokens, err.cached_tokens) == (30, 15, 3)


def test_a_failure_behind_a_paid_call_says_what_was_paid() -> None:
    paid = Model("{}")

    def reply(request: ModelRequest) -> ModelReply:
        if paid.asked:
            raise ModelUnavailable("test: overloaded (503)")
        return paid(request)

    with pytest.raises(ModelUnavailable) as caught:
        _ask(reply)
    assert (caught.value.cost, caught.value.input_tokens) == (0.5, 10)


def test_a_cost_that_is_not_known_stays_unknown() -> None:
    def reply(request: ModelRequest) -> ModelReply:
        return ModelReply("{}", "stop", Usage(1, 1), "test", cost=None)

    with pytest.raises(AnswerInvalid) as caught:
        _ask(reply)
    assert caught.value.cost is None


def test_what_failed_before_it_was_paid_cost_nothing() -> None:
    assert (ModelUnavailable("x").cost, AnswerInvalid("x").input_tokens) == (0.0, 0)


def test_plain_text_is_asked_without_a_schema() -> None:
    model = Model("", "Hello there")
    value, _ = typed.ask(model, ASK, str)
    assert value == "Hello there"
    assert model.asked[0].schema is None
