"""Carry the batches, as long as there are some: hand over what waits, fetch what is done, wake the
runs that wait for it."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.models.batch.desk import BatchDesk


@flow("schedule.batches", "schedule.nightly", operator=True)
def batches(event: Event, agent: Agent) -> None:
    agent.desk(BatchDesk).advance()
