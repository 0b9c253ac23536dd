"""A workspace or an organisation removes the app: its tokens go, however Slack tells it."""

import json

import psycopg
import pytest

from flows.background.uninstall import uninstall
from flows.memory import memory as remember
from shared.database import Statement
from shared.events import Event, Json
from shared.installations import Workspace
from shared.people.store import LinkedPerson, PeopleTable
from shared.perception.slack import to_event
from shared.testing import FlowRunner, slack_event
from tests.installations.installed import ONE, ORG, TWO, Installed, said

REVOKED = {"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["U0AGENT"]}}
PERSONS = {"type": "tokens_revoked", "tokens": {"oauth": ["U0ALICE"], "bot": []}}
GONE = {"type": "app_uninstalled"}
LATER = 4_000_000_000.0


def leaving(inner: Json, team: str, org: str = "", at: float = LATER) -> Event:
    body: Json = {
        "type": "event_callback",
        "team_id": team or None,
        "enterprise_id": org or None,
        "event_id": f"Ev{inner['type']}{at}",
        "event": inner,
    }
    if org:
        authorization = {"enterprise_id": org, "team_id": None, "is_enterprise_install": True}
        body["authorizations"] = [authorization]
    return to_event(json.dumps(body).encode(), {}, {}, at)


def _places(world: Installed) -> set[str]:
    wanted = [Workspace(ONE, "", ""), Workspace(TWO, "", ""), Workspace("", ORG, "")]
    return {found.place for where in wanted if (found := world.table.find(where))}


@pytest.fixture
def runner(world: Installed) -> FlowRunner:
    for place in (ONE, TWO, ORG):
        world.install(place)
    return FlowRunner(world.database)


@pytest.mark.parametrize("inner", [[REVOKED], [GONE], [REVOKED, GONE], [GONE, REVOKED, GONE]])
def test_the_tokens_of_that_workspace_go_and_no_others(
    world: Installed, runner: FlowRunner, inner: list[Json]
) -> None:
    for number, one in enumerate(inner):
        runner.run(uninstall, leaving(one, ONE, at=LATER + number))
    assert _places(world) == {TWO, ORG}


@pytest.mark.parametrize("inner", [REVOKED, GONE])
def test_an_organisation_names_no_workspace(
    world: Installed, runner: FlowRunner, inner: Json
) -> None:
    runner.run(uninstall, leaving(inner, "", ORG))
    assert _places(world) == {ONE, TWO}


def test_the_proofs_of_its_people_go_with_it(world: Installed, runner: FlowRunner) -> None:
    people = PeopleTable(world.database)
    for team in (ONE, TWO):
        people.link(f"slack:{team}", LinkedPerson(team, "U0ALICE", "1", "maria"))
    runner.run(uninstall, leaving(GONE, ONE))
    assert [people.of(said(team)) == [] for team in (ONE, TWO)] == [True, False]


def test_a_persons_token_is_not_the_bots(world: Installed, runner: FlowRunner) -> None:
    runner.run(uninstall, leaving(PERSONS, ONE))
    assert _places(world) == {ONE, TWO, ORG}


def test_a_late_word_takes_no_new_installation_away(
    world: Installed, runner: FlowRunner, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("update slack_installations set installed_at = now() where place = 'T0ONE'")
    runner.run(uninstall, leaving(GONE, ONE, at=1_000.0))
    assert _places(world) == {ONE, TWO, ORG}


def _count(world: Installed, tenant: str, table: str) -> int:
    [[row]] = world.database.run(tenant, [Statement(f"select count(*) as n from {table}", {})])
    return int(row["n"])


@pytest.mark.parametrize("inner", [[REVOKED], [REVOKED, GONE], [GONE, REVOKED]])
def test_what_is_kept_of_an_organisations_workspaces_goes_with_it(
    world: Installed, runner: FlowRunner, inner: list[Json]
) -> None:
    """One has an installation of its own by now, and stays, as does one of nobody's."""
    below, own = ("T0A", "T0B"), "T0OWN"
    for team in (*below, own):
        assert world.table.find(Workspace(team, ORG, f"slack:{team}"))
    world.install(own)
    for team in (*below, own, TWO):
        tenant = f"slack:{team}"
        runner.run(remember, slack_event("command.remember", text=f"{team} deploys", team=team))
        PeopleTable(world.database).link(tenant, LinkedPerson(team, "U0ALICE", "1", "maria"))
        setting = """insert into channel_settings (tenant, place, key, value, changed_at, event_id)
                     values (%(tenant)s, %(place)s, 'mode', '"answers"', now(), 'e')"""
        place = {"tenant": tenant, "place": f"{tenant}:C1"}
        world.database.run(tenant, [Statement(setting, place)])
    for number, one in enumerate(inner):
        runner.run(uninstall, leaving(one, "", ORG, at=LATER + number))
    tables = ("memories", "people", "channel_settings", "slack_installations")
    for team in below:
        assert [_count(world, f"slack:{team}", table) for table in tables] == [0, 0, 0, 0]
    for team in (own, TWO):
        assert [_count(world, f"slack:{team}", table) for table in tables] == [1, 1, 1, 1]
    assert _count(world, f"slack:{ORG}", "slack_installations") == 0
