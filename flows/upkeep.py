"""Keep the memory in order: by the clock, ask which tenants have what work, and do it for each."""

from shared.agent.agent import Agent
from shared.events import Event
from shared.agent.flow import flow


@flow("schedule.upkeep", "memory.facts", "memory.vectors", "memory.consolidation")
def upkeep(event: Event, agent: Agent) -> None:
    source, _, work = event.type.partition(".")
    if source == "schedule":
        agent.spread_upkeep()
    else:
        agent.upkeep(work)
