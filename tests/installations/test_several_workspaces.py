"""The app in several workspaces: each gets its own token, whatever a process did before."""

from collections.abc import Sequence
from contextlib import closing

import pytest

from infra.local.sandbox.slack import SlackSandbox
from infra.local.sandbox.slack.workspace import GENERAL
from shared.actions import Mark
from shared.actions.slack.actions import React
from shared.actions.slack.adapter import SlackAdapter
from shared.database import Database, Row, Statement
from shared.errors import ActionRejected, SettingsError
from shared.events import Event, Thread
from shared.installations import Workspace
from shared.settings import Settings
from tests.installations.installed import KEYS, ONE, ORG, TWO, Installed, reply, said


class CountingDatabase(Database):
    trips = 0

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        self.trips += 1
        return super().run(tenant, statements)


def _said(world: Installed, team: str, org: str = "") -> Event:
    """Let Alice say something in a workspace, and return its event."""
    ts = world.slack.neighbours.open(team, org).say(GENERAL, "hi")
    return said(team, ts, org)


def _texts(world: Installed, team: str) -> list[str]:
    return [one["text"] for one in world.slack.neighbours.open(team).messages(GENERAL)]


def test_each_workspace_is_answered_with_its_own_token(world: Installed) -> None:
    for team in (ONE, TWO):
        world.install(team)
    adapter = world.adapter()
    for turn in range(2):
        for team in (ONE, TWO):
            reply(adapter, _said(world, team), f"{team} {turn}")
    for team, other in ((ONE, TWO), (TWO, ONE)):
        texts = " ".join(_texts(world, team))
        assert f"{team} 0" in texts and f"{team} 1" in texts and other not in texts


def test_a_token_that_is_cached_costs_no_round_trip_and_another_one(
    world: Installed, database_url: str
) -> None:
    world.install(ONE)
    world.install(TWO)
    with closing(CountingDatabase(database_url)) as database:
        adapter = world.adapter(database)
        for team, trips in ((ONE, 1), (ONE, 1), (TWO, 2), (ONE, 2), (TWO, 2)):
            reply(adapter, _said(world, team))
            assert database.trips == trips


def test_one_token_for_one_workspace_asks_no_database(world: Installed, database_url: str) -> None:
    settings = Settings(slack_bot_token="xoxb-sandbox", slack_api_url=world.slack.api_url)
    with closing(CountingDatabase(database_url)) as database:
        adapter = SlackAdapter(settings, 5, database=database)
        ts = world.slack.say(GENERAL, "hi")
        reply(adapter, said("T0SANDBOX", ts))
        assert database.trips == 0
    assert len(world.slack.thread(GENERAL, ts)) == 2


def test_the_token_of_the_settings_serves_its_own_workspace_alone(world: Installed) -> None:
    world.settings = world.settings._replace(slack_bot_token=SlackSandbox.bot_token)
    adapter = world.adapter()
    ts = world.slack.say(GENERAL, "hi")
    reply(adapter, said("T0SANDBOX", ts))
    assert len(world.slack.thread(GENERAL, ts)) == 2
    with pytest.raises(ActionRejected, match="not installed in T0ONE; install it at"):
        reply(adapter, _said(world, ONE))
    with pytest.raises(ActionRejected, match="not installed"):
        reply(adapter, said("T0SANDBOX", ts, ORG))


def test_the_token_of_the_settings_serves_no_other_tenant_from_elsewhere(world: Installed) -> None:
    """What happens on GitHub names no workspace; another tenant's must not be told in this one."""
    joined = "acme=github:acme,slack:T0SANDBOX"
    world.settings = world.settings._replace(tenants=joined, slack_bot_token=SlackSandbox.bot_token)
    ts = world.slack.say(GENERAL, "hi")
    thread = Thread("T0SANDBOX", GENERAL, ts)
    event = said("T0SANDBOX")._replace(
        source="github", conversation="github:acme/shop#1", tenant="acme", thread_target=thread
    )
    reply(world.adapter(), event, "From our GitHub.")
    for tenant in ("github:other", "third"):
        with pytest.raises(ActionRejected, match=f"not installed in {tenant}"):
            reply(world.adapter(), event._replace(tenant=tenant), "From theirs.")
    texts = [one["text"] for one in world.slack.thread(GENERAL, ts)]
    assert texts == ["hi", "From our GitHub."]


def test_an_organisation_has_one_token_for_many_workspaces(
    world: Installed, database_url: str
) -> None:
    team = "T0OFORG"
    world.install(ORG)
    event = _said(world, team, ORG)
    reply(world.adapter(), event)
    # What a timer or a schedule brings names no organisation: the workspace remembers it.
    later = event._replace(payload={"place": event.scope}, source="schedule")
    with closing(CountingDatabase(database_url)) as database:
        reply(world.adapter(database), later, "Later.")
        assert database.trips == 1
    assert {"Hello.", "Later."} <= {*_texts(world, team)}
    with pytest.raises(ActionRejected, match="not installed in T0ONE"):
        reply(world.adapter(), _said(world, ONE))


