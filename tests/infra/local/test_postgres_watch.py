"""The embedded Postgres over time: it is started again when it dies, and deleted with its home."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.local.postgres import EmbeddedPostgres
from infra.local.postgres_watch import PostgresWatch
from tests.infra.local.aws.site import is_alive
from tests.scratch import scratch
from tests.waiting import wait_for


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory within reach of every user."""
    path = Path(tempfile.mkdtemp(prefix="agent-flows-tests-", dir=scratch()))
    yield path
    if path.is_dir():
        EmbeddedPostgres(path).erase()


def postmaster(home: Path) -> int:
    return int((home / "server/cluster/postmaster.pid").read_text().split()[0])


def answers(url: str) -> bool:
    with psycopg.connect(url) as connection:
        return connection.execute("select 1").fetchone() == (1,)


def test_a_dead_server_is_started_again_and_that_is_said(home: Path) -> None:
    said: list[str] = []
    server = EmbeddedPostgres(home, durable=False)
    url = server.start()
    with server, PostgresWatch(server, said.append):
        os.kill(postmaster(home), signal.SIGKILL)
        wait_for(lambda: len(said) == 2)
        assert answers(url)
        os.kill(postmaster(home), signal.SIGKILL)
        wait_for(lambda: len(said) == 4)
        assert answers(url)
    assert [line.split()[:3] for line in said[:2]] == [
        ["Postgres", "has", "died;"],
        ["Postgres", "is", "back"],
    ]
    assert len(said) == 4
    assert not server.alive


def test_a_server_whose_data_was_deleted_is_not_made_anew(home: Path) -> None:
    said: list[str] = []
    server = EmbeddedPostgres(home, durable=False)
    server.start()
    with server, PostgresWatch(server, said.append):
        pid = postmaster(home)
        shutil.rmtree(home / "server/cluster")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: said)
    assert "its data was deleted" in said[0]
    assert not (home / "server/cluster").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's cluster lies outside of its home")
def test_a_cluster_outside_goes_with_its_home(home: Path) -> None:
    with tempfile.TemporaryDirectory() as private:  # which only root may enter
        homes = [Path(private, name) for name in ("stopped", "running", "kept")]
        servers = [EmbeddedPostgres(one, durable=False) for one in homes]
        for server in servers:
            server.start()
        places = [(one / "server").resolve() for one in homes]
        left = int((places[1] / "cluster/postmaster.pid").read_text().split()[0])
        servers[0].stop()
        shutil.rmtree(homes[0])
        shutil.rmtree(homes[1])
        with EmbeddedPostgres(home, durable=False):
            assert [place.exists() for place in places] == [False, False, True]
        assert not is_alive(left)
        assert servers[2].alive
        servers[1].stop()
        servers[2].erase()
