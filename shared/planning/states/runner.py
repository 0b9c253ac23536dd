"""Runs the states of a plan: each brings the plan one piece further and says where it goes next.

A state may be called twice, late, or again from the first one after a restart. It reads how the
plan stands, does its piece if that is still open, and commits the result together with the end of
its run in the journal. So its answer follows from the plan alone.
"""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from shared.actions import Action, Adapter, Query
from shared.agent.agent import Agent
from shared.agent.flow import Flow
from shared.aws.executions import Executions
from shared.database import Statement
from shared.errors import SettingsError
from shared.events import Event, Json
from shared.journal import Run
from shared.planning.declaration import Plans
from shared.planning.next_state import course
from shared.planning.states.consent import Gates
from shared.planning.store import PlanStore, Situation, statement

#: Does the piece of work of a state with the agent of its run; returns what to commit with its end.
Work = Callable[[Agent], Sequence[Statement]]


class RunEnding(Protocol):
    """How an attempt left its run: its state, '' when it had ended before, and its error."""

    @property
    def state(self) -> str: ...

    @property
    def error(self) -> Exception | None: ...


class Attempt(Protocol):
    """Lives one run; see shared.runtime.lifecycle."""

    def __call__(
        self,
        event: Event,
        remaining: Callable[[], float],
        work: Work,
        *,
        closing: Callable[[Run, str], Sequence[Statement]],
    ) -> RunEnding: ...


class StateRunner:
    """The means that the states share, and the run of each."""

    def __init__(
        self,
        flow: Flow,
        attempt: Attempt,
        store: PlanStore,
        executions: Callable[[], Executions],
        adapter: Callable[[Action | Query], Adapter],
    ) -> None:
        if not isinstance(flow.plans, Plans):
            raise SettingsError(f"flow {flow.name} declares no plans; give @flow a plans=Plans(…)")
        self.flow = flow
        self.plans = flow.plans
        self.store = store
        self.executions = executions
        self.adapter = adapter
        self._attempt = attempt

    def gates(self, situation: Situation) -> Gates:
        return Gates(situation, self.plans)

    def next(self, situation: Situation) -> Json:
        """Answer the machine: where to go, with which steps, for how many seconds at most."""
        gated = self.gates(situation).gated
        found = course(situation, self.plans.limits, gated, time.time())
        return {"next": found.next, "steps": list(found.steps), "seconds": found.seconds}

    def again(self, situation: Situation) -> Situation:
        return self.store.load(situation.event.tenant, situation.id)

    def run(
        self, situation: Situation, name: str, remaining: Callable[[], float], work: Work
    ) -> bool:
        """Do `work` as the run `name` of the plan, once; False when it was done before.

        Raises RunBusy when another invocation is at it, and what `work` raises: then the next
        attempt goes on where this one failed.
        """

        def closing(run: Run, state: str) -> Sequence[Statement]:
            kept = {"of_run": run.id, "state": state, "cost": run.cost}
            return [statement("keep_run", situation.event.tenant, situation.id, **kept)]

        # The run has the plan's cause as its event, under an id of its own and without the payload.
        cause = situation.event
        event = cause._replace(id=f"{cause.id}/{name}", payload={})
        ending = self._attempt(event, remaining, work, closing=closing)
        if ending.error:
            raise ending.error
        return bool(ending.state)

    def tell(self, agent: Agent, situation: Situation, text: str) -> None:
        """Tell those who are in the conversation, where there is one."""
        told = self.plans.say(situation.event, text)
        if told is not None:
            agent.act(told)

    def put(self, situation: Situation, statements: Sequence[Statement]) -> None:
        """Write what needs no run."""
        self.store.run(situation.event.tenant, statements)
