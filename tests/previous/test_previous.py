"""The code before the last migration works on the schema after it, with its data, and back."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.migrations import migrate
from infra.migrations.files import Migration, migrations
from infra.migrations.record import recorded, release
from infra.project import ROOT
from tests.campaigns import size
from tests.previous.commit import SAMPLE, before_the_last_migration, core, take_out
from tests.previous.running import run_code, run_tests

#: One of the next release.
CONTRACT = Migration(9001, "later", "-- contract\ndrop table if exists nothing;")
#: What either code does: an event that it has seen, and one that it has not.
_WORKS = """
import sys
from flows.triage import TriageVerdict, triage
from shared.database import Database
from shared.testing import FlowRunner, github_event
url, *titles = sys.argv[1:]
with Database(url) as database:
    for title in titles:
        runner = FlowRunner(database)
        runner.answers(TriageVerdict(("bug",), None, title))
        runner.run(triage, github_event("issues.opened", title=title, delivery=title))
        print(len(runner.effects))
"""
#: A row in each table, made by the earlier code's own tests from its schema.
_FILLS = """
import sys
import psycopg
from infra.migrations import migrate
from tests.database.rows import insertion, tables
migrate(sys.argv[1])
with psycopg.connect(sys.argv[1], autocommit=True) as owner:
    owner.execute("set session_replication_role = replica")
    for table in tables(owner):
        owner.execute(insertion(owner, table, "kept"))
"""
_TABLES = """
  select c.oid::regclass::text from pg_class as c join pg_attribute as a on a.attrelid = c.oid
  where a.attname = 'tenant' and not a.attisdropped and c.relkind in ('r', 'p')
    and not c.relispartition and c.relnamespace = 'public'::regnamespace order by 1
"""


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code before the last migration."""
    commit = before_the_last_migration()
    if not commit:
        pytest.skip("there is no history here")
    folder = tmp_path_factory.mktemp("previous")
    take_out(commit, folder)
    return folder


def test_the_core_of_the_code_before_passes_on_this_schema(before: Path) -> None:
    sample = [name for name in SAMPLE if (before / name).exists()]
    assert run_tests(before, core(before) if size(1, 0) else sample) == 0


def test_an_upgrade_a_rollback_and_an_upgrade_lose_nothing(before: Path, url: str) -> None:
    run_code(before, _FILLS, url)
    assert done(before, url, "one") == [2]
    kept = rows(url)
    assert {name for name, found in kept.items() if not found} == set()
    migrate(url)
    live(url, migrations())
    assert missing(kept, rows(url)) == []
    assert not held(url)
    # Upgraded: what was done stays done, and what is new is done.
    assert done(ROOT, url, "one", "two") == [0, 2]
    # Rolled back, on the new schema.
    live(url, [])
    assert held(url)
    assert done(before, url, "two", "three") == [0, 2]
    # And upgraded again.
    assert migrate(url) == []
    live(url, migrations())
    assert not held(url)
    assert done(ROOT, url, "three", "four") == [0, 2]
    assert missing(kept, rows(url)) == []


def live(url: str, ships: list[Migration]) -> None:
    """Record which code is live, as the step `live` and `--rollback` do."""
    with psycopg.connect(url, autocommit=True) as owner:
        release(owner, [*ships, CONTRACT] if ships else [])


def held(url: str) -> bool:
    """Would a migration wait that takes away what the code before uses?"""
    with psycopg.connect(url, autocommit=True) as owner:
        pending = recorded(owner).pending([*migrations(), CONTRACT])
    assert not (pending.now and pending.held)
    return pending.held == [CONTRACT]


def done(folder: Path, url: str, *titles: str) -> list[int]:
    """Let the code in `folder` handle these events; return how many effects each had."""
    said = run_code(folder, _WORKS, url, *titles).splitlines()
    return [int(line) for line in said if line.isdigit()]  # the rest is its log


def rows(url: str) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of the tenant whose rows nobody works on, by table."""
    with psycopg.connect(url, autocommit=True) as owner:
        names = [name for (name,) in owner.execute(_TABLES.encode())]
        ask = "select to_jsonb(t) from {} as t where tenant = 'kept'"
        return {
            name: [row for (row,) in owner.execute(ask.format(name).encode())] for name in names
        }


def missing(
    before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]
) -> list[str]:
    """Name each row that is gone or has lost a value."""
    return [
        f"{name}: {json.dumps(row)}"
        for name, found in before.items()
        for row in found
        if not any(
            all(now.get(key) == value for key, value in row.items()) for now in after.get(name, [])
        )
    ]
