"""The states of the machine: each brings a plan one piece further and says where it goes next.

A state may be called twice, late, or again from the first one after a restart. It reads how the
plan stands, does its piece if that is still open, and commits what came of it together with the end
of its run in the journal. So what it answers follows from the plan alone.
"""

import time
from collections.abc import Callable, Sequence

from shared.agent.agent import Agent, Capabilities
from shared.agent.flow import Flow
from shared.database import Statement
from shared.errors import AgentFlowsError, RunBusy, SettingsError
from shared.events import Event, Json
from shared.journal import Journal, Run
from shared.log import log
from shared.planning.declaration import Plans
from shared.planning.next_state import course
from shared.planning.states.consent import Gates
from shared.planning.store import Situation, statement

#: Does the piece of work of a state with the agent of its run; returns what to commit with its end.
Work = Callable[[Agent], Sequence[Statement]]

#: The lease outlives the function by this many seconds.
_GRACE = 5.0


class States:
    """What the states share: the plan's store, and the life of the run of one of them."""

    def __init__(self, flow: Flow, journal: Journal, can: Capabilities) -> None:
        if flow.plans is None:
            raise SettingsError(f"flow {flow.name} declares no plans; give @flow a plans=Plans(…)")
        self.flow = flow
        self.plans: Plans = flow.plans
        self.store = can.plans()
        self.can = can
        self._journal = journal

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
        event = _event(situation.event, name)
        run = self._journal.claim(event, self.flow.name, remaining() + _GRACE)
        if run is None:
            return False
        agent = Agent(run, self.flow.policy(event), self.can, remaining, self.flow.shares)
        try:
            statements = work(agent)
        except RunBusy:
            raise
        # The outermost place of a state: it is recorded, and the machine decides what then.
        except Exception as err:
            self._fail(situation, run, err)
            raise
        run.finish("done", "", [*statements, _kept(situation, run, "done")])
        log("state done", flow=run.flow, run=run.id, plan=situation.id, state=name, cost=run.cost)
        return True

    def tell(self, agent: Agent, situation: Situation, text: str) -> None:
        """Tell those who are in the conversation, where there is one."""
        told = self.plans.say(situation.event, text)
        if told is not None:
            agent.act(told)

    def put(self, situation: Situation, statements: Sequence[Statement]) -> None:
        """Write what needs no run."""
        self.store.run(situation.event.tenant, statements)

    def _fail(self, situation: Situation, run: Run, err: Exception) -> None:
        ours = isinstance(err, AgentFlowsError)
        reason = str(err) if ours else type(err).__name__
        log(
            "state failed",
            flow=run.flow,
            run=run.id,
            plan=situation.id,
            error=type(err).__name__,
            reason=reason,
        )
        run.finish("retrying", reason, [_kept(situation, run, "retrying")])


def _event(cause: Event, name: str) -> Event:
    """The event of a state's run: its cause under an id of its own, without the large payload."""
    return cause._replace(id=f"{cause.id}/{name}", payload={})


def _kept(situation: Situation, run: Run, state: str) -> Statement:
    return statement(
        "keep_run",
        situation.event.tenant,
        situation.id,
        of_run=run.id,
        state=state,
        cost=run.cost,
    )