def test_a_workspace_of_an_organisation_may_have_an_installation_of_its_own(
    world: Installed,
) -> None:
    world.install(ORG)
    team = "T0OFORG"
    reply(world.adapter(), _said(world, team, ORG))
    token = world.install(team)
    found = world.table.find(Workspace(team, "", f"slack:{team}"))
    assert found and found.token == token


def test_what_comes_from_elsewhere_uses_the_only_installation_of_its_tenant(
    world: Installed,
) -> None:
    joined = f"acme=github:acme,slack:{ONE};other=github:other,slack:{TWO}"
    world.settings = world.settings._replace(tenants=joined)
    for team in (ONE, TWO):
        world.install(team)
    thread = Thread(ONE, GENERAL, _said(world, ONE).thread.ts)
    event = said(ONE)._replace(
        source="github", conversation="github:acme/shop#1", tenant="acme", thread_target=thread
    )
    reply(world.adapter(), event, "From GitHub.")
    assert "From GitHub." in _texts(world, ONE) and "From GitHub." not in _texts(world, TWO)
    with pytest.raises(ActionRejected, match="not installed in third"):
        reply(world.adapter(), event._replace(tenant="third"))


def test_a_token_that_is_revoked_ends_its_runs_and_no_others(world: Installed) -> None:
    for team in (ONE, TWO):
        world.install(team)
    adapter = world.adapter()
    first, second = (_said(world, team) for team in (ONE, TWO))
    reply(adapter, first)
    world.slack.apps.installed.end(ONE, "token_revoked")
    with pytest.raises(ActionRejected, match="token_revoked") as refused:
        reply(adapter, first, "Again.")
    assert not refused.value.retryable
    reply(adapter, second)
    world.install(ONE)  # again, with another token
    reply(adapter, first, "Back.")
    assert "Back." in _texts(world, ONE)


@pytest.mark.parametrize("changed", ["lost", "other", "moved"])
def test_a_lost_key_and_a_token_in_another_row_open_nothing(
    world: Installed, changed: str, database_url: str
) -> None:
    world.install(ONE)
    keys = {"lost": f"k2:{KEYS['k2']}", "other": f"k1:{KEYS['k2']}"}.get(changed)
    if keys:
        world.settings = world.settings._replace(slack_token_keys=keys)
    else:
        world.install(TWO)
        take = """update slack_installations set token = (
            select token from slack_installations where place = 'T0ONE') where place = 'T0TWO'"""
        import psycopg

        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(take)
    with pytest.raises(SettingsError, match="install the app there again"):
        reply(world.adapter(), _said(world, TWO if changed == "moved" else ONE))


def test_keys_are_rotated(world: Installed) -> None:
    world.install(ONE)
    keys = f"k2:{KEYS['k2']},k1:{KEYS['k1']}"
    world.settings = world.settings._replace(slack_token_keys=keys)
    reply(world.adapter(), _said(world, ONE))
    world.install(TWO)
    world.settings = world.settings._replace(slack_token_keys=f"k2:{KEYS['k2']}")
    reply(world.adapter(), _said(world, TWO))


@pytest.mark.parametrize(
    "keys", ["k1", "k1:", "k1:short", f"k 1:{KEYS['k1']}", f"k1:{KEYS['k1']},k1:{KEYS['k2']}", "é"]
)
def test_what_are_no_keys_are_refused(world: Installed, keys: str) -> None:
    world.settings = world.settings._replace(slack_token_keys=keys)
    with pytest.raises(SettingsError, match="SLACK_TOKEN_KEYS") as refused:
        reply(world.adapter(), _said(world, ONE))
    assert KEYS["k1"] not in str(refused.value)


def test_no_token_stands_in_the_table(world: Installed, database_url: str) -> None:
    import psycopg

    token = world.install(ONE, rotates=True)
    with psycopg.connect(database_url) as owner:
        [row] = owner.execute(
            "select slack_installations::text from slack_installations"
        ).fetchall()
    assert token.encode().hex() not in row[0] and token not in row[0] and "xoxe" not in row[0]


def test_an_installation_with_fewer_rights_says_so_once_and_answers(
    world: Installed, capsys: pytest.CaptureFixture[str]
) -> None:
    world.install(ONE)  # it has chat:write alone
    adapter = world.adapter()
    event = _said(world, ONE)
    world.slack.fail_next("reactions.add", "missing_scope")
    adapter.within(event).perform(React(event.message, "eyes"), Mark("k", "chat", 1), None)
    reply(adapter, event)
    said = capsys.readouterr().out
    assert said.count("slack rights lack") == 1 and "reactions:write" in said
    assert "emoji not put" in said
    assert "Hello." in _texts(world, ONE)
