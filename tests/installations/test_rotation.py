"""Tokens that expire: replaced in time, each refresh token spent once, whoever dies or is away."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from shared.database import Database, Row, Statement
from shared.errors import ActionRejected, ActionUnavailable, DatabaseUnavailable
from shared.installations import Workspace
from shared.installations.credentials import Installations, InstalledCredential
from tests.installations.installed import ONE, TWO, Installed

WHERE = Workspace(ONE, "", f"slack:{ONE}")
HOUR = 3600


def _credential(world: Installed, database: Database | None = None) -> InstalledCredential:
    """The credential of another process."""
    found = Installations.of(world.settings, database or world.database).credential(WHERE)
    assert found
    return found


def _pass(world: Installed, database_url: str, seconds: int) -> None:
    """Let time go by for the tokens of the first workspace."""
    clock = world.slack.apps.installed.clock
    world.slack.apps.installed.clock = lambda: clock() + seconds
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute(
            """update slack_installations set expires_at = expires_at - make_interval(secs => %s),
               rotating_until = rotating_until - make_interval(secs => %s)""",
            [seconds, seconds],
        )


def test_a_token_with_hours_left_is_used_as_it_is(world: Installed) -> None:
    token = world.install(ONE, rotates=True)
    assert _credential(world).value == token
    assert world.slack.apps.installed.rotations == 0


@pytest.mark.parametrize("left", [HOUR, -HOUR])
def test_one_that_ends_is_replaced_and_kept(world: Installed, database_url: str, left: int) -> None:
    token = world.install(ONE, rotates=True)
    _pass(world, database_url, 43_200 - left)
    fresh = _credential(world).value
    assert fresh != token and world.slack.apps.installed.place(fresh) == ONE
    assert _credential(world).value == fresh
    assert world.slack.apps.installed.rotations == 1


@pytest.mark.parametrize("left", [HOUR, -HOUR])
def test_many_functions_at_once_spend_one_refresh_token(
    world: Installed, database_url: str, left: int
) -> None:
    world.install(ONE, rotates=True)
    _pass(world, database_url, 43_200 - left)

    def value(_: int) -> str:
        with closing(Database(database_url)) as database:
            credential = _credential(world, database)
            return credential.value

    with ThreadPoolExecutor(8) as functions:
        values = [*functions.map(value, range(8))]
    assert world.slack.apps.installed.rotations == 1
    assert all(world.slack.apps.installed.place(one) == ONE for one in values if left < 0)
    with closing(Database(database_url)) as database:
        assert world.slack.apps.installed.place(_credential(world, database).value) == ONE


def test_who_is_refused_reads_what_another_function_got(
    world: Installed, database_url: str
) -> None:
    world.install(ONE, rotates=True)
    old = _credential(world)
    held = old.value
    _pass(world, database_url, 43_200 + HOUR)
    fresh = _credential(world).value
    assert old.renewed(held) == fresh
    assert world.slack.apps.installed.rotations == 1


def test_a_function_that_dies_with_the_next_token_loses_no_workspace_before_the_end(
    world: Installed, database_url: str
) -> None:
    token = world.install(ONE, rotates=True)
    _pass(world, database_url, 43_200 - HOUR)
    found = world.table.find(WHERE)
    assert found and world.table.lease(found, "dead", 0.1)
    world.slack.apps.installed.spend(world.app, found.refresh_token)  # and it dies here
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("update slack_installations set rotating_until = now() - interval '1 s'")
    assert _credential(world).value == token
    _pass(world, database_url, 2 * HOUR)
    with pytest.raises(ActionRejected, match="invalid_refresh_token; install the app there again"):
        _ = _credential(world).value
    fresh = world.install(ONE, rotates=True)
    assert _credential(world).value == fresh


def test_while_another_function_is_at_it_who_has_none_waits_for_it(
    world: Installed, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.install(ONE, rotates=True)
    monkeypatch.setattr("shared.installations.credentials.WAIT", 0.3)
    _pass(world, database_url, 43_200 + HOUR)
    found = world.table.find(WHERE)
    assert found and world.table.lease(found, "other", 30)
    with pytest.raises(ActionUnavailable, match="another function is getting") as away:
        _ = _credential(world).value
    assert away.value.retryable and not away.value.sent


@pytest.mark.parametrize("status", [500, 429, 0])
def test_while_slack_is_away_the_present_token_goes_on(
    world: Installed, database_url: str, status: int
) -> None:
    token = world.install(ONE, rotates=True)
    _pass(world, database_url, 43_200 - HOUR)
    world.slack.fail_next("oauth.v2.access", status=status or 200)
    assert _credential(world).value == token
    # Its lease ends by itself; then the next function gets the next token.
    with psycopg.connect(database_url, autocommit=True) as owner:
        owner.execute("update slack_installations set rotating_until = now() - interval '1 s'")
    assert _credential(world).value != token


class ForgetfulDatabase(Database):
    """It is away when the next token should be kept."""

    away = True

    def run(self, tenant: str, statements: Sequence[Statement]) -> list[list[Row]]:
        if self.away and any("%(version)s + 1" in one.sql for one in statements):
            raise DatabaseUnavailable("away")
        return super().run(tenant, statements)


def test_a_token_that_could_not_be_kept_is_kept_with_its_next_use(
    world: Installed, database_url: str
) -> None:
    world.install(ONE, rotates=True)
    world.install(TWO)
    _pass(world, database_url, 43_200 - HOUR)
    with closing(ForgetfulDatabase(database_url)) as database:
        credential = _credential(world, database)
        fresh = credential.value
        assert world.slack.apps.installed.place(fresh) == ONE
        database.away = False
        assert credential.value == fresh
    assert _credential(world).value == fresh
    assert world.slack.apps.installed.rotations == 1
