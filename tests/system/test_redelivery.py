"""Events that GitHub could not deliver during an outage are handled after it, once each."""

from functools import partial
from pathlib import Path

from infra.local.sandbox.github import GitHubSandbox
from infra.local.system import System
from shared.events import Json
from tests.system.conftest import query
from tests.system.quick import shipped_template
from tests.waiting import wait_for

REPOSITORY = "acme/shop"


def _comments(github: GitHubSandbox, number: int) -> list[Json]:
    found: list[Json] = github.issue(REPOSITORY, number)["comments"]
    return found


def turn(system: System, github: GitHubSandbox) -> Json:
    """Do the turn after the longest pause. A busy machine may have failed deliveries of its own."""
    github.age_deliveries(7200)
    return system.cloud.invoke("Redelivery", {})


def test_an_outage_of_the_front_door_loses_no_event(data_directory: Path) -> None:
    with System(
        data=data_directory,
        environment={"MODEL_EMBED": "hashing"},
        template=shipped_template(data_directory),
    ) as system:
        github = system.github
        assert github
        door, github.webhook_url = github.webhook_url, "http://127.0.0.1:9/"
        numbers = [github.open_issue(REPOSITORY, f"Crash {number}") for number in range(3)]
        github.age_deliveries(120)
        github.webhook_url = door
        system.cloud.fire("agent-flows-redelivery")
        for number in numbers:
            assert wait_for(partial(_comments, github, number))
        # The next turn, and somebody who sends one again by hand, change nothing.
        assert wait_for(lambda: turn(system, github)["failing"] == 0)
        github.redeliver(github.deliveries()[-1]["guid"])
        github.settle()
        runs = "select event_id, count(*) from runs where flow = 'triage' group by event_id"
        assert [count for _, count in query(system, runs)] == [1, 1, 1]
