"""Static validation, references and waves: pure functions, with plans of every shape."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.planning.plan import Plan, PlanStep, references
from shared.planning.references import Unresolved, parts, resolve, schema_at
from shared.planning.validation import Bounds, Limits, PlannedWrite, ToolFacts, problems, writes
from shared.planning.waves import cycle, waves
from tests.planning.plans import of, step

TEXT = {"type": "string"}
FOUND = {
    "type": "object",
    "properties": {
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"number": {"type": "integer"}},
                "additionalProperties": False,
            },
        }
    },
    "additionalProperties": False,
}
TOOLS = {
    "find": ToolFacts(
        "find",
        "Find.",
        {
            "type": "object",
            "properties": {"query": TEXT},
            "required": ["query"],
            "additionalProperties": False,
        },
        FOUND,
    ),
    "close": ToolFacts(
        "close",
        "Close.",
        {
            "type": "object",
            "properties": {"number": {"type": "integer"}},
            "required": ["number"],
            "additionalProperties": False,
        },
        {},
        "Close",
    ),
}
BOUNDS = Bounds(Limits(), {"Close": 2}, True)


def wrong(*steps: PlanStep, bounds: Bounds = BOUNDS) -> list[str]:
    return problems(Plan(steps), TOOLS, bounds)


FIND = step("s1", "find", query="login")


def test_a_sound_plan_has_no_problems_and_a_set_of_writes() -> None:
    plan = (FIND, step("s2", "close", number=of("s1", "items[0].number")))
    assert wrong(*plan) == []
    assert writes(Plan(plan), TOOLS) == (PlannedWrite("s2", "Close"),)


def closes(number: object) -> tuple[PlanStep, ...]:
    return (FIND, step("s2", "close", number=number))


WRONG = {
    "The plan has no steps.": (),
    "uses the tool 'delete_repo', which does not exist": (step("s1", "delete_repo"),),
    "Step s1: arguments.query is missing.": (step("s1", "find"),),
    "Step s1: arguments.query is not of type string.": (step("s1", "find", query=7),),
    "Step s1: arguments has no all": (step("s1", "find", query="x", all=True),),
    "2 steps are called s1; give each its own id.": (FIND, FIND),
    "'S 1' is no id of a step": (step("S 1", "find", query="x"),),
    "Step s1 waits for s9, which is no step": (step("s1", "find", query="x", after=["s9"]),),
    "Step s1 refers to its own output.": (step("s1", "find", query=of("s1")),),
    "s1 gives nothing at 'items[0].title'": closes(of("s1", "items[0].title")),
    "number wants a integer, the reference gives a array": closes(of("s1", "items")),
    "is no path": closes(of("s1", "items[.")),
    "takes the action Close 3 times; 2 are allowed.": tuple(
        step(f"s{n}", "close", number=n) for n in range(3)
    ),
    "The plan has 21 steps; at most 20": tuple(step(f"s{n}", "find", query="x") for n in range(21)),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_what_is_wrong_is_said_in_a_sentence(sentence: str) -> None:
    found = wrong(*WRONG[sentence])
    assert any(sentence in line for line in found), found


def test_who_may_not_write_gets_plans_that_only_read() -> None:
    reader = BOUNDS._replace(may_write=False)
    assert wrong(FIND, bounds=reader) == []
    assert "may not write" in wrong(step("s1", "close", number=1), bounds=reader)[0]


def test_a_revision_repeats_what_is_done() -> None:
    bounds = BOUNDS._replace(done=[FIND])
    assert wrong(FIND, step("s2", "close", number=1), bounds=bounds) == []
    assert wrong(step("s1", "find", query="other"), bounds=bounds) == [
        "Step s1 is done already; repeat it unchanged, or refer to its output."
    ]


def test_what_was_spent_counts() -> None:
    dear = BOUNDS._replace(spent=1.5)
    assert wrong(FIND, bounds=dear) == ["The plan may cost $1.50; at most $1.00 is allowed."]


def plans() -> st.SearchStrategy[Plan]:
    ids = [f"s{n}" for n in range(6)]
    needs = st.lists(st.sampled_from(ids), max_size=3)
    return st.lists(needs, min_size=1, max_size=6).map(
        lambda rows: Plan(
            tuple(step(ids[n], "find", query="x", after=after) for n, after in enumerate(rows))
        )
    )


@given(plans())
def test_what_passes_runs_to_its_end_in_order(plan: Plan) -> None:
    sound = not problems(plan, TOOLS, BOUNDS)
    found = waves(plan)
    ran = [step.id for wave in found for step in wave]
    assert sound == (len(ran) == len(plan.steps))
    done: set[str] = set()
    for wave in found:
        assert all(step.waits_for <= done for step in wave)
        done |= {step.id for step in wave}


@given(plans())
def test_a_circle_is_named_exactly_when_there_is_one(plan: Plan) -> None:
    known = {step.id for step in plan.steps}
    complete = all(step.waits_for <= known for step in plan.steps)
    ran = {step.id for wave in waves(plan) for step in wave}
    if complete:
        assert bool(cycle(plan)) == (ran != known)
    assert not set(cycle(plan)) & ran


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    ),
    max_leaves=10,
)


@given(VALUES)
def test_arguments_without_references_stay_as_they_are(value: Any) -> None:
    assert list(references(value)) == []
    assert resolve(value, {}) == value


@given(VALUES, st.sampled_from(["a", "a.b", "a[0]", "[0].c", "[*].a", "a[*]", ""]))
def test_a_path_gives_what_is_there_or_says_that_nothing_is(value: Any, path: str) -> None:
    try:
        found = resolve({"x": of("s1", path)}, {"s1": value})["x"]
    except Unresolved as err:
        assert "s1 gave nothing at" in str(err)
    else:
        assert path or found == value


@given(st.text(max_size=12))
def test_a_path_is_read_or_refused(path: str) -> None:
    with suppress(Unresolved):
        assert all(isinstance(part, str | int) for part in parts(path))


def test_all_of_a_list_is_one_value() -> None:
    outputs = {"s1": {"items": [{"number": 1}, {"number": 2}]}}
    assert resolve({"of": [of("s1", "items[*].number")]}, outputs) == {"of": [[1, 2]]}
    assert schema_at(FOUND, parts("items[*].number")) == {
        "type": "array",
        "items": {"type": "integer"},
    }
