"""The deployment's step that migrates: one attempt however long it takes, joined, gone on with."""

import io
import json
import os
import platform
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import boto3
import psycopg
import pytest
from botocore.config import Config

from infra.bundle.build import build
from infra.bundle.target import BuildTarget
from infra.deploy import wizard
from infra.deploy.stack import DeployError
from infra.deploy.steps.migrate import migrate, to_come
from infra.local.aws.cloud import LocalCloud
from infra.migrations.files import Migration, migrations
from infra.migrations.logins import invented_urls
from infra.migrations.progress import Progress, progress
from infra.project import ROOT
from shared.errors import SettingsError
from tests.waiting import wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bundles are for Linux")

NAME = "agent-flows"  # the local stack's, and so the function's
#: A file that is applied once a session says `go`.
_WAITING = """do $$ begin
  while not exists (
    select from pg_stat_activity where application_name = 'go' and datname = current_database()
  ) loop
    perform pg_sleep(0.02), pg_stat_clear_snapshot();
  end loop;
end $$;
"""
SLOW = f"create table slow (id int);\n{_WAITING}"
STEPS = """-- step: first
create table stepped (id int);
-- step: second
create table second (id int);
select pg_sleep({});
"""


class Deployed(NamedTuple):
    """The stack of the function that migrates, with files of its own after those that ship."""

    cloud: LocalCloud
    client: Any
    folder: Path
    url: str

    def ship(self, sql: str, number: int = 9001) -> None:
        (self.folder / f"infra/migrations/{number}_added.sql").write_text(sql)

    def go(self) -> "psycopg.Connection[Any]":
        """Let SLOW go on while this connection is open."""
        return psycopg.connect(self.url, application_name="go")

    def attempts(self) -> int:
        with psycopg.connect(self.url) as connection:
            row = connection.execute("select count(*) from migration_runs").fetchone()
            return int(row[0]) if row else 0


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The function as it is deployed."""
    folder = tmp_path_factory.mktemp("built") / "Migrate"
    machine = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    build("Migrate", folder, BuildTarget(python, machine))
    return folder


@pytest.fixture
def deployed(database_url: str, bundle: Path) -> Iterator[Deployed]:
    with deployed_on(database_url, bundle) as deployed:
        yield deployed


@contextmanager
def deployed_on(database_url: str, bundle: Path) -> Iterator[Deployed]:
    urls = {**invented_urls(database_url, lambda _: "x"), "owner": database_url}
    with LocalCloud(
        ROOT / "infra/schema.yaml",
        secrets={f"{NAME}/database/{kind}": {"database_url": url} for kind, url in urls.items()},
        code={"Migrate": bundle},
    ) as cloud:
        # A client that would lose patience with a call that lasts as long as the migration.
        config = Config(read_timeout=30, retries={"total_max_attempts": 1})
        session = boto3.Session("local", "local", region_name="us-east-1")
        endpoint = cloud.endpoints["AWS_ENDPOINT_URL_LAMBDA"]
        client = session.client("lambda", endpoint_url=endpoint, config=config)
        yield Deployed(cloud, client, bundle, database_url)
    for file in bundle.glob("infra/migrations/9*.sql"):
        file.unlink()


def test_the_step_migrates_once_makes_the_logins_and_says_what_it_did(deployed: Deployed) -> None:
    before = deployed.attempts()
    deployed.ship(SLOW)
    said: list[str] = []
    with ThreadPoolExecutor() as pool:
        done = pool.submit(migrate, deployed.client, NAME, said.append)
        wait_for(lambda: said)
        with deployed.go():
            told = done.result()
    assert told.applied == ["9001_added"]
    assert {login.rpartition("_")[0].rpartition("_")[2] for login in told.logins} == {
        *("runtime", "operator", "reader")
    }
    assert "applied 9001_added" in said
    assert any(line.startswith("9001_added: ") and "1 to come" in line for line in said)
    assert deployed.attempts() == before + 1
    assert migrate(deployed.client, NAME, said.append).applied == []


def test_the_schema_comes_before_the_functions_and_what_is_live_after_them() -> None:
    names = [step.name for step in wizard.STEPS]
    assert names.index("schema") < names.index("functions") < names.index("live")


def test_a_slow_migration_is_invoked_once(deployed: Deployed) -> None:
    """boto3 invokes a synchronous Lambda again when it does not answer in time."""
    before = deployed.attempts()
    deployed.ship(SLOW)
    started: list[str] = []
    real = deployed.client.invoke

    class Counting:
        def invoke(self, **call: Any) -> Any:
            if call.get("InvocationType") == "Event":
                started.append(call["Payload"])
            return real(**call)

    with ThreadPoolExecutor() as pool:
        said: list[str] = []
        done = pool.submit(migrate, Counting(), NAME, said.append)
        wait_for(lambda: said)  # it was looked at for a second, and more often
        with deployed.go():
            done.result()
    assert (len(started), deployed.attempts()) == (1, before + 1)


def test_ctrl_c_leaves_it_running_and_the_next_deployment_joins(deployed: Deployed) -> None:
    deployed.ship(SLOW)
    before = deployed.attempts()

    def interrupted(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(deployed.client, NAME, interrupted)
    assert progress(deployed.url).running
    said: list[str] = []
    with ThreadPoolExecutor() as pool:
        done = pool.submit(migrate, deployed.client, NAME, said.append)
        wait_for(lambda: said)
        with deployed.go():
            told = done.result()
    assert told.applied == ["9001_added"]
    assert said[0].startswith("9001_added: ")
    assert deployed.attempts() <= before + 2  # the second finds it done, and looks at the logins


def test_two_deployments_at_once_apply_all_once(deployed: Deployed) -> None:
    deployed.ship(SLOW)
    with ThreadPoolExecutor() as pool:
        said: tuple[list[str], ...] = ([], [])
        told = [pool.submit(migrate, deployed.client, NAME, one.append) for one in said]
        wait_for(lambda: all(said))
        with deployed.go():
            assert [one.result().applied for one in told] == [["9001_added"]] * 2
    with psycopg.connect(deployed.url) as connection:
        rows = connection.execute(
            "select id from migration_runs where '9001_added' = any (applied)"
        )
        assert len(rows.fetchall()) == 1


def test_a_function_that_is_killed_is_invoked_again_and_goes_on(deployed: Deployed) -> None:
    deployed.ship(STEPS.format(60))
    said: list[str] = []

    def kill() -> None:
        wait_for(lambda: "step 2 of 2" in progress(deployed.url).doing)
        deployed.ship(STEPS.format(0))
        for pid in deployed.cloud.processes:
            os.kill(pid, signal.SIGKILL)

    with ThreadPoolExecutor() as pool:
        killed = pool.submit(kill)
        told = migrate(deployed.client, NAME, said.append)
        killed.result()
    assert told.applied == ["9001_added"]


def test_a_migration_that_fails_stops_the_deployment_with_its_reason(deployed: Deployed) -> None:
    deployed.ship("alter table runs add column state text;")
    with pytest.raises(SettingsError, match=r'^9001_added: column "state" of relation "runs" alr'):
        migrate(deployed.client, NAME, lambda line: None)
    deployed.ship("select 1;")
    assert migrate(deployed.client, NAME, lambda line: None).applied == ["9001_added"]


def test_the_database_hears_which_code_is_live(deployed: Deployed) -> None:
    deployed.ship("-- contract\ndrop table if exists nothing;")
    told = migrate(deployed.client, NAME, lambda line: None)
    assert (told.applied, told.held) == ([], ["9001_added"])
    deployed.cloud.invoke("Migrate", {"live": "this"})
    deployed.cloud.invoke("Migrate", {"live": "older"})
    assert migrate(deployed.client, NAME, lambda line: None).held == ["9001_added"]
    deployed.cloud.invoke("Migrate", {"live": "this"})
    assert migrate(deployed.client, NAME, lambda line: None).applied == ["9001_added"]


def test_what_is_to_come_is_named_and_nothing_is_applied(deployed: Deployed) -> None:
    """The function is of the release before, and knows nothing of the files to come."""
    shipped, attempts = migrations(), deployed.attempts()
    assert [*to_come(deployed.client, NAME, shipped)] == []
    added = [
        Migration(9001, "slots", "alter table runs add column slot int;"),
        Migration(
            9002,
            "fill",
            "-- step: fill, in batches\nselect %(after)s;\n"
            "-- step: index, concurrently\ncreate index concurrently one on runs (slot);\n",
        ),
        Migration(9003, "gone", "-- contract\nalter table runs drop column slot;"),
    ]
    assert [*to_come(deployed.client, NAME, [*shipped, *added])] == [
        "9001_slots: expands, in one transaction",
        "9002_fill: expands, in steps: fill (in batches), index (concurrently)",
        "9003_gone: contracts, in one transaction; waits until no older code is live",
    ]
    changed = shipped[0]._replace(sql="select 1;")
    with pytest.raises(SettingsError, match="was applied with other content"):
        [*to_come(deployed.client, NAME, [changed, *shipped[1:]])]
    assert deployed.attempts() == attempts


def test_a_function_that_cannot_tell_what_is_to_come_is_said_to_be() -> None:
    class Older:
        """Answers as a function that knows no `record`, and would migrate for another event."""

        def invoke(self, Payload: bytes, **_: Any) -> dict[str, Any]:
            assert json.loads(Payload)["progress"] is True
            return {"Payload": io.BytesIO(json.dumps(Progress()._asdict()).encode())}

    with pytest.raises(DeployError, match="is of a release that cannot tell"):
        [*to_come(Older(), "agents-schema", migrations())]


def test_a_database_that_cannot_be_asked_is_said_to_be(database_url: str, bundle: Path) -> None:
    nobody = database_url.replace("postgres@", "nobody@")
    with (
        deployed_on(nobody, bundle) as deployed,
        pytest.raises(DeployError, match=f"{NAME} could not ask the database: .*not exist"),
    ):
        migrate(deployed.client, NAME, lambda line: None)


@pytest.mark.parametrize("answer", [None, [], "x"])
def test_an_answer_that_is_none_fails_the_deployment(
    answer: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.deploy.steps.migrate._PAUSES", (0.0, 0.0))

    class Answering:
        def invoke(self, **_: Any) -> dict[str, Any]:
            return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    with pytest.raises(DeployError, match="agents-schema could not ask the database: no answer"):
        migrate(Answering(), "agents-schema", lambda line: None)
