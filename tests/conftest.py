"""What every test gets: no network but this machine's, no keys, a fresh database on request."""

import gc
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, nullcontext, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from infra.local.postgres import EmbeddedPostgres
from infra.local.postgres_files import take
from infra.migrations import migrate
from infra.migrations.logins import ROLES, invented_urls, make_logins
from infra.project import ROOT
from shared.database import Database
from shared.testing import FlowRunner
from tests import campaigns
from tests.aws_descriptions import keep_descriptions
from tests.database.pooler import ABSENT, PROGRAM, Pooler
from tests.database.reused import ReusedDatabases, named
from tests.database.strict_server import StrictServer, strict_server
from tests.scratch import scratch
from tests.turns import leave_out_servers, put_in_turn

_SERVERS = "agent-flows-tests-"
_TEMPLATE = "agent_flows_template"
_PLATFORMS = ("GITHUB_", "SLACK_", "AWS_", "DATABASE_URL")
_MODELS = ("OPENAI_", "ANTHROPIC_", "OLLAMA_HOST", "MODEL_")

#: Connects to the test's database as a kind of function.
Connect = Callable[[str], Database]


def pytest_addoption(parser: pytest.Parser) -> None:
    ours = parser.getgroup("agent flows")
    ours.addoption("--all", action="store_true", help="run the campaigns whole")
    ours.addoption("--pooler", action="store_true", help="reach databases through PgBouncer")
    ours.addoption("--quick", action="store_true", help="skip what starts a server or a process")


def pytest_configure(config: pytest.Config) -> None:
    gc.set_threshold(20_000, 20, 20)  # a tenth of the time went into looking for garbage
    all_, quick = config.getoption("all"), config.getoption("quick")
    campaigns.choose("whole" if all_ else "quick" if quick else "sample")
    if quick:  # what is given up half-way leaves things open
        config.addinivalue_line("filterwarnings", "ignore::ResourceWarning")
        config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put what waits longest early, so that no worker is alone with it at the end.

    Leave out the tests of SAM where its environment would have to be made first.
    """
    if "botocore" in sys.modules:  # not for the tests of a file without AWS, which starts sooner
        keep_descriptions()
    if config.getoption("quick"):
        leave_out_servers(config, items)
    put_in_turn(items)
    if not config.getoption("all") and not _has_sam():
        skip = pytest.mark.skip(reason="SAM is not set up; --all or ./scripts/sam does it")
        for item in items:
            if item.get_closest_marker("sam"):
                item.add_marker(skip)


def pytest_collection_finish() -> None:
    """Look no more for garbage among what the whole run needs: tests, modules, parsed files."""
    gc.freeze()


def _has_sam() -> bool:
    """Tell whether SAM is set up with its linter, so that no test reaches for the network."""
    stamp = ROOT / ".venv-sam/stamp"
    return stamp.exists() and "sam-lint" in stamp.read_text("utf-8")


@pytest.fixture(scope="session", autouse=True)
def no_servers(request: pytest.FixtureRequest) -> Iterator[None]:
    """With --quick, skip a test as soon as it, or a fixture of it, starts a server or a process."""
    with pytest.MonkeyPatch.context() as patch:
        if request.config.getoption("quick"):
            patch.setattr(socket.socket, "listen", _close_and_skip)
            patch.setattr(subprocess.Popen, "__init__", _skip)
            # It listens in a thread, where a skip would be lost.
            patch.setattr("moto.server.ThreadedMotoServer.start", _skip)
        yield


def _close_and_skip(self: socket.socket, *_: Any) -> None:
    self.close()  # else it is found open when the run ends, which fails it
    _skip()


def _skip(*_: Any, **__: Any) -> None:
    pytest.skip("it starts a server or a process")  # no Exception: nothing survives it


@pytest.fixture(scope="session", autouse=True)
def no_keys() -> Iterator[None]:
    """Clear what leads to somebody's account or past the guard of the network: keys and proxies."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(_PLATFORMS + _MODELS) or name.lower().endswith("_proxy"):
                patch.delenv(name)
        patch.delenv("CALLED_FROM", raising=False)  # of ./scripts/test
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(autouse=True)
def same_environment() -> Iterator[None]:
    """Take back what a command that a test runs puts into the environment of its process."""
    before = dict(os.environ)
    yield
    before |= {name: value for name, value in os.environ.items() if name == "PYTEST_CURRENT_TEST"}
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Fail the test that looks up or connects to another machine. Child processes are not seen."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        look_up = socket.getaddrinfo

        def getaddrinfo(host: Any, *rest: Any, **options: Any) -> Any:
            name = host.decode() if isinstance(host, bytes) else host
            if name and not _address(name):  # an address is judged when it is connected to
                _refuse_stranger(name)
            return look_up(host, *rest, **options)

        patch.setattr(socket, "getaddrinfo", getaddrinfo)
        yield


def _guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse_stranger(arguments[-1][0])  # the address comes last, in sendto too
        return method(self, *arguments)

    return guarded


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with suppress(ValueError):
        return ipaddress.ip_address(host)
    return None


