"""What a write reaches, and which writes go beyond the first version: pure functions."""

from typing import Any

import pytest

from flows.plan import TOOLS
from shared.actions.github.actions import Comment
from shared.errors import SettingsError
from shared.events import Event
from shared.planning.declaration import writes
from shared.planning.plan import PlanStep
from shared.planning.reach import beyond, reach
from tests.planning.plans import of, step

KNOWN = {tool.name: tool.facts for tool in TOOLS}

READ = step("s1", "read_issue", number=7)
HELLO = step("s2", "comment", body="Hello")
LABELS = step("s3", "add_labels", labels=["bug", "login"])
OPEN = step("s4", "open_issue", title="t", body="b", labels=["bug", "login"])
DRAFT = step("s5", "open_draft_pull", title="t", body="b", path="a.md", content="1", base="main")
POST = step("s6", "post", channel="#releases", text="Out")
ASSIGN = step("s7", "assign", people=["li"], number=7)
ASKED = PlanStep("s8", "", "comment", {"body": "x", "number": 9}, approve=True)

#: A revision of such a first version, and the ids of the steps that a person is asked about.
CASES: dict[str, tuple[list[PlanStep], list[PlanStep], set[str]]] = {
    "the same": ([READ, HELLO, LABELS], [READ, HELLO, LABELS], set()),
    "dropped": ([HELLO, LABELS], [LABELS], set()),
    "under another id": ([HELLO], [step("s9", "comment", body="Hello")], set()),
    "worded otherwise": ([HELLO], [step("s2", "comment", body="Bye")], set()),
    "worded from a read step": ([HELLO], [READ, step("s2", "comment", body=of("s1"))], set()),
    "a default written out": ([HELLO], [step("s2", "comment", body="x", number=None)], set()),
    "a read step more": ([HELLO], [READ, HELLO, step("s9", "list_labels")], set()),
    "a second one": ([HELLO], [HELLO, step("s9", "comment", body="Hello too")], {"s9"}),
    "another tool": ([HELLO], [HELLO, ASSIGN], {"s7"}),
    "another tool under the old id": ([HELLO], [step("s2", "add_labels", labels=["x"])], {"s2"}),
    "another issue": ([HELLO], [step("s2", "comment", body="Hello", number=8)], {"s2"}),
    "an issue that was read": (
        [HELLO],
        [READ, step("s2", "comment", body="Hello", number=of("s1", "number"))],
        {"s2"},
    ),
    "an issue that was read, from the beginning": (
        [READ, step("s2", "comment", body="Hello", number=of("s1", "number"))],
        [READ, step("s2", "comment", body="Hello", number=of("s1", "number"))],
        {"s2"},
    ),
    "a label less": ([LABELS], [step("s3", "add_labels", labels=["login"])], set()),
    "labels in another order": (
        [LABELS],
        [step("s3", "add_labels", labels=["login", "bug"])],
        set(),
    ),
    "a label more": ([LABELS], [step("s3", "add_labels", labels=["bug", "login", "x"])], {"s3"}),
    "a label in place of another": ([LABELS], [step("s3", "add_labels", labels=["x"])], {"s3"}),
    "a label twice": ([LABELS], [step("s3", "add_labels", labels=["bug", "bug"])], {"s3"}),
    "a label that was read": (
        [LABELS],
        [READ, step("s3", "add_labels", labels=["bug", of("s1", "labels[0]")])],
        {"s3"},
    ),
    "labels in two steps": (
        [LABELS],
        [step("s3", "add_labels", labels=["bug"]), step("s9", "add_labels", labels=["login"])],
        {"s9"},
    ),
    "no labels at all": ([LABELS], [step("s3", "add_labels", labels=[])], {"s3"}),
    "a person more": ([ASSIGN], [step("s7", "assign", people=["li", "max"], number=7)], {"s7"}),
    "another person": ([ASSIGN], [step("s7", "assign", people=["max"], number=7)], {"s7"}),
    "other words in an issue": (
        [OPEN],
        [step("s4", "open_issue", title="T", body="B", labels=["bug", "login"])],
        set(),
    ),
    "two issues for one": (
        [OPEN],
        [
            step("s4", "open_issue", title="t", body="b", labels=["bug"]),
            step("s9", "open_issue", title="t", body="b", labels=["login"]),
        ],
        {"s9"},
    ),
    "other content of a file": (
        [DRAFT],
        [PlanStep("s5", "", "open_draft_pull", DRAFT.arguments | {"content": "2"})],
        set(),
    ),
    "another file": (
        [DRAFT],
        [PlanStep("s5", "", "open_draft_pull", DRAFT.arguments | {"path": "b.md"})],
        {"s5"},
    ),
    "another branch": (
        [DRAFT],
        [PlanStep("s5", "", "open_draft_pull", DRAFT.arguments | {"base": "release"})],
        {"s5"},
    ),
    "another channel": ([POST], [step("s6", "post", channel="#general", text="Out")], {"s6"}),
    "what a person was to be asked about": (
        [ASKED],
        [PlanStep("s8", "", "comment", {"body": "x", "number": 9})],
        {"s8"},
    ),
    "no first version": ([], [HELLO], {"s2"}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_revision_is_compared_with_the_first_version(case: str) -> None:
    first, waiting, asked = CASES[case]
    assert beyond(first, waiting, [], KNOWN) == asked


def test_what_was_written_counts() -> None:
    reached = reach(HELLO, KNOWN["comment"])
    assert reached
    again = step("s9", "comment", body="Other words")
    assert beyond([HELLO], [again], [reached], KNOWN) == {"s9"}
    assert beyond([HELLO, HELLO], [again], [reached], KNOWN) == set()
    assert beyond([HELLO], [again], [()], KNOWN) == set()


@pytest.mark.parametrize(
    "tool", [tool for tool in TOOLS if tool.action], ids=lambda tool: tool.name
)
def test_all_that_is_not_content_is_the_target(tool: Any) -> None:
    """So a parameter that somebody adds is part of the target until they say otherwise."""
    arguments = {name: f"a {name}" for name in tool.facts.parameters["properties"]}
    plain = reach(PlanStep("s1", "", tool.name, arguments), tool.facts)
    for name in arguments:
        changed = PlanStep("s1", "", tool.name, arguments | {name: "other"})
        assert (reach(changed, tool.facts) == plain) == (name in tool.facts.content)
        read = PlanStep("s1", "", tool.name, arguments | {name: of("s0")})
        assert (reach(read, tool.facts) is None) == (name not in tool.facts.content)


def test_a_reference_anywhere_in_a_target_makes_it_one_that_was_read() -> None:
    def tell(event: Event, whom: object, text: str) -> Comment:
        """Tell somebody."""
        return Comment(event.issue, text)

    facts = writes(Comment, content=("text",))(tell).facts
    for whom in ({"a": [{"b": of("s1")}]}, [[of("s1")]], of("s1", "x[*].y")):
        assert reach(step("s2", "tell", whom=whom, text="x"), facts) is None
    assert reach(step("s2", "tell", whom={"a": 1}, text=of("s1")), facts)


def test_a_content_that_is_no_parameter_is_refused() -> None:
    def tell(event: Event, text: str) -> Comment:
        """Tell somebody."""
        return Comment(event.issue, text)

    with pytest.raises(SettingsError, match="tool tell has no parameter body"):
        writes(Comment, content=("body",))(tell)
