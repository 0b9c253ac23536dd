"""Events made by hand, for tests that need one of no particular kind."""

from typing import Any

from shared.events import PUBLIC, Actor, Event, Issue

_EVENT = Event(
    id="github:d1",
    type="github.issues.opened",
    source="github",
    tenant="github:acme",
    conversation="github:acme/shop#7",
    actor=Actor("1", "ada", role="member"),
    text="Pay button crashes\n\nA stack trace appears.",
    url="https://github.com/acme/shop/issues/7",
    payload={},
    audience=PUBLIC,
    depth=0,
    received_at=1_700_000_000.0,
    issue_target=Issue("acme/shop", 7),
)


def an_event(**changes: Any) -> Event:
    return _EVENT._replace(**changes)
