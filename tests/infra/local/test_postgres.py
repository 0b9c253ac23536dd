"""The embedded Postgres: it starts, is shared, and survives what machines do to it."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from pwd import getpwnam
from typing import Any

import psycopg
import pytest

from infra.local import postgres_files as files
from infra.local.postgres import EmbeddedPostgres
from infra.project import ROOT
from shared.errors import DatabaseUnavailable, SettingsError
from tests.scratch import scratch
from tests.waiting import wait_for

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")

#: Starts the server, says so, and stops when its standard input ends.
CHILD = """
import sys
from pathlib import Path
from infra.local.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
print(server.start(), server.owner, flush=True)
sys.stdin.read()
server.stop()
"""


def new_home(under: Path | None = None) -> Path:
    return (under or scratch()) / f"agent-flows-tests-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that does not exist yet."""
    path = new_home()
    yield path
    if path.is_dir():
        EmbeddedPostgres(path).erase()


@pytest.fixture(scope="module")
def module_home() -> Iterator[Path]:
    path = new_home()
    with EmbeddedPostgres(path, durable=False):
        pass
    yield path
    EmbeddedPostgres(path).erase()


@pytest.fixture
def used_home(module_home: Path) -> Iterator[Path]:
    """A directory with a cluster whose server is down, before and after the test."""
    yield module_home
    with EmbeddedPostgres(module_home, durable=False) as server:
        assert server.owner, "the test left an owner behind"


@pytest.fixture
def filled_home(home: Path, module_home: Path) -> Path:
    """A directory of this test alone, with a cluster whose server is down."""
    subprocess.run(["cp", "-a", module_home, home], check=True)
    return home


@pytest.fixture
def private() -> Iterator[Path]:
    """A directory that only this user may enter, as /root is."""
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o700


