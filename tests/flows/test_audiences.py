"""Who is shown what: real flows, memory and Postgres, from the event that said it to the reader."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from shared.agent import Agent
from shared.agent.flow import Flow, flow
from shared.database import Database
from shared.errors import SettingsError
from shared.events import Actor, Event, Issue, Thread
from shared.testing import FlowRunner
from tests.events.made import an_event

SECRET = "The launch code of the blue rocket is kept in the safe"
QUESTION = "Where is the launch code of the blue rocket?"
TENANT = "acme"  # TENANTS joins github:acme and slack:T1


def said(audience: str, scope: str = "", *, text: str = SECRET, id: str = "said") -> Event:
    """An event that such an audience sees, at such a place, about nothing of the reader's."""
    event = an_event(id=id, text=text, audience=audience, tenant=TENANT, issue_target=None)
    platform, _, place = scope.partition(":")
    if platform == "slack":
        team, _, channel = place.partition(":")
        thread = Thread(team, channel, f"{sum(map(ord, id))}.0")
        return event._replace(
            source="slack",
            type="slack.app_mention",
            conversation=f"slack:{thread.ref}",
            actor=Actor("U1", "ada"),
            thread_target=thread,
        )
    issue = Issue(place or "acme/said", sum(map(ord, id)))
    return event._replace(conversation=f"github:{issue.ref}", issue_target=issue)


def asked(audience: str, scope: str = "github:acme/reads") -> Event:
    return said(audience, scope, text=QUESTION, id="asked")


class Team:
    """Two flows on one bench: one keeps what is said, the other answers with what it recalls."""

    def __init__(self, runner: FlowRunner, shares: frozenset[str] = frozenset({"note"})) -> None:
        self.recalled: list[str] = []
        self._runner = runner
        self.listener = self._flow("listener", shares)
        self.reader = self._flow("reader", shares)

    def _flow(self, name: str, shares: frozenset[str]) -> Flow:
        def act(event: Event, agent: Agent) -> None:
            if event.text == QUESTION:
                self.recalled = [memory.text for memory in agent.recall(event.text)]
            else:
                agent.remember(event.text, kind="note")

        act.__name__ = name
        return flow("github.issues.opened", "slack.app_mention", shares=shares)(act)

    def hears(self, event: Event) -> None:
        assert not self._runner.deliver(self.listener, event)

    def shows(self, event: Event, by: Flow | None = None) -> list[str]:
        self.recalled = ["nothing ran"]
        assert not self._runner.deliver(by or self.reader, event)
        return self.recalled


@contextmanager
def team(url: str, grants: dict[str, list[str]] | None = None) -> Iterator[Team]:
    with Database(url, patience=5) as database:
        yield Team(FlowRunner(database, audiences=json.dumps(grants) if grants else ""))


PRIVATE = ("repo:acme/secret", "github:acme/secret")
CHANNEL = ("channel:C42", "slack:T1:C42")
DIRECT = ("dm:D7", "slack:T1:D7")
OPEN = ("team:T1", "slack:T1:C1")


@pytest.mark.parametrize("source", [PRIVATE, CHANNEL, DIRECT])
def test_what_few_see_is_shown_to_nobody_else(database_url: str, source: tuple[str, str]) -> None:
    with team(database_url) as flows:
        flows.hears(said(*source))
        for reader in (PRIVATE, CHANNEL, DIRECT, OPEN, ("repo:acme/other", "github:acme/other")):
            expected = [SECRET] if reader == source else []
            assert flows.shows(asked(*reader)._replace(id=f"asked {reader}")) == expected
        for audience in ("public", "org:acme", "shared:C9", "team:T2", ""):
            assert flows.shows(asked(audience)._replace(id=f"asked {audience}")) == []


def test_a_workspace_and_an_organisation_of_one_tenant_share_by_a_grant_only(
    database_url: str,
) -> None:
    organisation, workspace = ("org:acme", "github:acme/all"), OPEN
    with team(database_url) as flows:
        flows.hears(said(*organisation))
        assert flows.shows(asked(*workspace)) == []
    with team(database_url, {"team:T1": ["org:acme"]}) as flows:
        for number, reader in enumerate((workspace, CHANNEL, DIRECT)):
            assert flows.shows(asked(*reader)._replace(id=f"granted {number}")) == [SECRET]
        assert flows.shows(asked("channel:C42", "slack:T2:C42")._replace(id="t2")) == []
        flows.hears(said(*workspace, id="other", text="The blue rocket belongs to the workspace"))
        assert flows.shows(asked("org:acme")._replace(id="back")) == [SECRET]


