"""Find the runs that stand still and send their events again, while runs wait and each night."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.runtime.sweeping import SweepDesk


@flow("schedule.sweep", "schedule.nightly", operator=True)
def sweep(event: Event, agent: Agent) -> None:
    agent.desk(SweepDesk).sweep()
