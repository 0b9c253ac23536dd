"""Runs the states of a plan. Each brings the plan one piece further and says where it goes next.

A state may be called twice, late, or again from the first one after a restart. It reads the plan,
does its piece if that is still open, and commits the result together with the end of its run in the
journal. So its answer follows from the plan alone.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from shared.actions import Action, Adapter, Query, Receipt
from shared.actions.platforms import within
from shared.agent.agent import Agent
from shared.agent.flow import Flow
from shared.aws.executions import Executions
from shared.database import Statement
from shared.errors import SettingsError
from shared.events import Event, Json
from shared.frozen import frozen
from shared.journal import Allowance, Run
from shared.models.found_text import addresses
from shared.perception.writers import without_body
from shared.planning.declaration import Plans
from shared.planning.next_state import NextState, next_state
from shared.planning.states.consent import Consent
from shared.planning.store import PlanStore, Situation

#: Does the work of a state with the agent of its run; returns what to commit with its end.
StateWork = Callable[[Agent], Sequence[Statement]]


class RunEnding(Protocol):
    """How an attempt left its run: its state, '' when it had ended before, and its error."""

    @property
    def state(self) -> str: ...

    @property
    def error(self) -> Exception | None: ...


class RunAttempt(Protocol):
    """Lives one run; see shared.runtime.lifecycle."""

    def __call__(
        self,
        event: Event,
        remaining: Callable[[], float],
        work: StateWork,
        *,
        acts: bool,
        stoppable: bool,
        allowance: Allowance,
        shown: Sequence[Any],
        closing: Callable[[Run, str], Sequence[Statement]],
    ) -> RunEnding: ...


class StateRunner:
    """The services that the states of a flow's plans share, built once per process."""

    def __init__(
        self,
        flow: Flow,
        attempt: RunAttempt,
        store: PlanStore,
        executions: Callable[[], Executions],
        adapter: Callable[[Action | Query], Adapter],
        *,
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        """Links to `hosts` stay links in what people are shown."""
        if not isinstance(flow.plans, Plans):
            raise SettingsError(f"flow {flow.name} declares no plans; give @flow a plans=Plans(…)")
        self.flow = flow
        self.plans = flow.plans
        self.attempt = attempt
        self.store = store
        self.executions = executions
        self.adapter = adapter
        self.hosts = hosts

    def call(self, payload: Json, remaining: Callable[[], float]) -> "StateCall":
        """Load the plan that `payload` names; raises EventError when there is none."""
        situation = self.store.load(payload["tenant"], payload["plan"])
        return StateCall(self, payload, remaining, situation)


@frozen
class StateCall:
    """One call of a state: its payload, the seconds that remain, and the plan as it stands."""

    runner: StateRunner
    payload: Json
    remaining: Callable[[], float]
    situation: Situation

    @property
    def plans(self) -> Plans:
        return self.runner.plans

    def adapter(self, wanted: Action | Query) -> Adapter:
        """Return the adapter of the workspace in which the plan was asked for."""
        return within(self.runner.adapter, self.situation.event)(wanted)

    @property
    def consent(self) -> Consent:
        return Consent(self.situation, self.plans)

    def next_state(self) -> NextState:
        awaits_consent = self.consent.is_awaited
        limits, selector = self.plans.limits, self.plans.selector
        return next_state(self.situation, limits, awaits_consent, time.time(), selector)

    def answer(self) -> Json:
        """Tell the machine where to go next."""
        return self.next_state().to_json()

    def write(self, *statements: Statement) -> None:
        """Write what needs no run."""
        self.runner.store.run(self.situation.event.tenant, statements)

    def again(self, *statements: Statement) -> "StateCall":
        """Write what needs no run, and return the call with the plan as it then stands."""
        tenant, plan = self.situation.event.tenant, self.situation.id
        return replace(self, situation=self.runner.store.load_after(tenant, plan, statements)[1])

    def run(
        self, name: str, work: StateWork, *, acts: bool = False, stoppable: bool = True
    ) -> bool:
        """Do `work` as the run `name` of the plan, once; False when it was done before, or is not
        to be done because the plan was stopped. Its agent takes actions only if it `acts`. Where
        the team does not want that by now, the plan ends with a reason in place of the work.

        Raises RunBusy when another invocation is doing it, and what `work` raises. The next attempt
        then goes on from there.
        """

        def closing(run: Run, state: str) -> Sequence[Statement]:
            kept = {"of_run": run.id, "state": state, "cost": run.cost, "unpriced": run.unpriced}
            return [self.situation.statement("keep_run", **kept)]

        def wanted(agent: Agent) -> Sequence[Statement]:
            flow, writes = self.runner.flow, acts and self.situation.may_write
            settings = agent.desk(flow.settings) if flow.settings and stoppable else None
            if settings and (why_not := settings.why_not(flow.name, acts=writes)):
                return [self.situation.statement("give_up", reason=why_not)]
            return work(agent)

        # The run has the plan's cause as its event, under an id of its own and without the payload.
        cause = without_body(self.situation.event)
        event = cause._replace(id=f"{cause.id}/{name}")
        # What the steps gave may hold the words of outsiders, and goes into what follows them.
        outputs = [row.output for row in self.situation.steps]
        shown = [[{"trust": "outside"}, *addresses(outputs)]] if outputs else []
        ending = self.runner.attempt(
            event,
            self.remaining,
            wanted,
            acts=acts,
            stoppable=stoppable,
            allowance=self._allowance(),
            shown=shown,
            closing=closing,
        )
        if ending.error:
            raise ending.error
        return bool(ending.state)

    def _allowance(self) -> Allowance:
        """Return what the plan leaves for the model calls of one more run."""
        limits, situation = self.plans.limits, self.situation
        return Allowance(limits.seconds - situation.worked, limits.cost - situation.cost)

    def tell(self, agent: Agent, text: str) -> Receipt | None:
        """Tell the people in the conversation, if it has any."""
        told = self.plans.say(self.situation.event, text)
        return agent.act(told) if told is not None else None
