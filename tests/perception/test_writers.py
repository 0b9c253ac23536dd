"""Whose words an event's text holds, where somebody else caused the event."""

from typing import Any

import pytest

from shared.events import Actor
from shared.marks import mark_of
from shared.perception.writers import without_body, writer_of
from tests.events.made import an_event

ADA = Actor("1", "ada", role="member")
NOBODY = Actor("", "")
OURS = f"We deploy on Fridays.\n\n{mark_of('ab', 'plan', 1)}"
EVE = {"id": 9, "login": "eve", "type": "User"}
HERE = {"full_name": "acme/shop", "owner": {"login": "acme"}}


@pytest.mark.parametrize(
    ("payload", "writer"),
    [
        ({}, ADA),
        ({"issue": {"user": {"id": 1, "login": "ada"}}}, ADA),
        ({"issue": {"user": EVE, "author_association": "NONE"}}, Actor("9", "eve")),
        (
            {"issue": {"user": EVE, "author_association": "MEMBER"}},
            Actor("9", "eve", role="member"),
        ),
        (
            {"issue": {"user": EVE | {"login": "acme"}}},
            Actor("9", "acme", role="owner"),
        ),
        (
            {"issue": {"user": EVE, "author_association": "GOD"}, "comment": {"user": {"id": 1}}},
            ADA,
        ),
        (
            {"comment": {"user": EVE, "author_association": "OWNER"}, "issue": {"user": {"id": 1}}},
            Actor("9", "eve", role="owner"),
        ),
        ({"issue": {"user": None}}, NOBODY),
        ({"issue": {"user": "ada"}}, NOBODY),
        # With GITHUB_TOKEN we write under a person's name.
        ({"issue": {"user": EVE, "author_association": "MEMBER", "body": OURS}}, NOBODY),
        ({"issue": {"user": {"id": 1, "login": "ada"}, "body": OURS}}, NOBODY),
        ({"release": {"author": EVE}}, Actor("9", "eve")),
        ({"milestone": {"creator": {"id": 1, "login": "ada"}}}, ADA),
        ({"head_commit": {"author": {"name": "ada"}}}, NOBODY),
        (
            {"issue": {"user": {"id": 5, "login": "x[bot]", "type": "Bot"}}},
            Actor("5", "x[bot]", is_bot=True),
        ),
    ],
)
def test_on_github_the_subject_names_its_writer(payload: Any, writer: Actor) -> None:
    event = an_event(actor=ADA, payload=payload | {"repository": HERE})
    assert writer_of(event) == writer


@pytest.mark.parametrize(
    ("payload", "writer"),
    [
        ({"type": "event_callback", "event": {"user": "1"}}, ADA),
        ({"type": "message_action", "message": {"user": "1"}}, ADA),
        ({"type": "message_action", "message": {"user": "U9"}}, Actor("U9", "U9")),
        (
            {"type": "message_action", "message": {"bot_id": "B1", "username": "ada"}},
            Actor("B1", "ada[bot]", is_bot=True),
        ),
        ({"type": "message_action", "message": {}}, Actor("", "")),
        ({"type": "block_actions", "message": {"user": "U9"}, "actions": [{"value": "x"}]}, ADA),
    ],
)
def test_in_slack_a_message_that_was_picked_is_its_authors(payload: Any, writer: Actor) -> None:
    assert writer_of(an_event(source="slack", actor=ADA, payload=payload)) == writer


def test_a_body_goes_only_if_the_actor_wrote_the_text() -> None:
    own = an_event(actor=ADA, payload={"issue": {"user": {"id": 1}}}, digest="d")
    foreign = own._replace(payload={"issue": {"user": EVE}})
    assert (without_body(own).payload, without_body(own).digest) == ({}, "")
    for event in (own, foreign):
        assert writer_of(without_body(event)) == writer_of(event)


def test_elsewhere_who_asks_writes() -> None:
    for source in ("api", "schedule"):
        assert writer_of(an_event(source=source, actor=ADA, payload={"issue": {}})) == ADA
