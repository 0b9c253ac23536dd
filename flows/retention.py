"""Forget old runs: once a night, what the journal holds of events long past is deleted."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.memory.upkeep.retention import RetentionDesk


@flow("schedule.nightly")
def retention(event: Event, agent: Agent) -> None:
    agent.desk(RetentionDesk).expire()
