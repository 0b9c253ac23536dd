"""Forget a repository or a workspace when the app is removed from it."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.memory.control.desk import MemoryDesk
from shared.perception.departures import TYPES


@flow(*TYPES)
def uninstall(event: Event, agent: Agent) -> None:
    agent.desk(MemoryDesk).withdraw()
