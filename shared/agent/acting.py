"""Acting: the effects and the queries of one run, within its flow's policy."""

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from shared.actions import Action, Adapter, Query, Receipt
from shared.actions.drafts import Drafts, Pace
from shared.actions.effects import Effects, branch
from shared.actions.policy import Policy
from shared.actions.presence import Presence, show
from shared.canonical import digest
from shared.desk import Preview
from shared.journal import Outcome, Run
from shared.models.prices import shown_cost


class Acting:
    """What one run does on platforms. `adapter` connects the platform of an action or a query;
    links to `hosts` stay links."""

    def __init__(
        self,
        run: Run,
        policy: Policy,
        adapter: Callable[[Action | Query], Adapter],
        remaining: Callable[[], float],
        *,
        pace: Pace,
        presence: Presence,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._run = run
        self._policy = policy
        self._adapter = adapter
        self.presence = presence
        self.drafts = Drafts(
            run, policy, adapter, remaining, pace=pace, begins=presence.begin, hosts=hosts
        )
        self._effects = Effects(run, self.drafts.adapter, remaining, hosts)
        self.preview = Preview()

    def act(self, action: Action, *, footer: bool) -> Receipt:
        """Do as `Agent.act` says, signed with a footer if wanted."""
        self._policy.spend(action)
        if self.preview.is_on and not action.unseen:
            self.preview.actions.append(action)
            return Receipt("")
        if action.passing:
            show(self._adapter(action), action, self._run.flow, self._run.event)
            return Receipt("")
        return self._effects.perform(action.signed(self._footer()) if footer else action)

    def read(self, query: Query) -> Any:
        """Do as `Agent.read` says."""
        self._policy.read(query)

        def work() -> Outcome:
            return Outcome(self._adapter(query).read(query))

        name = type(query).__name__
        return self._run.step("read", {"query": name} | query.arguments, work, defer=True)

    def lend(self, desk: type) -> None:
        """Raise PolicyError when the run may use no desk."""
        if not getattr(desk, "only_reads", False):
            self._policy.lend(desk.__name__)

    def peek(self, query: Query) -> Any:
        """Answer a query within the policy, and record nothing."""
        self._policy.read(query)
        return self._adapter(query).read(query)

    def notify(self, action: Action) -> None:
        """Tell a person of a failure, whatever the flow's policy allows."""
        # In a branch of its own: a later attempt may act otherwise in this place.
        context = copy_context()
        context.run(branch.set, f"notice {digest(action.arguments)}")
        context.run(self._effects.perform, action)

    def _footer(self) -> str:
        parts = [self._run.flow, *sorted(self._run.models)]
        parts.append(shown_cost(self._run.cost, unpriced=self._run.unpriced))
        return " · ".join(filter(None, [*parts, f"run {self._run.id}"]))
