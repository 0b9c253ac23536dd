"""Each tool call of a reply is carried out, or the model is told why not."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.agent.tools import tool
from shared.events import Json
from shared.models import ChatMessage, Finish, ModelReply, ModelRequest, ToolCall, ToolSpec, Usage
from shared.models.answers import typed
from shared.models.answers.json_schema import SchemaCheck, misfit
from shared.models.answers.tool_calls import MOST_CALLS, judged, read_calls
from shared.models.answers.typed import Between
from tests.campaigns import examples

WEATHER = ToolSpec(
    "weather",
    "Tell the weather.",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 1, "maximum": 7},
            "unit": {"enum": ["C", "F"]},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
)
ASK = ModelRequest((ChatMessage("user", "Oslo?"),), tools=(WEATHER,), max_tokens=100)


def told(*calls: ToolCall, finish: Finish = "tools", request: ModelRequest = ASK) -> list[str]:
    return [j.error for j in judged(request, ModelReply("", finish, Usage(), "test", calls))]


def weather(**arguments: object) -> ToolCall:
    return ToolCall("1", "weather", arguments)


def test_parallel_calls_that_fit_are_fine() -> None:
    assert told(weather(city="Oslo"), weather(city="Rom", days=3.0, unit="C")) == ["", ""]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (ToolCall("1", "delete", {}), "error: there is no tool delete; there are: weather"),
        (ToolCall("1", "", {}), "error: there is no tool ; there are: weather"),
        (weather(), "error: weather cannot take these arguments: city is missing"),
        (weather(city=3), "error: weather cannot take these arguments: city is not of type string"),
        (weather(city="Oslo", days=0), "days is 0, less than 1"),
        (weather(city="Oslo", days=12501), "days is 12501, more than 7"),
        (weather(city="Oslo", days=True), "days is not of type integer"),
        (weather(city="Oslo", days=1.5), "days is not of type integer"),
        (weather(city="Oslo", unit="K"), "unit is not one of: C, F"),
        (ToolCall("1", "weather", {}, malformed='{"ci'), "no JSON object; write one that fits"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_carried_out_is_told_why(call: ToolCall, error: str) -> None:
    [said] = told(call)
    assert said.startswith("error: ")
    assert error in said


def test_a_fault_of_one_call_does_not_touch_the_others() -> None:
    assert [
        bool(error) for error in told(weather(city="Oslo"), weather(), weather(city="Rom"))
    ] == [False, True, False]


def test_a_call_that_was_cut_off_is_told_the_limit() -> None:
    cut = read_calls([("a", "weather", '{"city": "Oslo"}'), ("b", "weather", "")], cut_off=True)
    assert told(*cut, finish="length") == [
        "",
        "error: the call was cut off at 100 tokens; write shorter arguments",
    ]


def test_more_calls_than_sensible_are_not_made() -> None:
    errors = told(*[weather(city="Oslo")] * (MOST_CALLS + 2))
    assert errors[:MOST_CALLS] == [""] * MOST_CALLS
    assert all("are too many" in error for error in errors[MOST_CALLS:])


def test_no_error_shows_what_the_model_wrote_beside_names() -> None:
    [error] = told(ToolCall("1", "weather", {"city": ["a secret"], "days": "a secret"}))
    assert "secret" not in error


# Schemas


@pytest.mark.parametrize(
    ("schema", "fits", "wrong"),
    [
        ({"type": "object"}, [{}, {"a": 1}], [[], None, "x", 1]),
        ({"type": ["string", "null"]}, ["", None], [1, True]),
        ({"type": "number"}, [1, 1.5], [True, "1", None]),
        ({"type": "boolean"}, [True], [1, 0, "true"]),
        ({"enum": [1, "a"]}, [1, "a"], [True, "b", None]),
        ({"const": 0}, [0], [False, 1]),
        ({"minimum": 0, "maximum": 1}, [0, 1, 0.5, "text"], [-1, 12501, float("inf")]),
        ({"items": {"type": "string"}}, [["a"], []], [[1]]),
        ({"minItems": 1, "maxItems": 2}, [["a"]], [[], ["a"] * 3]),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, ["a", 1], [1.5, None, []]),
        ({"properties": {"a": {"type": "null"}}, "required": ["a", "b"]}, [{"b": 1}], [{}]),
        ({"$ref": "#/$defs/x"}, [1, None], []),
        (True, [1], []),
    ],
)  # fmt: skip
def test_a_value_fits_its_schema_or_not(schema: Any, fits: list[Any], wrong: list[Any]) -> None:
    assert [misfit(schema, value) for value in fits] == [""] * len(fits)
    assert all(misfit(schema, value) for value in wrong)


def test_a_misfit_names_its_place() -> None:
    schema = {"properties": {"a": {"items": {"properties": {"b": {"type": "string"}}}}}}
    assert misfit(schema, {"a": [{}, {"b": 1}]}) == "a[1].b is not of type string"


def test_bounds_of_numbers_and_lists_hold() -> None:
    numbers = {"type": "array", "maxItems": 2, "items": {"type": "integer", "minimum": 1}}
    misfits = SchemaCheck(strict=True).misfits
    assert list(misfits(numbers, [1, 2], "x")) == []
    assert list(misfits(numbers, [0], "x")) == ["x[0] is 0, less than 1"]
    assert list(misfits(numbers, [1, 2, 3], "x")) == ["x has 3 items, more than 2"]


def test_a_strict_check_refuses_what_a_lenient_one_ignores() -> None:
    optional = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    closed = {"properties": {"a": optional}, "required": ["a"], "additionalProperties": False}
    assert misfit(closed, {"b": 1}) == ""
    assert list(SchemaCheck(strict=True).misfits(closed, {"b": 1}, "x")) == [
        "x.a is missing",
        "x has no b; it takes a",
    ]


def test_a_deep_value_is_judged() -> None:
    schema: Json = {"type": "array"}
    schema["items"] = schema
    value: list[Any] = []
    for _ in range(500):
        value = [value]
    assert misfit(schema, value) == ""


@dataclass
class Place:
    name: str
    kind: Literal["city", "lake"] = "city"
    depth: Annotated[float, Between(0, 1)] | None = None
    tags: list[str] = field(default_factory=list)


@tool
def visit(place: Place, days: Annotated[int, Between(1, 7)] = 1) -> str:
    """Plan a visit."""
    return f"{days} days at {place.name}"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 8) | st.floats() | st.sampled_from(["city", "a"]),
    lambda part: st.lists(part, max_size=2),
    max_leaves=3,
)
_PLACES = st.dictionaries(st.sampled_from(["name", "kind", "depth", "tags", "more"]), _VALUES)
_ARGUMENTS = st.fixed_dictionaries({}, optional={"place": _PLACES | _VALUES, "days": _VALUES})


@examples(150)
@given(_ARGUMENTS)
def test_what_a_tool_takes_is_judged_fine(arguments: Mapping[str, Any]) -> None:
    error = misfit(visit.spec.parameters, arguments)
    if not visit.call(dict(arguments)).startswith("error: visit cannot take"):
        assert error == ""
    if not error:
        # Null for what may be absent is left out of an object, yet no tool takes it as argument.
        typed.convert(Place, arguments["place"])


@pytest.mark.parametrize(
    "raw", ["", " ", "{}", '{"a": 1}', "[]", "null", "{", '{"a": NaN}', "[" * 9000]
)
def test_arguments_are_an_object_or_malformed(raw: str) -> None:
    [call] = read_calls([("", "weather", raw)], cut_off=False)
    assert call.id
    if call.malformed:
        assert (call.arguments, call.malformed) == ({}, raw)
    else:
        assert call.arguments == json.loads(raw.strip() or "{}")
