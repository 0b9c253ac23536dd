"""A run starts with a login that owns nothing and may do no more than its work, or not at all."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from infra.migrations.logins import ROLES, invented_urls, make_logins
from shared.database import OPERATOR, READER, ROLE, Database, Statement
from shared.errors import SettingsError


def test_a_function_works_with_the_login_made_for_it(login_urls: dict[str, str]) -> None:
    for kind, role in ROLES.items():
        with Database(login_urls[kind], role=role, own_login=True, patience=1) as database:
            asked = Statement("select session_user <> current_user as apart, current_user", {})
            for _ in range(2):
                [[row]] = database.run("acme", [asked])
                assert (row["apart"], row["current_user"]) == (True, role)


@pytest.mark.parametrize(
    ("kind", "role"), [("runtime", OPERATOR), ("reader", ROLE), ("runtime", READER)]
)
def test_a_login_acts_as_no_role_but_its_own(
    login_urls: dict[str, str], kind: str, role: str
) -> None:
    with (
        Database(login_urls[kind], role=role, patience=1) as database,
        pytest.raises(SettingsError, match=f"may not act as {role}; grant {role} to "),
    ):
        database.run("acme", [])


TOO_MUCH = {
    "superuser": "is a superuser",
    "bypassrls": "may bypass row level security",
    "createrole": "may make roles",
    "createdb": "or databases",
    "in role agent_flows_definer": "may act as the owner",
    "in role postgres": "may act as the owner",
}


@contextmanager
def login(owner: psycopg.Connection[Any], options: str) -> Iterator[str]:
    name = f"login_{uuid.uuid4().hex[:12]}"
    owner.execute(f"create role {name} login {options}".encode())
    owner.execute(f"grant agent_flows to {name}".encode())
    try:
        yield name
    finally:
        owner.execute(f"drop owned by {name}".encode())
        owner.execute(f"drop role {name}".encode())


@pytest.mark.parametrize("options", list(TOO_MUCH))
def test_no_run_starts_with_a_login_that_may_do_more(
    owner: psycopg.Connection[Any], database_url: str, options: str
) -> None:
    with login(owner, options) as name:
        url = database_url.replace("postgres@", f"{name}@")
        with Database(url, own_login=True, patience=1) as database:
            for _ in range(2):
                with pytest.raises(
                    SettingsError, match=f"{TOO_MUCH[options]}.* a login of its own"
                ):
                    database.run("acme", [Statement("select 1", {})])


@pytest.mark.parametrize(
    "given",
    [
        'grant temporary on database "{database}" to {name}',
        'grant create on database "{database}" to public',
        "grant create on schema public to agent_flows, {name}",
        "create schema {name} authorization {name}",
        "alter table turns owner to {name}",
    ],
)
def test_no_run_starts_with_a_login_that_makes_or_owns_something(
    owner: psycopg.Connection[Any], database_url: str, given: str
) -> None:
    with login(owner, "noinherit") as name:
        statement = given.format(name=name, database=owner.info.dbname)
        url = database_url.replace("postgres@", f"{name}@")
        with Database(url, own_login=True, patience=1) as database:
            assert database.run("acme", []) == []
            owner.execute(statement.encode())
            database.close()
            with pytest.raises(SettingsError, match=r"owns something|may make temporary tables"):
                database.run("acme", [])
        if "owner to" in given:
            owner.execute("alter table turns owner to current_user")


def test_one_login_may_serve_all_functions(
    owner: psycopg.Connection[Any], database_url: str
) -> None:
    with login(owner, "in role agent_flows_operator, agent_flows_reader") as name:
        url = database_url.replace("postgres@", f"{name}@")
        for role in ROLES.values():
            with Database(url, role=role, own_login=True, patience=1) as database:
                assert database.run("acme", []) == []


# How logins are made


def test_logins_are_made_once_and_their_passwords_are_not_sent(
    owner: psycopg.Connection[Any], database_url: str
) -> None:
    urls = invented_urls(database_url)
    names = [url.partition("://")[2].partition(":")[0] for url in urls.values()]
    try:
        assert make_logins(database_url, urls) == names
        assert make_logins(database_url, urls) == []
        for name in names:
            kept = owner.execute(
                "select rolpassword, rolinherit from pg_authid where rolname = %s", [name]
            ).fetchone()
            assert kept is not None
            assert kept[0].startswith("SCRAM-SHA-256$")
            assert kept[1] is False
        for kind, url in urls.items():
            with Database(url, role=ROLES[kind], own_login=True, patience=1) as database:
                assert database.run("acme", []) == []
    finally:
        for name in names:
            owner.execute(f'drop owned by "{name}"'.encode())
            owner.execute(f'drop role "{name}"'.encode())


@pytest.mark.parametrize("url", ["host=db.example.com dbname=flows user=me password=p", "flows"])
def test_invented_logins_are_written_as_the_owners_url_is(url: str) -> None:
    if url == "flows":
        url = "postgresql://me:p%40ss@db.example.com:6432/flows?sslmode=require"
    urls = invented_urls(url, lambda kind: f"{kind}-secret")
    assert set(urls) == set(ROLES)
    assert all("me" not in made.split("@")[0].split("://")[-1].split(":") for made in urls.values())
    assert "flows_operator_login" in urls["operator"]
    assert "operator-secret" in urls["operator"]
    assert "db.example.com" in urls["operator"]


def test_an_owner_that_may_not_make_logins_says_so(
    owner: psycopg.Connection[Any], database_url: str
) -> None:
    with login(owner, "") as name:
        url = database_url.replace("postgres@", f"{name}@")
        with pytest.raises(SettingsError, match=r"may not make the login .*make it by hand"):
            make_logins(url, invented_urls(url))
