"""What goes away takes its memory along: the captured payloads, and the flow that handles them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from flows.background.uninstall import uninstall
from shared.database import Database, Statement
from shared.events import Event
from shared.memory import Entry
from shared.memory.embedding.hashing import HashingEmbedder
from shared.memory.store import MemoryStore
from shared.perception import github, slack
from shared.perception.departures import TYPES, Departure, departures
from shared.testing import FlowRunner
from tests.events.published import github_delivery, slack_requests
from tests.memory.control.table_text import table_text

TENANT = "acme"
TENANTS = {"github:Codertocat": TENANT, "slack:T1": TENANT, "github:Octocoders": TENANT}
SOURCES = ("github:Codertocat/Hello-World", "github:Codertocat/other", "slack:T1:C1", "slack:T2:C1")


def github_event(name: str, action: str, **changes: Any) -> Event:
    # No deletion is among the published payloads; it differs by its action alone.
    published = "privatized" if (name, action) == ("repository", "deleted") else action
    payload = github_delivery(name, published).payload | {"action": action} | changes
    headers = {"x-github-event": name, "x-github-delivery": f"{name}-{action}"}
    return github.to_event(json.dumps(payload).encode(), headers, TENANTS, 0.0)


def slack_event(name: str, **inner: Any) -> Event:
    request = slack_requests()[name]
    request["event"] |= inner
    return slack.to_event(json.dumps(request).encode(), {}, TENANTS, 0.0)


def remember(database: Database, tenant: str = TENANT) -> None:
    entries = [Entry(f"note {s}", "fact", s, "public", source=s, event=s) for s in SOURCES]
    database.run(tenant, MemoryStore(database, HashingEmbedder()).remember_all(tenant, entries))


def kept(database: Database) -> set[str]:
    held = table_text(database, "memories", tenant=TENANT)
    return {source for source in SOURCES if f"note {source}" in held}


INSTALLATION = {"account": {"login": "Codertocat"}}
OLD = {"owner": {"from": {"user": {"login": "Codertocat"}}}}


@pytest.mark.parametrize(
    ("event", "places"),
    [
        (lambda: github_event("repository", "deleted"), ["Codertocat/Hello-World"]),
        (
            lambda: github_event("repository", "transferred", changes=OLD),
            ["Codertocat/Hello-World"],
        ),
        (
            lambda: github_event("installation", "deleted", installation=INSTALLATION),
            ["Codertocat"],
        ),
        (
            lambda: github_event(
                "installation_repositories",
                "removed",
                repositories_removed=[{"full_name": "a/b"}, {"full_name": "a/c"}, None],
            ),
            ["a/b", "a/c"],
        ),
        (lambda: github_event("repository", "publicized"), []),
        (lambda: github_event("repository", "deleted", repository=None), []),
    ],
)
def test_githubs_payloads_name_what_is_gone(event: Callable[[], Event], places: list[str]) -> None:
    assert departures(event()) == [Departure(f"github:{place}") for place in places]


def test_slacks_payloads_name_the_workspace() -> None:
    assert departures(slack_event("app_uninstalled")) == [Departure("slack:T1")]
    bot = {"tokens": {"bot": ["UBOT"]}}
    person = {"tokens": {"oauth": ["U1"], "bot": []}}
    assert departures(slack_event("tokens_revoked", **bot)) == [Departure("slack:T1")]
    assert departures(slack_event("tokens_revoked", **person)) == []


def test_each_type_is_one_that_the_flow_takes() -> None:
    assert uninstall.types == TYPES


def test_a_deleted_repository_is_forgotten_and_its_neighbours_are_not(runner: FlowRunner) -> None:
    remember(runner.database)
    event = github_event("repository", "deleted")
    for _ in range(2):
        assert runner.deliver(uninstall, event) == []
    assert kept(runner.database) == set(SOURCES[1:])
    assert runner.platform.done == []


def test_an_uninstalled_app_forgets_the_organisation_or_the_workspace(runner: FlowRunner) -> None:
    remember(runner.database)
    runner.deliver(uninstall, github_event("installation", "deleted", installation=INSTALLATION))
    assert kept(runner.database) == set(SOURCES[2:])
    runner.deliver(uninstall, slack_event("app_uninstalled"))
    assert kept(runner.database) == {SOURCES[3]}


def test_what_comes_back_is_remembered_again(runner: FlowRunner) -> None:
    remember(runner.database)
    runner.deliver(uninstall, github_event("repository", "deleted"))
    remember(runner.database)
    assert kept(runner.database) == set(SOURCES)


def test_a_repository_that_became_private_is_told_to_its_own_readers_only(
    runner: FlowRunner,
) -> None:
    remember(runner.database)
    event = github_event("repository", "privatized")
    for _ in range(2):
        assert runner.deliver(uninstall, event) == []
    asked = "select source, audience from memories where audience <> 'public'"
    [found] = runner.database.run(TENANT, [Statement(asked, {})])
    name = "Codertocat/Hello-World"
    assert found == [{"source": f"github:{name}", "audience": f"repo:{name}"}]
    [audit] = runner.database.run(TENANT, [Statement("select action from memory_audit", {})])
    assert audit == [{"action": "tighten"}]
