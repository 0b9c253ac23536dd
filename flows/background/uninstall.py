"""Let memory follow its sources: forget what went away, rename what moved, replace what was
edited. Policies learn again without what went away, and who removes the app takes its tokens
away."""

from shared.agent import Agent, flow
from shared.events import Event
from shared.installations.removal import RemovalDesk
from shared.learning.choices.withdrawal import WithdrawalDesk
from shared.memory.control.following import FollowingDesk
from shared.perception.departures import TYPES


@flow(*TYPES, bots=True)
def uninstall(event: Event, agent: Agent) -> None:
    for gone in agent.desk(RemovalDesk).leave():
        agent.desk(FollowingDesk).of(gone).follow()
        agent.desk(WithdrawalDesk).follow(gone)
