"""Delete old events, runs and memories, once a night."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.memory.upkeep.retention import RetentionDesk


@flow("schedule.nightly", operator=True)
def retention(event: Event, agent: Agent) -> None:
    agent.desk(RetentionDesk).expire()
