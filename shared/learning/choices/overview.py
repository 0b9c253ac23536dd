"""Reads what there is to see of choices: their arms with counts and rewards, the versions of their
policies, and who changed these. The command line and the console print it."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from shared.database import Database, Row, Statement
from shared.events import Json
from shared.learning.choices.examples import SQL, read_examples
from shared.learning.choices.versions import SQL as VERSIONS
from shared.learning.choices.versions import PolicyState, PolicyStore
from shared.learning.evaluation.reports import ArmReport, by_arm
from shared.learning.rewards import RewardSum

#: Lines of a policy's log that are told.
_LINES = 20

#: Returns the rewards of a flow by its name; of one that is not there any more, none.
RewardsOf = Callable[[str], RewardSum | None]


class ChoiceOverview(NamedTuple):
    """One choice of a flow: how often it was made, its arms, the versions of its policy without
    their chances, and the newest changes of it. Without a policy there is no state."""

    flow: str
    choice: str
    made: int
    state: PolicyState | None
    arms: tuple[ArmReport, ...]
    versions: tuple[Json, ...]
    log: tuple[Row, ...]

    def to_json(self) -> Json:
        """Write it as plain JSON; moments are seconds since the epoch."""
        return {
            "flow": self.flow,
            "choice": self.choice,
            "made": self.made,
            "state": self.state and self.state._asdict(),
            "arms": [{**one._asdict(), "reward": one.reward.to_json()} for one in self.arms],
            "versions": [*self.versions],
            "log": [{**row, "at": row["at"].timestamp()} for row in self.log],
        }


def read_overview(
    database: Database, tenant: str, rewards_of: RewardsOf, *, wait: float = 86_400.0
) -> Iterator[ChoiceOverview]:
    """Yield the choices that the runs of a tenant made. A run counts among the arms `wait` seconds
    after it has ended."""
    made, states = database.run(
        tenant,
        [Statement(sql, {"tenant": tenant}) for sql in (SQL["choices"], VERSIONS["states"])],
    )
    known = {(row["flow"], row["choice"]): row for row in states}
    counted = {(row["flow"], row["choice"]): int(row["made"]) for row in made}
    for flow, choice in sorted({*known, *counted}):
        rewards = rewards_of(flow) or RewardSum(())
        until = time.time() - wait
        examples = read_examples(database, tenant, flow, choice, rewards, until=until)
        store, row = PolicyStore(database, tenant, flow, choice, ""), known.get((flow, choice))
        yield ChoiceOverview(
            flow,
            choice,
            counted.get((flow, choice), 0),
            PolicyState(row["in_force"], row["candidate"], row["in_use"]) if row else None,
            tuple(by_arm(examples)),
            tuple(_versions(store)) if row else (),
            tuple(store.log(_LINES)) if row else (),
        )


def _versions(store: PolicyStore) -> Iterator[Json]:
    for one in store.versions().values():
        yield {name: value for name, value in one._asdict().items() if name != "chances"}
