"""A payload that is damaged anywhere ends as an event, or in one EventError, and is never tried
again."""

import json
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import pytest

from flows.background.uninstall import uninstall
from flows.chat import chat
from flows.control import control
from flows.ingest import ingest
from flows.memory import memory
from flows.plan import plan
from flows.triage import triage
from shared.actions import Query
from shared.agent.context import as_data, shown
from shared.agent.flow import Flow
from shared.database import Statement
from shared.errors import ActionRejected, EventError
from shared.events import Event, Json, StrictJson
from shared.memory.attribution import trust_of
from shared.perception import github, slack
from shared.perception.deeds import deed
from shared.perception.departures import departures, retold
from shared.perception.writers import without_body, writer_of
from shared.perception.written import written
from shared.testing import FlowRunner, PlatformInMemory
from tests.campaigns import size
from tests.events.damaged import Damage, damages
from tests.events.published import github_deliveries, github_delivery, slack_requests

FLOWS: tuple[Flow, ...] = (chat, control, ingest, memory, plan, triage, uninstall)


class Recorded(NamedTuple):
    """A recorded payload; `event` is GitHub's name of it, '' for Slack."""

    event: str
    payload: Any

    def read(self, damage: Damage | None = None) -> Event:
        body = json.dumps(damage.of(self.payload) if damage else self.payload).encode()
        if not self.event:
            return slack.to_event(body, {}, {}, 1.0)
        headers = {"x-github-event": self.event, "x-github-delivery": "d1"}
        return github.to_event(body, headers, {}, 1.0)


def recorded() -> list[Recorded]:
    requests = {name: one for name, one in slack_requests().items() if name != "url_verification"}
    found = [Recorded("", one) for one in requests.values()]
    return found + [Recorded(one.event, one.payload) for one in github_deliveries()]


def taken() -> list[Recorded]:
    """Return what some flow takes, with one of each type."""
    types = {type_ for flow in FLOWS for type_ in flow.types}
    found = {one.read().type: one for one in recorded()}
    kept = [one for type_, one in found.items() if type_ in types]
    deleted = github_delivery("repository", "privatized").payload | {"action": "deleted"}
    return [*kept, Recorded("repository", deleted)]


def drawn(cases: list[Recorded], count: int, seed: int) -> Iterator[tuple[Recorded, Damage]]:
    """Draw damages of all recorded payloads alike; with the whole campaign there are more."""
    random = Random(seed)
    known: dict[int, list[Damage]] = {}
    for number in range(count):
        index = number % len(cases)
        if index not in known:
            known[index] = list(damages(cases[index].payload))
        yield cases[index], random.choice(known[index])


def test_all_that_reads_an_event_reads_a_damaged_one() -> None:
    for one, damage in drawn(recorded(), size(60_000, 2_500, 500), seed=13):
        try:
            event = one.read(damage)
        except EventError:
            continue
        event = Event.from_json(event.to_json())
        try:
            github.is_own(event, "1", "agent") if one.event else slack.is_own(event)
            departures(event)
            retold(event)
            deed(event)
            written(event)
            writer_of(event)
            without_body(event)
            trust_of(event)
            as_data([event._replace(text=shown(event))])
        except Exception as err:
            raise AssertionError(f"{event.type} with {damage}") from err


class NoPlatform(PlatformInMemory):
    """Answers no queries."""

    def read(self, query: Query) -> Any:
        raise ActionRejected("github: there is nothing")


def outcomes(runner: FlowRunner, tenant: str) -> set[str]:
    asked = Statement("select reason from runs where state <> 'done'", {})
    return {row["reason"] for row in runner.database.run(tenant, [asked])[0]}


def test_no_flow_tries_a_damaged_payload_again(runner: FlowRunner) -> None:
    runner.platform = NoPlatform()
    for number, (one, damage) in enumerate(drawn(taken(), size(6_000, 90), seed=31)):
        try:
            event = one.read(damage)._replace(id=f"{one.event}:{number}", digest="")
        except EventError:
            continue
        for flow in FLOWS:
            if event.type in flow.types:
                back = runner.deliver(flow, event._replace(tenant="acme"))
                assert back == [], f"{event.type} with {damage}"
    for reason in outcomes(runner, "acme"):
        assert ":" in reason or "event" in reason, reason


@pytest.mark.parametrize(
    "repository",
    [None, {}, "acme/shop", 7, [], {"full_name": "acme/shop"}, {"default_branch": "main"}],
)
def test_a_push_without_a_repository_ends_at_once(runner: FlowRunner, repository: object) -> None:
    payload = github_delivery("push").payload
    payload["repository"] = repository
    if isinstance(repository, dict):
        payload["ref"] = "refs/heads/main"
    event = Recorded("push", payload).read()
    assert runner.deliver(ingest, event) == []
    asked = Statement("select state, reason, attempts from runs", {})
    [run] = runner.database.run(event.tenant, [asked])[0]
    assert (run["state"], run["attempts"]) == ("failed", 1)
    assert run["reason"].startswith("event github.push has no text repository.")


@pytest.mark.parametrize("path", [("a",), ("a", "b"), ("a", "b", "c")])
def test_what_a_payload_lacks_is_an_event_error(path: tuple[str, ...]) -> None:
    inner: Json = {}
    for key in reversed(path[:-1]):
        inner = {key: inner}
    payload: Json = StrictJson(inner)
    with pytest.raises(EventError, match=f"the event has no '{path[-1]}'"):
        for key in path:
            payload = payload[key]
    assert StrictJson({"x": 1}).get("z") is None
