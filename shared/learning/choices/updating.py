"""The desk by which policies go on learning: each night where runs chose since, and at once where a
place that they know of is gone."""

from functools import partial
from typing import Self

from shared.aws.bus import Bus
from shared.aws.looks import Looks
from shared.database import Database, Row, Statement
from shared.desk import Loan
from shared.errors import SettingsError
from shared.journal import Outcome
from shared.learning.choices.examples import read_examples
from shared.learning.choices.trials import Trials
from shared.learning.choices.versions import SQL, PolicyStore
from shared.learning.evaluation.estimators import RewardBounds
from shared.learning.rewards import RewardSum
from shared.log import log
from shared.memory.upkeep.scheduling import event_for
from shared.settings import Settings

#: Seconds that people have for their feedback of a run, and examples of which a policy learns.
_WAIT, _MOST = 86_400.0, 5_000
#: Seconds within which no other policy is begun.
_LEAST = 30.0


class PoliciesDesk:
    """The policies of all tenants, or of that of the event. Its flow says `operator=True`."""

    def __init__(self, loan: Loan) -> None:
        services = loan.services
        self._loan = loan
        self._run = loan.run
        self._database = services[Database]
        self._publish = services[Bus].publish
        self._looks = services[Looks]
        self._most = float(services[Settings].explore_share)

    @classmethod
    def lend(cls, loan: Loan) -> Self:
        return cls(loan)

    def spread(self) -> int:
        """Publish an event for each tenant with a policy that has something to learn, and return
        how many."""

        def work() -> Outcome:
            [rows] = self._database.run("", [Statement(SQL["pending_policies"], {})])
            for row in rows:
                self._publish(event_for(self._run.event, "learning.policies", row["tenant"]))
            return Outcome(len(rows))

        return int(self._run.step("policies", {}, work))

    def update(self) -> dict[str, list[int]]:
        """Let each policy of the tenant learn from what came since, within the time that there is,
        and return the numbers of the new versions by policy. What is left comes again."""
        tenant, made = self._run.event.tenant, dict[str, list[int]]()
        rows = self._run.step("known policies", {}, lambda: Outcome(self._states(tenant)))
        for row in rows:
            if self._loan.seconds_left() < _LEAST:
                self._looks.after("upkeep", 0.0)
                break
            about = {"flow": row["flow"], "choice": row["choice"]}
            found = self._run.step("learn", about, partial(self._learnt, row))
            made[f"{row['flow']}/{row['choice']}"] = found
        log("policies updated", run=self._run.id, event=self._run.event.id, made=made)
        return made

    def _states(self, tenant: str) -> list[Row]:
        return self._database.run(tenant, [Statement(SQL["states"], {"tenant": tenant})])[0]

    def _learnt(self, row: Row) -> Outcome:
        return Outcome(self._learn(row))

    def _learn(self, row: Row) -> list[int]:
        """Learn, or learn again; a policy that learnt since the event came has done so already."""
        if row["updated_at"] >= self._run.event.received_at and not row["withdrawn_at"]:
            return []
        tenant, flow, choice = self._run.event.tenant, row["flow"], row["choice"]
        store = PolicyStore(self._database, tenant, flow, choice, "upkeep")
        rewards = RewardSum.named(row["rewards"])
        if rewards is None:
            return self._default(store, row["withdrawn_at"])
        until = self._run.event.received_at - _WAIT
        examples = read_examples(
            self._database, tenant, flow, choice, rewards, until=until, most=_MOST
        )
        bounds = RewardBounds(rewards.low, rewards.high)
        trials = Trials(store, bounds, examples, self._most)
        return _updated(trials, store, row["withdrawn_at"])

    def _default(self, store: PolicyStore, withdrawn_at: str) -> list[int]:
        """Choose the first arm from now on where a place is gone, and what is left of it cannot be
        learnt again here: the rewards are an author's own."""
        if not withdrawn_at:
            return []
        number = Trials(store, RewardBounds(0.0, 0.0), ()).reset()
        store.settle(withdrawn_at)
        return [number]


def _updated(trials: Trials, store: PolicyStore, withdrawn_at: str) -> list[int]:
    if withdrawn_at:
        made = [trials.learn_again()]
        store.settle(withdrawn_at)
        return made
    try:
        return trials.update()
    except SettingsError:
        return []  # somebody changed it meanwhile, and the next night comes
