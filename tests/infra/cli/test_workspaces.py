"""`./scripts/flows workspaces`: where the app is installed, and what it lacks there."""

import argparse
import json
from collections.abc import Iterable, Iterator

import pytest

from infra.cli.system import KnownSystem
from infra.cli.workspaces import run_workspaces
from shared.database import Database
from shared.installations import Workspace
from shared.installations.scopes import BOT
from tests.installations.installed import ONE, TWO, Installed, installed

DOOR = "https://door.example/live"


@pytest.fixture
def known(database_url: str) -> Iterator[KnownSystem]:
    with Database(database_url) as database, installed(database) as world:
        world.install(ONE)
        _grant(world, ONE, {"chat:write"})
        world.install(TWO)
        _grant(world, TWO, BOT)
        yield KnownSystem(DOOR, world.settings._replace(database_url=database_url), local=False)


def _grant(world: Installed, team: str, rights: Iterable[str]) -> None:
    found = world.table.find(Workspace(team, "", f"slack:{team}"))
    assert found
    world.table.save(found._replace(scopes=",".join(sorted(rights)), name=f"The {team}"))


def _options(**given: bool) -> argparse.Namespace:
    return argparse.Namespace(**({"check": False, "json": False} | given))


def test_all_workspaces_are_listed_with_what_they_lack(
    known: KnownSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_workspaces(known, _options()) == 0
    head, one, two = capsys.readouterr().out.splitlines()
    assert head.split() == ["workspace", "name", "tenant", "installed", "lacks"]
    assert one.startswith(ONE) and "users:read" in one and "chat:write" not in one
    assert two.startswith(TWO) and two.endswith("nothing")


def test_a_check_names_the_rights_why_and_the_page(
    known: KnownSystem, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_workspaces(known, _options(check=True)) == 1
    shown = capsys.readouterr().out
    assert f"The {ONE} ({ONE}) lacks:" in shown and TWO not in shown
    assert f"users:read: without it the agent does not {BOT['users:read']}" in shown
    assert f"{DOOR}/slack/install" in shown
    assert run_workspaces(known, _options(check=True, json=True)) == 1
    [row] = json.loads(capsys.readouterr().out)
    assert row["place"] == ONE and "token" not in row and {*row["lacks"]} == {*BOT} - {"chat:write"}
