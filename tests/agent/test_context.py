"""What a flow passes as context, as blocks of data."""

from dataclasses import dataclass

import pytest

from shared.actions import Receipt
from shared.agent.context import as_data, shown
from shared.events import Issue
from shared.models.prompts import data
from tests.events.made import an_event


@dataclass(frozen=True)
class ReadSomething:
    text: str


def test_what_has_named_fields_is_one_block() -> None:
    receipt = Receipt("IC_1", "https://github.com/acme/shop/issues/1#issuecomment-1")
    assert as_data([receipt]) == data("Receipt", str(receipt))
    assert as_data([Issue("acme/shop", 1)]).count("acme/shop") == 1


def test_a_list_is_a_block_for_each_thing_in_it() -> None:
    assert as_data([["one", ("two",)]]) == f"{data('text', 'one')}\n\n{data('text', 'two')}"


HIDDEN = 'Seen <!-- SECRET --><b title="SECRET">this</b>\n\n[x]: https://a.test "SECRET"\n'


@pytest.mark.parametrize(
    "thing",
    [
        an_event(text=HIDDEN),
        HIDDEN,
        [HIDDEN],
        Receipt("1", "", {"text": HIDDEN, "more": [HIDDEN]}),
        {"text": HIDDEN},
        ReadSomething(HIDDEN),
    ],
)
def test_nothing_hidden_is_shown(thing: object) -> None:
    block = as_data([thing])
    assert "Seen" in block
    assert "this" in block
    assert "SECRET" not in block


def test_a_title_is_no_markdown() -> None:
    payload = {"issue": {"title": "[Bug]: login", "body": HIDDEN}}
    event = an_event(text=f"[Bug]: login\n\n{HIDDEN}", payload=payload)
    assert shown(event).startswith("[Bug]: login\n\nSeen")
    assert "SECRET" not in shown(event)
    assert shown(event._replace(text=shown(event))) == shown(event)


def test_an_event_names_the_author_of_its_text_and_who_caused_it() -> None:
    user = {"id": 9, "login": "eve"}
    payload = {"issue": {"user": user, "author_association": "NONE", "title": ""}}
    event = an_event(type="github.issues.reopened", text="It crashes.", payload=payload)
    head = '<data source="github.issues.reopened" author="@eve" trust="outsider" by="@ada">'
    assert as_data([event]) == f"{head}\nIt crashes.\n</data>"
    own = as_data([event._replace(payload={})])
    assert own.startswith('<data source="github.issues.reopened" author="@ada" trust="member">')
    timed = as_data([an_event(type="schedule.nightly", source="schedule", text="")])
    assert timed.startswith('<data source="schedule.nightly">')


@pytest.mark.parametrize(
    ("source", "kind"), [("slack", "slack.message"), ("github", "github.push")]
)
def test_what_is_no_markdown_loses_invisible_characters_only(source: str, kind: str) -> None:
    event = an_event(source=source, type=kind, text="fix <Foo> <!-- seen -->\u200b\n[a]: b")
    assert shown(event) == "fix <Foo> <!-- seen -->\n[a]: b"
