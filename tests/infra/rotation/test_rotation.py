"""Passwords are rotated on a real Postgres and a Secrets Manager (emulated: moto), stopped anywhere
and repeated, without a moment at which nobody can sign in."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import psycopg
import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.secretsmanager.models import secretsmanager_backends

from infra.rotation import handler
from infra.rotation.steps import STEPS
from infra.rotation.versions import SecretVersions, ask_aws
from shared.database import ROLE, Database, Statement, connect
from shared.errors import SettingsError
from shared.settings import Credential
from tests.database.strict_server import StrictServer
from tests.moto_server import moto_server

Json = dict[str, Any]
ONE = Statement("select 1 as one", {})


class Keeper:
    """The secret of a login in moto."""

    def __init__(self, client: Any, url: str, **more: str) -> None:
        self.client = client
        self.name = f"agents/database/{uuid.uuid4().hex[:8]}"
        client.create_secret(Name=self.name, SecretString=json.dumps({"database_url": url, **more}))

    def begin(self) -> str:
        """Do what Secrets Manager does first: a new version waits, without a value. moto would make
        it the current one at once."""
        token = str(uuid.uuid4())
        secrets = secretsmanager_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].secrets
        waiting = {"version_id": token, "version_stages": ["AWSPENDING"], "createdate": 0}
        secrets[self.name].remove_version_stages_from_old_versions(["AWSPENDING"])
        secrets[self.name].versions[token] = waiting
        return token

    def step(self, name: str, token: str) -> None:
        handler({"SecretId": self.name, "ClientRequestToken": token, "Step": name}, None)

    def rotate(self, token: str) -> None:
        for name in STEPS:
            self.step(name, token)

    def values(self, label: str = "AWSCURRENT") -> Json:
        found = self.client.get_secret_value(SecretId=self.name, VersionStage=label)
        values: Json = json.loads(found["SecretString"])
        return values

    @property
    def url(self) -> str:
        return str(self.values()["database_url"])


@pytest.fixture(scope="module")
def manager() -> Iterator[Any]:
    with moto_server() as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", url)
        patch.setenv("AWS_ACCESS_KEY_ID", "x")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        patch.setenv("AWS_REGION", "us-east-1")
        yield boto3.client("secretsmanager", endpoint_url=url, region_name="us-east-1")


@pytest.fixture
def login(strict: StrictServer) -> Iterator[str]:
    """A login of a test alone."""
    name = f"login_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(strict.admin, autocommit=True) as admin:
        admin.execute(f"create role {name} login noinherit password 'first'".encode())
        admin.execute(f"grant {ROLE} to {name}".encode())
        yield strict.admin.replace("postgres@", f"{name}:first@")
        admin.execute(f"drop role {name}".encode())


Kept = Callable[..., Keeper]


@pytest.fixture
def kept(manager: Any) -> Kept:
    return lambda url, **more: Keeper(manager, url, **more)


def lets_in(url: str) -> bool:
    try:
        connect(url, patience=1).close()
    except SettingsError:
        return False
    return True


def test_a_rotation_changes_the_password_and_keeps_the_rest(kept: Kept, login: str) -> None:
    keeper = kept(login, note="stays")
    keeper.rotate(keeper.begin())
    assert keeper.values()["note"] == "stays"
    assert keeper.url != login
    assert lets_in(keeper.url)
    assert not lets_in(login)
    assert keeper.values("AWSPREVIOUS")["database_url"] == login


ORDERS = [
    ["createSecret", "createSecret", "setSecret", "testSecret", "finishSecret"],
    ["createSecret", "setSecret", "setSecret", "testSecret", "testSecret", "finishSecret"],
    ["createSecret", "setSecret", "createSecret", "setSecret", "testSecret", "finishSecret"],
    ["createSecret", "setSecret", "testSecret", "finishSecret", "finishSecret", "createSecret"],
]


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_each_step_may_be_repeated(kept: Kept, login: str, order: list[str]) -> None:
    keeper = kept(login)
    token = keeper.begin()
    for step in order:
        keeper.step(step, token)
        current, before = keeper.url, keeper.values()
    assert lets_in(current)
    assert before == keeper.values()
    assert not lets_in(login)


@pytest.mark.parametrize("done", [1, 2, 3])
def test_a_rotation_that_stopped_is_gone_on_with_by_the_next(
    kept: Kept, login: str, done: int
) -> None:
    """Another token: the first was given up after so many steps."""
    keeper = kept(login)
    first = keeper.begin()
    for step in [*STEPS][:done]:
        keeper.step(step, first)
    keeper.rotate(first)
    keeper.rotate(keeper.begin())
    assert lets_in(keeper.url)


def test_when_somebody_changed_the_password_the_owner_sets_the_new_one(
    kept: Kept, login: str, strict: StrictServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = kept(login.replace(":first@", ":unknown@"))
    token = keeper.begin()
    keeper.step("createSecret", token)
    with pytest.raises(SettingsError, match="set one by hand"):
        keeper.step("setSecret", token)
    with psycopg.connect(strict.admin, autocommit=True) as admin:
        name = psycopg.conninfo.conninfo_to_dict(login)["user"]
        admin.execute(f"grant {name} to deployer with admin option".encode())
    monkeypatch.setenv("SECRETS", kept(strict.owner).name)
    keeper.rotate(token)
    assert lets_in(keeper.url)


def test_the_owner_rotates_itself_and_the_password_that_its_stack_reads(
    kept: Kept, strict: StrictServer
) -> None:
    keeper = kept(strict.owner, password="first")
    try:
        keeper.rotate(keeper.begin())
        assert lets_in(keeper.url)
        assert not lets_in(strict.owner)
        password = psycopg.conninfo.conninfo_to_dict(keeper.url)["password"]
        assert keeper.values()["password"] == password != "first"
    finally:
        with psycopg.connect(strict.admin, autocommit=True) as admin:
            admin.execute("alter role deployer password 'first'")


def test_a_function_goes_on_while_its_password_is_rotated(kept: Kept, login: str) -> None:
    keeper = kept(login)

    class Read(Credential):
        """A login that is read again when it is refused."""

        def renewed(self, refused: str) -> str:
            self._value = keeper.url
            return self._value if self._value != refused else ""

    with Database(Read(login), own_login=True) as database:
        token = keeper.begin()
        for step in STEPS:
            keeper.step(step, token)
            assert database.run("acme", [ONE]) == [[{"one": 1}]]
        database.close()
        assert database.run("acme", [ONE]) == [[{"one": 1}]]


def test_a_version_of_another_login_changes_nothing(kept: Kept, login: str) -> None:
    keeper = kept(login)
    token = keeper.begin()
    other = login.replace("login_", "other_")
    keeper.client.put_secret_value(
        SecretId=keeper.name,
        ClientRequestToken=token,
        SecretString=json.dumps({"database_url": other}),
        VersionStages=["AWSPENDING"],
    )
    with pytest.raises(SettingsError, match="for two logins or databases"):
        keeper.step("setSecret", token)
    assert lets_in(login)


def test_what_nobody_asked_for_is_refused(kept: Kept, login: str) -> None:
    keeper = kept(login)
    with pytest.raises(SettingsError, match="no version"):
        keeper.step("createSecret", str(uuid.uuid4()))
    with pytest.raises(SettingsError, match="no step"):
        keeper.step("dropSecret", keeper.begin())
    with pytest.raises(
        SettingsError, match="ResourceNotFoundException; look at the function's policy"
    ):
        SecretVersions("agents/none", ask_aws).is_new("x")


def test_a_schedule_that_is_set_tests_the_present_password(kept: Kept, login: str) -> None:
    keeper = kept(login)
    keeper.step("testSecret", keeper.begin())


def test_no_log_holds_a_password(
    kept: Kept, login: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    keeper = kept(login)
    keeper.rotate(keeper.begin())
    said = capsys.readouterr().out + caplog.text
    assert str(psycopg.conninfo.conninfo_to_dict(keeper.url)["password"]) not in said
