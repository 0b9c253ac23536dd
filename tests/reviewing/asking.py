"""Lets a function ask a model that says what a test wants."""

from collections.abc import Callable
from typing import TypeVar

from shared.agent import Agent, flow
from shared.events import Event
from shared.testing import FlowRunner, github_event

T = TypeVar("T")


def asked(runner: FlowRunner, function: Callable[[Agent], T]) -> T:
    """Return what the function makes of the agent of a run."""
    found: list[T] = []

    @flow("github.pull_request.opened", may=[])
    def asking(event: Event, agent: Agent) -> None:
        found.append(function(agent))

    runner.run(asking, github_event("pull_request.opened"))
    return found[0]
