"""Keep the memory in order: find the tenants with work, and do each tenant's work."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.memory.upkeep.desk import UpkeepDesk


@flow(
    "schedule.upkeep",
    "schedule.nightly",
    "memory.facts",
    "memory.vectors",
    "memory.consolidation",
    operator=True,
)
def upkeep(event: Event, agent: Agent) -> None:
    source, _, work = event.type.partition(".")
    if source == "schedule":
        agent.desk(UpkeepDesk).spread()
    else:
        agent.desk(UpkeepDesk).run(work)
