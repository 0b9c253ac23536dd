"""Keep the memory in order: by the clock, ask which tenants have what work, and do it for each."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.memory.upkeep.desk import UpkeepDesk


@flow("schedule.upkeep", "memory.facts", "memory.vectors", "memory.consolidation")
def upkeep(event: Event, agent: Agent) -> None:
    source, _, work = event.type.partition(".")
    if source == "schedule":
        agent.desk(UpkeepDesk).spread()
    else:
        agent.desk(UpkeepDesk).run(work)
