"""A database that is full, asleep, or changes its passwords is waited for, and costs no attempt."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest

from shared.actions.github.actions import Comment
from shared.agent import Agent, flow
from shared.database import Database, Statement, connect
from shared.database.connecting import is_denied, is_full
from shared.errors import DatabaseUnavailable, SettingsError
from shared.events import Event
from shared.settings import Credential
from shared.testing import FlowRunner
from tests.database.pooler import ABSENT, PROGRAM, Pooler
from tests.database.strict_server import CONNECTIONS, StrictServer
from tests.database.tls_front import Front
from tests.events.made import an_event

ONE = Statement("select 1 as one", {})
RUNS = 20
#: Those who work at the same moment.
WORKING = threading.Semaphore(0)


@flow("github.issues.opened", may=[Comment.at_most(1)])
def greets(event: Event, agent: Agent) -> None:
    agent.act(Comment(event.issue, "Hello"))


def opened(number: int) -> Event:
    conversation = f"github:acme/shop#{number}"
    return an_event(type="github.issues.opened", id=f"github:n{number}", conversation=conversation)


def handled(url: str, number: int) -> tuple[int, Sequence[float], int]:
    """Let a process of its own take an event until it needs it no more; return the number of times,
    the seconds it was hidden meanwhile, and of dead letters."""
    with Database(url, own_login=True, patience=0.3) as database:
        runner = FlowRunner(database, max_pause_hours="24")
        receives = 1
        while runner.deliver(greets, opened(number), receives=receives):
            receives += 1
        return receives, runner.queue.hidden, len(runner.queue.buried)


def test_twenty_runs_on_eight_connections_all_end_at_their_first_attempt(
    strict: StrictServer,
) -> None:
    url = strict.logins["runtime"]
    with psycopg.connect(strict.admin) as admin, ThreadPoolExecutor(RUNS) as processes:
        taken = [psycopg.connect(url) for _ in range(CONNECTIONS - 3)]
        ends = [processes.submit(handled, url, number) for number in range(RUNS)]
        for connection in taken:
            time.sleep(0.2)  # others end their work meanwhile
            connection.close()
        done = [end.result() for end in ends]
        assert sum(receives for receives, _, _ in done) > RUNS, "nobody had to wait"
        assert [buried for _, _, buried in done] == [0] * RUNS
        hidden = [seconds for _, pauses, _ in done for seconds in pauses]
        assert all(20 < seconds <= 61 for seconds in hidden)
        assert len(set(hidden)) == len(hidden), "they come back at the same moment"
        rows = admin.execute("select state, attempts, failures, pauses from runs").fetchall()
        assert rows == [("done", 1, 0, 0)] * RUNS


def test_who_waits_longer_than_its_patience_says_that_the_database_is_full(
    strict: StrictServer,
) -> None:
    url = strict.logins["runtime"]
    with ExitStack() as stack:
        with pytest.raises(DatabaseUnavailable, match=r"all connections .*MAX_CONC") as full:
            for _ in range(CONNECTIONS):
                database = stack.enter_context(Database(url, patience=0.2))
                database.run("acme", [ONE])
        assert full.value.is_full
        with pytest.raises(DatabaseUnavailable, match="all connections"):
            connect(url, patience=0.1)


@pytest.mark.skipif(not PROGRAM, reason=ABSENT)
def test_a_pooler_that_takes_no_more_clients_is_waited_for(
    postgres_url: str, database_url: str, logins: dict[str, str]
) -> None:
    with psycopg.connect(database_url) as owner:
        name = owner.info.dbname
    with Pooler(postgres_url, logins.values(), 1, clients=2) as pooler, ExitStack() as stack:
        url = pooler.url(logins["runtime"], name)
        holding = [stack.enter_context(Database(url, patience=1)) for _ in range(2)]
        for database in holding:
            database.run("acme", [ONE])
        waiting = stack.enter_context(Database(url, patience=0.3))
        with pytest.raises(DatabaseUnavailable, match="no more connections allowed") as full:
            waiting.run("acme", [ONE])
        assert full.value.is_full
        holding[0].close()
        assert stack.enter_context(Database(url)).run("acme", [ONE]) == [[{"one": 1}]]


FULL = [
    "FATAL:  sorry, too many clients already",
    "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute",
    "FATAL:  remaining connection slots are reserved for non-replication superuser connections",
    'FATAL:  too many connections for role "agent"',
    'FATAL:  too many connections for database "agent"',
    "FATAL:  no more connections allowed (max_client_conn)",
    "FATAL:  query_wait_timeout",
    "FATAL:  Timed-out waiting to acquire database connection",
    "FATAL:  Max client connections reached",
    "FATAL:  MaxClientsInSessionMode: max clients reached",
    "FATAL:  connection limit exceeded",
]
OTHERS = [
    "Connection refused",
    "FATAL:  the database system is starting up",
    "connection timeout expired",
    'FATAL:  password authentication failed for user "agent"',
    "server closed the connection unexpectedly",
]


@pytest.mark.parametrize("said", FULL)
def test_a_full_database_is_known_by_what_it_says(said: str) -> None:
    assert is_full(psycopg.OperationalError(f"connection failed: {said}"))
    assert not is_denied(psycopg.OperationalError(f"connection failed: {said}"))


@pytest.mark.parametrize("said", OTHERS)
def test_what_is_away_is_not_full(said: str) -> None:
    assert not is_full(psycopg.OperationalError(f"connection failed: {said}"))


@pytest.mark.parametrize(("timeout", "tries"), [("", 1), ("&connect_timeout=2", 2)])
def test_a_database_that_wakes_is_waited_for(database_url: str, timeout: str, tries: int) -> None:
    """It answers nobody for a while, as a paused Aurora does."""
    with psycopg.connect(database_url) as owner:
        name = owner.info.dbname
    with Front(database_url, None, asleep=2.3) as front:
        url = f"postgresql://postgres@127.0.0.1:{front.port}/{name}?gssencmode=disable{timeout}"
        with Database(url) as database:
            runner = FlowRunner(database)
            assert runner.deliver(greets, opened(1)) == []
        assert runner.queue.hidden == []
        assert front.tries == tries
    with psycopg.connect(database_url) as owner:
        assert owner.execute("select attempts, failures from runs").fetchall() == [(1, 0)]


def test_nothing_is_waited_for_when_the_function_has_no_time_left() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none")
    nowhere.until = time.monotonic() + 0.2
    began = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        nowhere.run("acme", [ONE])
    assert time.monotonic() - began < 10


def test_a_password_that_changed_is_asked_for_again(strict: StrictServer) -> None:
    now = strict.logins["runtime"]
    old = now.replace("_login:", "_login:wrong")
    asked = []

    class Changed(Credential):
        def renewed(self, refused: str) -> str:
            asked.append(refused)
            if len(asked) > 2:  # the secret changes a moment after the database
                self._value = now
            return self._value if self._value != refused else ""

    with Database(Changed(old), own_login=True) as database:
        assert database.run("acme", [ONE]) == [[{"one": 1}]]
        assert asked == [old] * 3
    with (
        Database(old, patience=0.3) as database,
        pytest.raises(DatabaseUnavailable, match="password authentication failed"),
    ):
        database.run("acme", [ONE])
    with pytest.raises(SettingsError, match="password authentication failed"):
        connect(old)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("?sslmode=wrong", "sslmode"),
        ("?target_session_attrs=odd", "target_session_attrs"),
        ("?keepalives=z", "keepalives"),
    ],
)
def test_an_address_that_no_waiting_mends_is_not_waited_for(words: str, said: str) -> None:
    with pytest.raises(SettingsError, match=f"DATABASE_URL: .*{said}.*; look at its address"):
        connect(f"postgresql://nobody@127.0.0.1:9/x{words}", patience=3_600)


def test_a_database_that_is_not_there_is_not_waited_for(database_url: str) -> None:
    absent = psycopg.conninfo.make_conninfo(database_url, dbname="absent")
    with pytest.raises(SettingsError, match='database "absent" does not exist'):
        connect(absent, patience=3_600)
    with pytest.raises(SettingsError, match='database "absent" does not exist'):
        Database(absent).run("acme", [ONE])
