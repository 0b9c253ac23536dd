"""Delete old events, runs and memories, once a night."""

from shared.agent.agent import Agent
from shared.agent.flow import flow
from shared.events import Event
from shared.memory.upkeep.retention import RetentionDesk


@flow("schedule.nightly")
def retention(event: Event, agent: Agent) -> None:
    agent.desk(RetentionDesk).expire()