def _refuse_stranger(host: str) -> None:
    address = _address(host)
    if address.is_loopback if address else host == "localhost" or host.endswith(".localhost"):
        return
    # Not an Exception, so code that survives failures does not survive this one.
    pytest.fail(f"the test reached for {host!r}; only this machine is allowed")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of this process's own server, made for the session and deleted after it.

    Under pytest-xdist each worker has one: a cold start costs less than a second, and a test may
    disturb its server without harm to the other workers.
    """
    _delete_left_servers()
    home = scratch() / f"{_SERVERS}{uuid.uuid4().hex[:12]}"
    server = EmbeddedPostgres(home, durable=False)
    try:
        yield server.start()
    finally:
        server.erase()


@pytest.fixture(scope="session")
def strict() -> Iterator[StrictServer]:
    """A server that asks for passwords and takes eight connections."""
    with strict_server(scratch() / f"{_SERVERS}{uuid.uuid4().hex[:12]}") as server:
        yield server


@pytest.fixture
def plain_owner(database_url: str) -> Iterator[str]:
    """A role that may own what is in the test's database, but is no superuser."""
    role = f"owner_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as admin:
        admin.execute(f"create role {role} nologin".encode())
        admin.execute(f"grant all on schema public to {role}".encode())
        admin.execute(f"grant agent_flows_definer to {role}".encode())  # as the migrations do
        try:
            yield role
        finally:
            for end in ("reassign owned by {} to current_user", "drop owned by {}", "drop role {}"):
                admin.execute(end.format(role).encode())


@pytest.fixture(scope="session")
def migrated_home() -> Iterator[Path]:
    """The home of a server that is down, with a migrated database, which is only ever copied."""
    home = scratch() / f"{_SERVERS}{uuid.uuid4().hex[:12]}"
    server = EmbeddedPostgres(home, durable=False)
    try:
        migrate(server.start(), contract=True)
        server.stop()
        with take(home / "owner.lock") or nullcontext():  # so that nobody deletes it as left over
            yield home
    finally:
        server.erase()


@pytest.fixture(scope="module")
def data_directory(empty_directory: Path, migrated_home: Path) -> Path:
    """A directory for a whole local system, with a database: making one takes seconds."""
    if not (migrated_home / "server").is_symlink():  # then a copy would be no other
        subprocess.run(["cp", "-a", migrated_home, empty_directory / "postgres"], check=True)
    return empty_directory


@pytest.fixture(scope="module")
def empty_directory() -> Iterator[Path]:
    """A directory for a whole local system that starts for the first time, deleted after the
    module.

    Unlike pytest's own, the user that Postgres runs as can reach it when the tests run as root.
    """
    path = Path(tempfile.mkdtemp(prefix="agent-flows-data-", dir=scratch()))
    path.chmod(0o711)
    try:
        yield path
    finally:
        if (path / "postgres").is_dir():
            EmbeddedPostgres(path / "postgres").erase()
        shutil.rmtree(path)


def _delete_left_servers() -> None:
    """Delete the servers of test runs that were killed; nobody owns them any more."""
    for home in scratch().glob(f"{_SERVERS}*"):
        with suppress(FileNotFoundError):  # another worker was first
            found = home.stat()
            if found.st_uid == os.geteuid() and time.time() - found.st_mtime > 600:
                EmbeddedPostgres(home).erase()


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> str:
    """The name of a migrated database that is only ever copied."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {_TEMPLATE}".encode())
    migrate(named(postgres_url, _TEMPLATE))
    return _TEMPLATE


@pytest.fixture(scope="session")
def databases(postgres_url: str, migrated_template: str) -> Iterator[ReusedDatabases]:
    """The databases that the tests of this process take in turn."""
    with closing(ReusedDatabases(postgres_url, migrated_template)) as databases:
        yield databases


@pytest.fixture
def database_url(request: pytest.FixtureRequest, databases: ReusedDatabases) -> Iterator[str]:
    """The URL of a database of this test alone: migrated and empty."""
    url = databases.take(fresh=request.node.get_closest_marker("fresh_database") is not None)
    yield url
    databases.give_back(url)


@pytest.fixture(scope="session")
def logins(postgres_url: str, migrated_template: str) -> dict[str, str]:
    """The names of the logins of functions, by kind; see infra/migrations/logins.py."""
    url = named(postgres_url, migrated_template)
    urls = invented_urls(url)
    make_logins(url, urls)
    return {kind: str(conninfo_to_dict(login)["user"]) for kind, login in urls.items()}


@pytest.fixture
def login_urls(database_url: str, logins: dict[str, str]) -> dict[str, str]:
    """The URLs of the test's database for each of the logins, by kind."""
    return {kind: database_url.replace("postgres@", f"{name}@") for kind, name in logins.items()}


@pytest.fixture(scope="session")
def pooler(postgres_url: str, logins: dict[str, str]) -> Iterator[Pooler]:
    """PgBouncer in transaction mode, with five connections for each login and database."""
    if not PROGRAM:
        pytest.skip(ABSENT)
    with Pooler(postgres_url, logins.values(), 5) as pooler:
        yield pooler


@pytest.fixture
def connect(request: pytest.FixtureRequest, database_url: str) -> Iterator[Connect]:
    """Connects as a function with a role does: with --pooler through PgBouncer, else directly."""
    with ExitStack() as stack:

        def connected(kind: str) -> Database:
            url = database_url
            if request.config.getoption("pooler"):
                user = request.getfixturevalue("logins")[kind]
                name = str(conninfo_to_dict(database_url)["dbname"])
                url = request.getfixturevalue("pooler").url(user, name)
            return stack.enter_context(
                Database(url, role=ROLES[kind], own_login=url != database_url)
            )

        yield connected


@pytest.fixture
def database(connect: Connect) -> Database:
    """The connection of a function to that database."""
    return connect("runtime")


@pytest.fixture
def operator(connect: Connect) -> Database:
    """The connection of a function that works for all tenants."""
    return connect("operator")


@pytest.fixture
def runner(database: Database) -> FlowRunner:
    """Hands events to flows: the real worker, journal, memory and offline model."""
    return FlowRunner(database)
