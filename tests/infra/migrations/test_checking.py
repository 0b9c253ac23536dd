"""The check of a database says what a deployment would stumble over, on real servers."""

import psycopg
import pytest

from infra.migrations.checking import check
from tests.database.pooler import ABSENT, PROGRAM, Pooler
from tests.database.strict_server import CONNECTIONS, StrictServer


def test_a_good_database_has_no_problem_and_tells_its_connections(strict: StrictServer) -> None:
    facts = check(strict.owner, patience=2)
    assert facts["problems"] == facts["notes"] == []
    assert facts["connections"] == CONNECTIONS - 1
    with psycopg.connect(strict.admin.replace("/agent_flows", "/postgres")):
        assert check(strict.owner)["connections"] == CONNECTIONS - 2, "another database's are taken"
    with psycopg.connect(strict.admin, autocommit=True) as admin:
        admin.execute("alter database agent_flows connection limit 5")
        try:
            assert check(strict.owner)["connections"] == 5
        finally:
            admin.execute("alter database agent_flows connection limit -1")


TURNED = {
    "alter database agent_flows set default_transaction_read_only = on": "only reads",
    "revoke create on database agent_flows from deployer": "may not create in the database",
    "alter role deployer nologin": "not permitted to log in",
}
BACK = (
    "alter database agent_flows reset default_transaction_read_only",
    "grant create on database agent_flows to deployer",
    "alter role deployer login",
)


@pytest.mark.parametrize("change", list(TURNED))
def test_each_thing_that_is_wrong_is_a_problem(strict: StrictServer, change: str) -> None:
    with psycopg.connect(strict.admin, autocommit=True) as admin:
        admin.execute("set default_transaction_read_only = off")
        admin.execute(change.encode())
        try:
            problems = check(strict.owner, patience=0.2)["problems"]
        finally:
            for back in BACK:
                admin.execute(back.encode())
    assert any(TURNED[change] in problem for problem in problems), problems


def test_a_login_with_few_rights_is_noted(strict: StrictServer) -> None:
    facts = check(strict.logins["runtime"])
    assert any("may not create in the database" in problem for problem in facts["problems"])
    assert any("may not make roles" in note for note in facts["notes"])
    assert any("does not own the database" in note for note in facts["notes"])


def test_a_wrong_password_and_no_server_are_said_without_them(strict: StrictServer) -> None:
    (problem,) = check(strict.owner.replace(":first@", ":secret1234@"))["problems"]
    assert "password authentication failed" in problem
    assert "secret1234" not in problem
    (problem,) = check("postgresql://u:secret1234@127.0.0.1:1/x", patience=0.1)["problems"]
    assert "no answer from Postgres" in problem
    assert "secret1234" not in problem


@pytest.mark.skipif(not PROGRAM, reason=ABSENT)
def test_the_owner_is_not_to_go_through_a_pooler(postgres_url: str, database_url: str) -> None:
    with psycopg.connect(database_url) as owner:
        name = owner.info.dbname
    with Pooler(postgres_url, ["postgres"], 1) as pooler:
        problems = check(pooler.url("postgres", name))["problems"]
    assert any("leads to a pooler" in problem for problem in problems)
