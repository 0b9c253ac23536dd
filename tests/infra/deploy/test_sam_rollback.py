"""./scripts/deploy from a checkout, with SAM and a database with data in it: it deploys, upgrades,
rolls back and upgrades again (--all; test_rollback.py has the rest)."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.campaigns import sample
from tests.database.rows import insertion, tables
from tests.database.tls_front import Authority, Front
from tests.infra.deploy.emulated.checkout import Account, Checkout
from tests.infra.deploy.test_sam_deploy import RUNTIME, account

__all__ = ["account"]
Connection = psycopg.Connection[Any]
HOST = "db.example.com"
#: Of the second release: columns and an index more. The last waits until no older code is live.
SECOND = {
    "_9001_later": "alter table runs add column later int;",
    "_9002_sorted": "-- step: column\nalter table plans add column sorted int;\n"
    "-- step: index, concurrently\ncreate index concurrently plans_sorted on plans (sorted);\n",
    "_9003_away": "-- contract\ncreate table taken_away (x int);",
}
THIRD = {"_9004_latest": "alter table runs add column latest text not null default 'x';"}

pytestmark = [
    pytest.mark.sam,
    pytest.mark.skipif(sys.platform != "linux", reason="bundles are for Linux"),
]


class Deployment:
    """The account, the checkout that deploys to it, and the database."""

    def __init__(self, account: Account, checkout: Checkout, owner: Connection) -> None:
        self._account, self.checkout, self._owner = account, checkout, owner
        owner.execute("set session_replication_role = replica")  # a row needs no others

    def deploy(self, *words: str, code: int = 0) -> str:
        place = ["--runtime", RUNTIME, "--architecture", "x86_64"]
        done = self.checkout.deploy(self._account, *place, *words)
        assert done.returncode == code, done.stdout
        assert "pa55w0rd" not in done.stdout
        assert "Traceback" not in done.stdout
        return done.stdout

    def check_live(self, release: int) -> None:
        """Check that callers of each function get this release, and the version of it."""
        lambdas = self._account.client("lambda")
        names = [one["FunctionName"] for one in lambdas.list_functions()["Functions"]]
        live = {
            name: lambdas.get_alias(FunctionName=name, Name="live")["FunctionVersion"]
            for name in names
            if name != "agents-schema"
        }
        assert len(live) > 3
        assert live == dict.fromkeys(live, str(release))
        for name in ("agents-plan", "agents-retention"):
            said = lambdas.invoke(FunctionName=f"{name}:live", Payload=b"{}")["Payload"].read()
            assert json.loads(said) == {"release": release}

    def insertions(self) -> list[bytes]:
        """Return how the code of now writes a row into each table."""
        return [insertion(self._owner, one, "TENANT") for one in tables(self._owner)]

    def write(self, insertions: list[bytes], tenant: str) -> None:
        for one in insertions:
            self._owner.execute(one.replace(b"TENANT", tenant.encode()))

    def contents(self, *tenants: str) -> dict[str, list[Any]]:
        """Return all rows of these tenants, without columns that are newer."""
        newer = ["later", "latest", "sorted"]
        ask = sql.SQL(
            "select to_jsonb(t) - %s::text[] from {} as t where tenant = any(%s) order by 1"
        )
        return {
            table: self._owner.execute(
                ask.format(sql.Identifier(table)), [newer, [*tenants]]
            ).fetchall()
            for table in tables(self._owner)
        }

    def schema(self) -> set[str]:
        """Return the columns and the indexes."""
        rows = self._owner.execute(
            "select table_name || '.' || column_name from information_schema.columns"
            " where table_schema = 'public'"
            " union select indexname from pg_indexes where schemaname = 'public'"
        )
        return {name for (name,) in rows}


@pytest.fixture
def deployment(account: Account, url: str, tmp_path: Path) -> Iterator[Deployment]:
    """A first release, not deployed yet, with an empty database that AWS reaches over TLS."""
    authority = Authority(tmp_path)
    with (
        psycopg.connect(url, autocommit=True) as owner,
        Front(url, authority.context(HOST)) as front,
    ):
        where = f"{HOST}:{front.port}/{owner.info.dbname}?hostaddr=127.0.0.1&sslmode=verify-full"
        settings = {
            "ALARM_EMAIL": "ops+agents@acme.com",
            "MAX_CONCURRENCY": "7",
            "DATABASE_URL": f"postgresql://postgres:pa55w0rd@{where}&gssencmode=disable",
            "DATABASE_CA": str(authority.ca),
        }
        checkout = Checkout(tmp_path / "checkout", ["Plan", "Retention"], built=["Migrate"])
        checkout.stage(settings, github="no", slack="no")
        yield Deployment(account, checkout, owner)


NONE_BEFORE = "no deployment before this one is known"


@pytest.mark.parametrize("_", sample(["whole"], 0))
def test_a_rollback_between_two_upgrades_loses_nothing(deployment: Deployment, _: str) -> None:
    deployment.deploy()
    deployment.check_live(1)
    as_first = deployment.insertions()
    deployment.write(as_first, "one")
    assert all(deployment.contents("one").values())
    _upgrade(deployment)
    _roll_back(deployment)
    deployment.write(as_first, "three")  # older code writes on
    kept = deployment.contents("one", "two", "three")
    _upgrade_again(deployment)
    assert deployment.contents("one", "two", "three") == kept
    # The second release has what was taken away, and the first has not.
    assert "agents-plan: version 3 → 2" in deployment.deploy("--rollback")
    deployment.check_live(2)
    assert NONE_BEFORE in deployment.deploy("--rollback", code=1)
    deployment.check_live(2)
    assert deployment.contents("one", "two", "three") == kept


def _upgrade(deployment: Deployment) -> None:
    kept, first = deployment.contents("one"), deployment.schema()
    deployment.checkout.release(2, **SECOND)
    said = deployment.deploy()
    assert "applied 9001_later" in said
    assert "applied 9002_sorted" in said
    assert "9003_away waits for a later deployment" in said
    deployment.check_live(2)
    assert first < deployment.schema()
    assert {name: deployment.contents("one")[name] for name in kept} == kept
    deployment.write(deployment.insertions(), "two")


def _roll_back(deployment: Deployment) -> None:
    kept, second = deployment.contents("one", "two"), deployment.schema()
    said = deployment.deploy("--rollback")
    assert "agents-plan: version 2 → 1" in said
    assert said.endswith("the next ./scripts/deploy goes forward again, all at once\n")
    deployment.check_live(1)
    said = deployment.deploy("--rollback", code=1)
    assert NONE_BEFORE in said.splitlines()[-1]
    deployment.check_live(1)
    assert deployment.schema() == second
    assert deployment.contents("one", "two") == kept


def _upgrade_again(deployment: Deployment) -> None:
    second = deployment.schema()
    said = deployment.deploy()
    assert "takes over all at once" in said
    deployment.check_live(2)
    assert deployment.schema() == second, "nothing is taken away: the first release was live"
    deployment.checkout.release(3, **THIRD)
    said = deployment.deploy()
    assert "applied 9003_away" in said
    assert "applied 9004_latest" in said
    deployment.check_live(3)
    assert second < deployment.schema()
