"""Once a night, delete old events, runs and memories, and keep what ended without a word."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.learning.signals.windows import WindowsDesk
from shared.memory.upkeep.retention import RetentionDesk


@flow("schedule.nightly", operator=True)
def retention(event: Event, agent: Agent) -> None:
    agent.desk(WindowsDesk).close()
    agent.desk(RetentionDesk).expire()
