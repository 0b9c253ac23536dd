"""Carry the batches: hand over what waits, fetch what is done, wake the runs that wait for it."""

from shared.agent import Agent
from shared.events import Event
from shared.flow import flow


@flow("schedule.batches")
def batches(event: Event, agent: Agent) -> None:
    agent.advance_batches()