def test_a_channel_may_be_granted_one_private_repository(database_url: str) -> None:
    with team(database_url, {"channel:C42": ["repo:acme/secret"]}) as flows:
        flows.hears(said(*PRIVATE))
        assert flows.shows(asked(*CHANNEL)) == [SECRET]
        for number, reader in enumerate((OPEN, DIRECT, ("channel:C43", "slack:T1:C43"))):
            assert flows.shows(asked(*reader)._replace(id=f"asked {number}")) == []


def test_all_repositories_of_an_owner_are_those_of_that_owner_alone(database_url: str) -> None:
    repositories = ("acme/a", "acme/z-9", "acme/B", "acme-labs/x", "acme0/x", "Acme/x")
    with team(database_url, {"team:T1": ["repo:aaa/*", "repo:acme/*"]}) as flows:
        for name in repositories:
            text = f"The blue rocket flies from {name}"
            flows.hears(said(f"repo:{name}", f"github:{name}", text=text, id=name))
        shown = flows.shows(asked(*OPEN))
        assert sorted(text.rpartition(" ")[2] for text in shown) == [
            "Acme/x",
            "acme/B",
            "acme/a",
            "acme/z-9",
        ]
        assert flows.shows(asked("repo:acme/a", "github:acme/y")._replace(id="x")) == [
            "The blue rocket flies from acme/a"
        ]


@pytest.mark.parametrize("granted", ["repo:acme/secret", "repo:ACME/Secret", "repo:Acme/*"])
@pytest.mark.parametrize("stored", ["acme/secret", "Acme/Secret", "ACME/SECRET"])
def test_a_grant_of_a_repository_holds_however_its_name_is_spelled(
    database_url: str, granted: str, stored: str
) -> None:
    others = ["acmes/secret"] if "*" in granted else ["acmes/secret", "acme/secret2", "acme/secre"]
    with team(database_url, {"team:T1": [granted]}) as flows:
        flows.hears(said(f"repo:{stored}", f"github:{stored}"))
        for name in others:
            flows.hears(said(f"repo:{name}", f"github:{name}", text=f"{SECRET}: {name}", id=name))
        assert flows.shows(asked(*OPEN)) == [SECRET]


@pytest.mark.parametrize("reader", ["acme/reads", "Acme/Reads", "ACME/reads"])
@pytest.mark.parametrize("setting", ["repo:acme/reads", "repo:Acme/READS", "repo:ACME/*"])
def test_a_grant_to_a_repository_holds_however_its_name_is_spelled(
    database_url: str, reader: str, setting: str
) -> None:
    with team(database_url, {setting: ["org:Acme"]}) as flows:
        flows.hears(said("org:aCME", "github:acme/all"))
        assert flows.shows(asked(f"repo:{reader}", f"github:{reader}")) == [SECRET]
        assert flows.shows(asked("repo:beta/reads", "github:beta/reads")._replace(id="b")) == []


def test_an_audience_that_reads_like_a_grant_of_all_opens_nothing(database_url: str) -> None:
    with team(database_url) as flows:
        flows.hears(said(*PRIVATE))
        assert flows.shows(asked("repo:acme/*", "github:acme/x")) == []


def test_no_grant_reaches_into_another_tenant(database_url: str) -> None:
    with team(database_url, {"team:T1": ["repo:acme/*", "org:acme"]}) as flows:
        flows.hears(said(*PRIVATE)._replace(tenant="slack:T1"))
        assert flows.shows(asked(*OPEN)) == []


def test_a_grant_that_may_not_be_stops_the_start(database_url: str) -> None:
    for grants in ({"public": ["org:acme"]}, {"shared:C9": ["org:acme"]}, {"team:T1": ["acme"]}):
        with pytest.raises(SettingsError, match="AUDIENCES"), team(database_url, grants):
            pass


# Flows


def test_what_a_flow_keeps_for_itself_no_other_flow_recalls(runner: FlowRunner) -> None:
    alone = Team(runner, shares=frozenset())
    alone.hears(said("public"))
    assert alone.shows(asked("public")) == []
    assert alone.shows(asked("public"), by=alone.listener) == [SECRET]


def test_a_flow_shares_the_kinds_that_it_names_and_no_other(runner: FlowRunner) -> None:
    other = Team(runner, shares=frozenset({"episode"}))
    other.hears(said("public"))
    assert other.shows(asked("public")) == []
    shared = Team(runner)
    shared.hears(said("public", id="again"))
    assert shared.shows(asked("public")._replace(id="asked again")) == [SECRET]


def test_two_flows_keep_one_subject_apart(runner: FlowRunner) -> None:
    alone = Team(runner, shares=frozenset())
    event = said("public")
    alone.hears(event)
    theirs = event._replace(text="The blue rocket is on the moon")
    assert not runner.deliver(alone.reader, theirs._replace(id="other"))
    assert alone.shows(asked("public"), by=alone.listener) == [SECRET]
    assert alone.shows(asked("public")) == ["The blue rocket is on the moon"]
