"""The whole local system: an issue rests in a batch, and the clock that it set brings its
comment."""

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from infra.deploy.looks import wake
from infra.local.system import System
from tests.models.batch.batch_runner import answers
from tests.models.batch.conftest import server
from tests.models.batch.server import BatchServer
from tests.system.quick import quick_template
from tests.waiting import wait_for

__all__ = ["server"]

REPOSITORY = "acme/shop"


@pytest.fixture
def system(data_directory: Path, server: BatchServer) -> Iterator[System]:
    environment = {
        "MODEL_SMALL": "openai:gpt-5.4-mini",
        "MODEL_LARGE": "openai:gpt-5.4-mini",
        "MODEL_EMBED": "hashing",
        "OPENAI_BASE_URL": f"{server.url}/v1",
        "OPENAI_API_KEY": "sk-test",
        "FOOTER": "off",
    }
    with System(
        data=data_directory,
        environment=environment,
        template=quick_template(data_directory, timeout=20),
        handlers={"Triage": "tests.models.batch.function.handler"},
    ) as system:
        yield system


def test_an_issue_rests_in_a_batch_and_is_answered_once(
    system: System, server: BatchServer
) -> None:
    github = system.github
    assert github
    number = github.open_issue(REPOSITORY, "Checkout crashes", "A stack trace appears.")
    assert wait_for(lambda: states(system) == ["parked"])
    assert looks(system), "the run set the clock"
    look(system)
    assert wait_for(lambda: server.batches)
    assert wait_for(lambda: looks(system)), "the batch did"
    server.end(ends=answers("bug"))
    wait_for_the_next_second()
    look(system)
    assert wait_for(lambda: states(system) == ["done"])
    comments = github.issue(REPOSITORY, number)["comments"]
    assert [comment["body"].splitlines()[0] for comment in comments] == ["bug"]
    assert (len(server.batches), server.at_once) == (1, [])


def look(system: System) -> None:
    """Let the clock of the batches strike now."""
    for name in looks(system):
        system.cloud.client("scheduler").delete_schedule(
            GroupName=system.cloud.stack_name, Name=name
        )
    wake(system.cloud.client("sns"), system.cloud.stack_name, ["batches"])


def looks(system: System) -> list[str]:
    return [name for name in system.cloud.timers if name.startswith("look-batches-")]


def states(system: System) -> list[str]:
    with psycopg.connect(system.settings.database_url) as connection:
        rows = connection.execute("select state from runs where flow = 'patient'").fetchall()
        return [state for (state,) in rows]


def wait_for_the_next_second() -> None:
    """A look comes at whole seconds: twice in the same one is once."""
    time.sleep(1.0)