def ask(url: str, query: str) -> Any:
    """The first value of the last of the statements in `query`."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        while cursor.nextset():
            pass
        row = cursor.fetchone()
    assert row
    return row[0]


def postmaster(home: Path) -> int:
    return int((home / "server/cluster/postmaster.pid").read_text().split()[0])


def test_a_setting_of_the_caller_goes_to_the_server(used_home: Path) -> None:
    server = EmbeddedPostgres(used_home, durable=False, settings={"shared_buffers": "32MB"})
    try:
        assert ask(server.start(), "show shared_buffers") == "32MB"
    finally:
        server.stop()


def lives(pid: int) -> bool:
    """Return True when the process is there and not a zombie."""
    shown = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], check=False, capture_output=True, text=True
    )
    return shown.stdout.strip()[:1] not in ("", "Z")


def ends(pid: int) -> bool:
    """Wait for the process to end: one that has freed its memory may still be on its way out."""
    return wait_for(lambda: not lives(pid))


def child(home: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(home)],
        cwd="/",
        env={"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: "subprocess.Popen[str]") -> tuple[str, bool]:
    """The URL that the child got and whether it owns the server."""
    assert process.stdout
    url, owner = process.stdout.readline().split()
    return url, owner == "True"


def nobody() -> files.OsUser:
    user = files.OsUser.for_home(Path("/"))
    assert user
    return user


@contextmanager
def ordinary() -> Iterator[None]:
    """Be nobody for a while; the saved user id is the way back."""
    uid, gid = nobody()
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(gid, gid, 0)
    os.setresuid(uid, uid, 0)
    try:
        spec = find_spec(files.PACKAGE)
        if not (spec and spec.origin and os.access(spec.origin, os.R_OK)):
            pytest.skip("the virtual environment is closed to other users")
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)


def stranger() -> "subprocess.Popen[bytes]":
    """A process that any signal ends, of the user that Postgres runs as: the hardest to tell."""
    user = files.OsUser.for_home(Path("/"))
    return subprocess.Popen(["sleep", "600"], user=user.uid if user else None)


def test_a_fresh_database_is_migrated_and_empty(database_url: str) -> None:
    assert ask(database_url, "select count(*) from events") == 0
    with psycopg.connect(database_url) as connection:
        connection.execute("insert into events values ('t', 'e', 'x', 'c', '{}')")


def test_what_another_test_wrote_is_not_seen(database_url: str) -> None:
    assert ask(database_url, "select count(*) from events") == 0


def test_vectors_can_be_compared(postgres_url: str) -> None:
    assert ask(postgres_url, "select '[1,0]'::halfvec(2) <=> '[0,1]'") == 1.0


def test_no_port_is_open(postgres_url: str) -> None:
    assert ask(postgres_url, "show listen_addresses") == ""


def test_stop_waits_until_the_server_is_gone_even_with_a_client(used_home: Path) -> None:
    server = EmbeddedPostgres(used_home, durable=False)
    with closing(psycopg.connect(server.start())) as connection:
        connection.execute("select 1")
        pid = postmaster(used_home)
        server.stop()
        assert ends(pid)
        assert not server.owner


def test_the_second_attaches_and_its_stop_leaves_the_server_alone(used_home: Path) -> None:
    with EmbeddedPostgres(used_home, durable=False) as first:
        second = EmbeddedPostgres(used_home)
        url = second.start()
        assert (first.owner, second.owner) == (True, False)
        with pytest.raises(SettingsError, match="another process owns"):
            second.restart()
        second.stop()
        second.erase()
        assert ask(url, "select 1") == 1


def test_a_restart_keeps_the_address_and_the_data(used_home: Path) -> None:
    with EmbeddedPostgres(used_home, durable=False) as server:
        url = server.start()
        ask(url, "create table kept as select 7 as n; select 1")
        before = postmaster(used_home)
        assert server.restart() == url
        assert ask(url, "select n from kept") == 7
        assert postmaster(used_home) != before


def test_the_next_start_takes_over_from_a_killed_owner(used_home: Path) -> None:
    with child(used_home) as killed:
        url, owner = said(killed)
        killed.kill()
    pid = postmaster(used_home)
    assert owner
    assert lives(pid)
    server = EmbeddedPostgres(used_home, durable=False)
    assert server.start() == url
    assert server.owner
    assert postmaster(used_home) == pid
    server.stop()
    assert ends(pid)


def test_a_killed_postmaster_comes_back_with_what_was_committed(used_home: Path) -> None:
    with EmbeddedPostgres(used_home) as server:
        url = server.start()
        assert ask(url, "show fsync") == "on"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create table revived as select 7 as n")
            os.kill(postmaster(used_home), signal.SIGKILL)
            assert server.start() == url
        assert ask(url, "select n from revived") == 7


def test_no_second_server_starts_beside_the_children_of_a_killed_one(used_home: Path) -> None:
    server = EmbeddedPostgres(used_home, durable=False)
    with closing(psycopg.connect(server.start())) as connection:
        frozen = connection.info.backend_pid
        os.kill(frozen, signal.SIGSTOP)
        os.kill(postmaster(used_home), signal.SIGKILL)
        starting = threading.Thread(target=server.start)
        starting.start()
        try:
            starting.join(0.5)
            assert starting.is_alive(), "it did not wait for the child that still writes"
        finally:
            os.kill(frozen, signal.SIGCONT)
        starting.join()
    assert ask(server.start(), "select 1") == 1
    server.stop()


def test_an_attached_process_revives_the_server_for_its_owner(used_home: Path) -> None:
    owner = EmbeddedPostgres(used_home, durable=False)
    owner.start()
    os.kill(postmaster(used_home), signal.SIGKILL)
    url = EmbeddedPostgres(used_home, durable=False).start()
    assert ask(url, "select 1") == 1
    pid = postmaster(used_home)
    owner.stop()
    assert ends(pid)


def test_start_never_signals_a_stranger_under_a_stale_number(used_home: Path) -> None:
    with stranger() as other:
        pid_file = used_home / "server/cluster/postmaster.pid"
        socket = used_home / "server/socket"
        left = f"{other.pid}\n{pid_file.parent}\n1700000000\n5432\n{socket}\n\n  1 1\nready   \n"
        pid_file.write_text(left)
        (socket / ".s.PGSQL.5432.lock").write_text(left)
        with EmbeddedPostgres(used_home, durable=False) as server:
            assert ask(server.start(), "select 1") == 1
        assert other.poll() is None
        other.kill()


def test_stop_never_signals_a_stranger_under_a_stale_number(used_home: Path) -> None:
    with stranger() as other:
        server = EmbeddedPostgres(used_home, durable=False)
        server.start()
        pid_file = used_home / "server/cluster/postmaster.pid"
        pid = postmaster(used_home)
        os.kill(pid, signal.SIGKILL)
        pid_file.write_text(pid_file.read_text().replace(str(pid), str(other.pid), 1))
        server.stop()
        assert other.poll() is None
        other.kill()


@pytest.mark.parametrize("serves", [files.serves, files.serves_by_ps])
def test_only_the_postmaster_of_this_cluster_serves_it(used_home: Path, serves: Any) -> None:
    with EmbeddedPostgres(used_home, durable=False) as server:
        cluster = used_home / "server/cluster"
        assert serves(postmaster(used_home), cluster)
        assert not serves(postmaster(used_home), used_home)
        assert not serves(os.getpid(), cluster)
        with psycopg.connect(server.start()) as connection:
            assert not serves(connection.info.backend_pid, cluster)


def test_stop_ends_a_server_whose_files_were_deleted(filled_home: Path) -> None:
    server = EmbeddedPostgres(filled_home, durable=False)
    server.start()
    pid = postmaster(filled_home)
    subprocess.run(["rm", "-rf", str(filled_home)], check=True)
    server.stop()
    assert ends(pid)


def test_a_cluster_left_half_made_is_made_anew(home: Path) -> None:
    with child(home) as killed:
        while not list(home.glob("server/cluster-*/base")):
            assert killed.poll() is None, "it ended before it could be killed"
            time.sleep(0.01)
        killed.kill()
    assert not (home / "server/cluster").exists()
    older = home / "server/cluster-older"
    older.mkdir()
    with EmbeddedPostgres(home, durable=False) as server:
        assert ask(server.start(), "select 1") == 1
    assert not older.exists()


def test_cold_starts_at_once_share_one_server_with_one_owner(home: Path) -> None:
    with ExitStack() as stack:
        children = [stack.enter_context(child(home)) for _ in range(4)]
        answers = [said(process) for process in children]
        assert len({ask(url, "select pg_postmaster_start_time()") for url, _ in answers}) == 1
        assert sorted(owner for _, owner in answers) == [False, False, False, True]
        pid = postmaster(home)
        for process, (_, owner) in zip(children, answers, strict=True):
            assert lives(pid)
            if not owner:
                process.communicate()
    assert ends(pid)


@pytest.mark.parametrize("part", ["d,e\"e'p $HOME `é` ", "deep"])
def test_a_deep_home_has_a_short_private_socket(filled_home: Path, part: str) -> None:
    deep = filled_home.joinpath(*[part] * 12)
    deep.mkdir(parents=True)
    (filled_home / "server").rename(deep / "server")
    server = EmbeddedPostgres(deep, durable=False)
    with psycopg.connect(server.start()) as connection:
        socket = Path(connection.info.host)
    assert len(os.fsencode(socket / ".s.PGSQL.5432")) < 100
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    server.stop()
    assert not socket.exists()


def test_the_reason_of_a_failed_start_is_told(used_home: Path) -> None:
    settings = used_home / "server/cluster/postgresql.auto.conf"
    before = settings.read_text()
    settings.write_text("no_such_setting = 1\n")
    server = EmbeddedPostgres(used_home, durable=False)
    with pytest.raises(DatabaseUnavailable, match=r"postgresql\.auto\.conf.* contains errors"):
        server.start()
    settings.write_text(before)
    assert not server.owner


def test_a_home_that_cannot_be_one_is_refused(private: Path) -> None:
    taken = private / "file"
    taken.touch()
    with pytest.raises(SettingsError, match="choose another directory"):
        EmbeddedPostgres(taken).start()


def test_without_the_wheel_the_way_out_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, files.PACKAGE, None)
    with pytest.raises(SettingsError, match="DATABASE_URL can name any Postgres"):
        EmbeddedPostgres(home).start()


@as_root
def test_root_puts_the_cluster_of_a_private_directory_outside(private: Path) -> None:
    home = new_home(private)
    with EmbeddedPostgres(home, durable=False) as server:
        ask(server.start(), "create table kept as select 7 as n; select 1")
        outside = (home / "server").resolve()
        assert outside.parent == files.OUTSIDE
    with EmbeddedPostgres(home, durable=False) as again:
        assert ask(again.start(), "select n from kept") == 7
        again.erase()
    assert not outside.exists()


def test_the_directory_for_a_system_is_within_reach(
    data_directory: Path, module_home: Path
) -> None:
    home = data_directory / "postgres"
    subprocess.run(["cp", "-a", module_home, home], check=True)
    with EmbeddedPostgres(home, durable=False) as server:
        assert ask(server.start(), "select 1") == 1


@as_root
def test_root_copies_programs_that_the_other_user_cannot_reach(
    home: Path, private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = find_spec(files.PACKAGE)
    assert spec
    assert spec.origin
    site = Path(spec.origin).parents[1]
    for part in (f"{files.PACKAGE}.libs", f"{files.PACKAGE}/pginstall18"):
        subprocess.run(["mkdir", "-p", private / part], check=True)
        subprocess.run(["cp", "-a", f"{site / part}/.", private / part], check=True)
    (private / files.PACKAGE / "__init__.py").touch()
    monkeypatch.syspath_prepend(private)
    with EmbeddedPostgres(home, durable=False) as server:
        assert ask(server.start(), "select 1") == 1
    assert list(home.glob("server/programs-*"))


@as_root
def test_root_and_the_owner_of_the_home_take_turns(home: Path) -> None:
    home.mkdir()
    os.chown(home, *nobody())
    for become in (nullcontext, ordinary, nullcontext, ordinary):
        with become(), EmbeddedPostgres(home, durable=False) as server:
            assert server.owner
            assert ask(server.start(), "select 1") == 1


@as_root
def test_the_cluster_keeps_its_user_when_the_home_changes_hands(filled_home: Path) -> None:
    another = getpwnam("daemon")
    os.chown(filled_home, another.pw_uid, another.pw_gid)
    with EmbeddedPostgres(filled_home, durable=False) as server:
        assert ask(server.start(), "select 1") == 1


@as_root
def test_a_home_of_another_user_is_refused_with_the_way_out(used_home: Path) -> None:
    with ordinary(), pytest.raises(SettingsError, match="start as the user who owns it"):
        EmbeddedPostgres(used_home).start()
