"""What every test gets: no network beyond this machine, no keys, and a fresh database on request."""

import ipaddress
import os
import socket
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from infra.local.postgres import EmbeddedPostgres
from infra.migrations import migrate

_SERVERS = "agent-flows-tests-"
_TEMPLATE = "agent_flows_template"
_KEYS = (
    "OPENAI_", "ANTHROPIC_", "SLACK_", "GITHUB_", "AWS_", "MODEL_", "OLLAMA_HOST", "DATABASE_URL"
)  # fmt: skip


@pytest.fixture(scope="session", autouse=True)
def no_keys() -> Iterator[None]:
    """Clear what would lead a test to a person's own account: variables and AWS's files."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(_KEYS)]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Fail the test that looks up or connects to anything but this machine (in this process)."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        look_up = socket.getaddrinfo

        def getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
            if isinstance(host, str) and not _is_address(host):
                _refuse_stranger(host)
            return look_up(host, *rest, **options)

        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_stranger(arguments[-1][0])  # the address is sendto's last argument too
        return method(self, *arguments)

    return guarded


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _refuse_stranger(host: str) -> None:
    if host == "localhost" or host.endswith(".localhost"):
        return
    if not (_is_address(host) and ipaddress.ip_address(host).is_loopback):
        pytest.fail(f"the test reached for {host!r}; only this machine is allowed")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of this test process's own server, made for the session and removed after it."""
    _erase_left_servers()
    # Not under pytest's own directory: root closes it to the user that Postgres runs as.
    server = EmbeddedPostgres(
        Path(tempfile.gettempdir(), f"{_SERVERS}{uuid.uuid4().hex[:12]}"), durable=False
    )
    try:
        yield server.start()
    finally:
        server.erase()


def _erase_left_servers() -> None:
    """Remove the servers of test runs that were killed; those of living ones are owned."""
    for home in Path(tempfile.gettempdir()).glob(f"{_SERVERS}*"):
        if home.owner() == Path.home().owner() and time.time() - home.stat().st_mtime > 600:
            EmbeddedPostgres(home).erase()


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> str:
    """The name of a migrated database that is only ever copied."""
    _execute(postgres_url, "create database {}", _TEMPLATE)
    migrate(make_conninfo(postgres_url, dbname=_TEMPLATE))
    return _TEMPLATE


@pytest.fixture
def database_url(postgres_url: str, migrated_template: str) -> Iterator[str]:
    """The URL of a database of this test alone: migrated, empty, dropped after it."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _execute(postgres_url, "create database {} template {} strategy file_copy", name, _TEMPLATE)
    yield postgres_url.replace("/agent_flows?", f"/{name}?")
    _execute(postgres_url, "drop database {} with (force)", name)


def _execute(url: str, statement: Any, *names: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
