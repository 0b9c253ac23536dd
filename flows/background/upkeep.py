"""Keep the memory in order, and let policies learn: find the tenants with work, and do each
tenant's work."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.learning.choices.updating import PoliciesDesk
from shared.memory.upkeep.desk import UpkeepDesk


@flow(
    "schedule.upkeep",
    "schedule.nightly",
    "memory.facts",
    "memory.vectors",
    "memory.consolidation",
    "learning.policies",
    operator=True,
)
def upkeep(event: Event, agent: Agent) -> None:
    source, _, work = event.type.partition(".")
    if source == "schedule":
        agent.desk(UpkeepDesk).spread()
        agent.desk(PoliciesDesk).spread()
    elif source == "learning":
        agent.desk(PoliciesDesk).update()
    else:
        agent.desk(UpkeepDesk).run(work)
