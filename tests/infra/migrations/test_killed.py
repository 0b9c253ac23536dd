"""A process that dies while it migrates, by SIGKILL at any moment, leaves what the next goes on
with."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from infra.certify.process import KillableProcesses
from infra.migrations import Migration, migrate
from infra.migrations.progress import progress
from infra.project import ROOT
from tests.campaigns import sample
from tests.infra.migrations.files import CHAIN, INDEX, THINGS, files
from tests.waiting import wait_for

TITLES = [one.title for one in CHAIN]


def ask(url: str, query: str) -> Any:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


@pytest.fixture(scope="module")
def processes() -> Iterator[KillableProcesses]:
    """Processes that die when they are told to."""
    with KillableProcesses("tests.infra.migrations.killed") as processes:
        yield processes


@pytest.fixture(scope="module")
def moments(postgres_url: str, processes: KillableProcesses) -> int:
    """How many moments there are in a calm life."""
    with psycopg.connect(postgres_url, autocommit=True) as server:
        server.execute("create database calm_life")
    url = postgres_url.replace("/agent_flows?", "/calm_life?")
    told = processes.do({"url": url, "moment": 0})
    assert told["end"] == "done"
    return int(told["moments"])


def test_killed_at_any_moment_nothing_is_left_out_or_done_twice(
    moments: int, postgres_url: str, processes: KillableProcesses
) -> None:
    assert moments > 60
    for moment in sample(range(1, moments + 1), 6):
        url = _empty(postgres_url, f"killed_at_{moment}")
        assert processes.do({"url": url, "moment": moment}) == {"end": "killed"}
        before = list(progress(url, files=CHAIN).remaining)
        assert before == TITLES[len(TITLES) - len(before) :], moment
        assert migrate(url, files=CHAIN) == before, moment
        assert _left(url) == _left(postgres_url.replace("/agent_flows?", "/calm_life?")), moment
        assert progress(url, files=CHAIN).remaining == [], moment


def test_killed_again_and_again_it_still_gets_there(
    moments: int, postgres_url: str, processes: KillableProcesses
) -> None:
    url = _empty(postgres_url, "killed_often")
    for _ in range(40):
        before = progress(url, files=CHAIN)
        if not before.remaining and before.ended:
            break
        processes.do({"url": url, "moment": moments // 3})
    assert migrate(url, files=CHAIN) == []
    assert ask(url, "select array_agg(distinct filled) from things") == [2]


@contextmanager
def process(url: str, shipped: list[Migration]) -> Iterator[subprocess.Popen[str]]:
    """A process that applies these, and is killed in the end."""
    code = (
        "import sys; from infra.migrations import Migration, applying, migrate;"
        " applying._WATCH_CLIENT = \"set client_connection_check_interval = '50ms'\";"
        f" migrate(sys.argv[1], files={shipped!r})"
    )
    one = subprocess.Popen([sys.executable, "-c", code, url], cwd=ROOT, text=True)
    try:
        yield one
    finally:
        one.kill()
        one.wait()


def test_the_server_stops_what_a_dead_process_began(url: str) -> None:
    long = files("create table parts (id int); select pg_sleep(600);")
    with process(url, long) as one:
        wait_for(lambda: progress(url, files=long).doing)
        os.kill(one.pid, signal.SIGKILL)
    wait_for(lambda: not progress(url, files=long).running)
    assert progress(url, files=long).died
    assert ask(url, "select to_regclass('parts')") is None
    assert migrate(url, files=files("create table parts (id int);")) == ["0001_file_1"]


def test_the_server_goes_on_alone_with_an_index(url: str) -> None:
    shipped = files(THINGS, INDEX)
    migrate(url, files=shipped[:1])
    with psycopg.connect(url) as writer:
        writer.execute("update things set times = 1 where id = 1")  # the index waits for its end
        with process(url, shipped):
            told = wait_for(lambda: _building(url, shipped))
            assert told.startswith("0002_file_2, step 1 of 1: names, waiting for writers before")
            assert told.endswith(f"after the session {writer.info.backend_pid}")
        assert progress(url, files=shipped).running  # though its process is dead
        assert not progress(url, files=shipped).died
        writer.commit()
    wait_for(lambda: not progress(url, files=shipped).running)
    made = ask(
        url,
        "select indexrelid from pg_index where indexrelid = to_regclass('things_name')"
        " and indisvalid",
    )
    assert made
    assert migrate(url, files=shipped) == ["0002_file_2"]
    assert ask(url, "select 'things_name'::regclass::oid") == made


def _building(url: str, shipped: list[Migration]) -> str:
    doing = progress(url, files=shipped).doing
    return doing if doing[:1] != "," and "after the session" in doing else ""


def _empty(server_url: str, name: str) -> str:
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(f"create database {name} strategy file_copy".encode())
    return server_url.replace("/agent_flows?", f"/{name}?")


def _left(url: str) -> Any:
    """What there is, in a form that can be compared."""
    return ask(
        url,
        """select json_build_object(
          'rows', (select json_agg(t order by id) from things as t),
          'indexes', (select json_agg((relname, indisvalid) order by relname) from pg_index
                      join pg_class on pg_class.oid = indexrelid
                      where indrelid = 'things'::regclass),
          'checks', (select json_agg((conname, convalidated) order by conname) from pg_constraint
                     where conrelid = 'things'::regclass),
          'steps', (select json_agg((number, step, after, batches, done_at is null)
                                    order by number, step)
                    from migration_steps),
          'done', (select json_agg((number, name, digest) order by number) from migrations))""",
    )
