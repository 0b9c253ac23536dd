"""The shadow of each shipped flow does what was recorded, and leaves the world as it was."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.certify.handing import Order, flow_at
from infra.certify.process import KillableProcesses
from infra.certify.story import happened
from infra.certify.world import World
from infra.project import flow_modules
from shared.database import OPERATOR, ROLE, Database
from shared.events import run_id
from shared.runtime.shadow.difference import compare
from shared.runtime.shadow.shadowing import Shadowing, recorded_run
from shared.settings import Settings


@pytest.mark.parametrize("name", sorted(flow_modules()))
def test_the_shadow_of_a_shipped_flow_does_the_same_and_changes_nothing(
    name: str,
    workers: Sequence[KillableProcesses],
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flow = flow_at(name)
    (tmp_path / "log").touch()
    with World(flow, database_url) as world:
        event = happened(world, flow.types)
        order = Order(
            name, str(tmp_path / "log"), event.to_json(), world.settings, world.environment
        )
        assert workers[0].do(order._asdict())["end"] == "done"
        for key, value in world.environment.items():
            monkeypatch.setenv(key, value)
        before = world.seen()
        settings = Settings()._replace(**world.settings)
        with (
            Database(database_url, role=OPERATOR if flow.operator else ROLE) as database,
            Shadowing(flow, settings, database) as shadows,
        ):
            run = recorded_run(database, event.tenant, run_id(event, flow.name))
            shadow = shadows.live(run)
        assert shadow.error is None
        assert shadow.state == run.state == "done"
        different = compare(run, shadow)
        assert not different.acts, different
        assert [one.key for one in shadow.actions] == [row["key"] for row in run.effects]
        assert world.seen() == before
