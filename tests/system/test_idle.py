"""When all is done the whole local system asks its database nothing, until something happens."""

import time
from pathlib import Path

import psycopg
import pytest

from infra.cli.__main__ import main as flows
from infra.deploy.looks import wake
from infra.local.sandbox.slack.workspace import BOT_USER, SUPPORT
from infra.local.system import System
from shared.aws.looks import KINDS
from tests.models.scripted_server import Says, ScriptedServer
from tests.system.conftest import query
from tests.system.quick import shipped_template
from tests.system.test_bad_things import commented, verdict
from tests.waiting import wait_for

#: Seconds for which it is watched. Nothing is set, so more of them would show the same.
_WATCHED = 3.0
#: What clients other than the one that asks did: how often they came, and when the last one spoke.
_DONE = """
select d.sessions, (
  select max(state_change) from pg_stat_activity
  where datname = d.datname and backend_type = 'client backend' and pid <> pg_backend_pid())
from pg_stat_database as d where d.datname = current_database()
"""


def test_an_idle_hour_asks_the_database_nothing(
    data_directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        ScriptedServer() as model,
        System(
            data=data_directory,
            environment={
                "MODEL_SMALL": f"{model.url}/v1#scripted",
                "MODEL_LARGE": f"{model.url}/v1#scripted",
                "MODEL_EMBED": "hashing",
            },
            template=shipped_template(data_directory),
        ) as system,
    ):
        model.says(verdict("bug"))
        assert system.github and system.slack
        number = system.github.open_issue("acme/shop", "Checkout crashes", "A trace.")
        assert "It is about the checkout." in commented(system, number)
        model.says(Says("Ada does."))
        system.slack.say(SUPPORT, f"<@{BOT_USER}> Who owns the checkout?")
        [look] = wait_for(lambda: looks(system), log="the answer leaves facts to look for")
        assert flows(["--data", str(data_directory), "timers"]) == 0
        assert look in capsys.readouterr().out
        wake(system.cloud.client("sns"), system.cloud.stack_name, KINDS)
        rest(system)
        while set_ := system.cloud.timers:  # an hour, in a moment
            for name in set_:
                system.cloud.fire(name)
            rest(system)
        assert len(system.cloud.schedules) == 2, "once a day, and every 15 minutes"
        [redelivery] = [name for name in system.cloud.schedules if "redelivery" in name]
        assert query(system, "show idle_session_timeout") == [("5min",)]
        sessions, last = done(system)
        system.cloud.fire(redelivery)  # as every 15 minutes, without a database
        time.sleep(_WATCHED)
        assert done(system) == (sessions + 1, last), "beside the one that asks"


def looks(system: System) -> list[str]:
    return [name for name in system.cloud.timers if name.startswith("look-upkeep-")]


def rest(system: System) -> None:
    """Wait until no queue and no run is at work."""
    query(system, "update turns set created_at = created_at - interval '1 hour'")
    busy = "select 1 from runs where state in ('running', 'retrying', 'parked')"
    wait_for(
        lambda: (
            not query(system, busy)
            and not any(one.waiting or one.in_flight for one in system.cloud.queues().values())
        )
    )


def done(system: System) -> tuple[int, object]:
    with psycopg.connect(system.settings.database_url, autocommit=True) as connection:
        connection.execute("select pg_stat_force_next_flush()")
        [row] = connection.execute(_DONE.encode()).fetchall()
        return int(row[0]), row[1]
