"""The states Plan and Validate: a version of the plan, and whether it may run."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from shared.agent.agent import Agent
from shared.database import Statement
from shared.events import Json
from shared.planning import Brief
from shared.planning.next_state import over
from shared.planning.plan import Plan
from shared.planning.states.runner import StateRunner
from shared.planning.store import Situation, Version, as_json, statement
from shared.planning.validation import Bounds, problems

#: Characters of a finished step's output that the planner is shown.
_SHOWN = 1000


class MakePlan:
    """Make the next version, when there is none or the latest does not do."""

    def __init__(self, states: StateRunner) -> None:
        self._states = states

    def __call__(self, payload: Json, remaining: Callable[[], float]) -> Json:
        states = self._states
        situation = states.store.load(payload["tenant"], payload["plan"])
        latest = situation.latest
        if over(situation, states.plans.limits) or (latest and not latest.fault):
            return states.next(situation)
        number = latest.number + 1 if latest else 1

        def work(agent: Agent) -> Sequence[Statement]:
            plan = states.plans.planner(agent, self._brief(situation, latest))
            place = (situation.event.tenant, situation.id)
            return [
                statement("add_version", *place, version=number, steps=as_json(plan.to_json())),
                statement("name_version", *place, version=number),
            ]

        states.run(situation, f"plan/{number}", remaining, work)
        return states.next(states.again(situation))

    def _brief(self, situation: Situation, latest: Version | None) -> Brief:
        done = {id: _in_short(output) for id, output in situation.outputs.items()}
        return Brief(
            situation.goal,
            self._states.plans.offered(situation.event),
            latest.plan if latest else None,
            done,
            latest.feedback if latest else (),
            self._states.plans.absent(situation.event),
        )


class Validate:
    """Check the latest version, and take its steps over when it may run."""

    def __init__(self, states: StateRunner) -> None:
        self._states = states

    def __call__(self, payload: Json, remaining: Callable[[], float]) -> Json:
        states = self._states
        situation = states.store.load(payload["tenant"], payload["plan"])
        latest = situation.latest
        if latest and not latest.checked and not situation.over:
            states.put(situation, self._judged(situation, latest))
            situation = states.again(situation)
        return states.next(situation)

    def _judged(self, situation: Situation, latest: Version) -> list[Statement]:
        tenant, id = situation.event.tenant, situation.id
        tools = self._states.plans.offered(situation.event)
        wrong = problems(latest.plan, tools, self._bounds(situation))
        if wrong:
            faulty = {"version": latest.number, "fault": "invalid", "feedback": as_json(wrong)}
            return [statement("fault_version", tenant, id, **faulty)]
        kept = [step.id for step in latest.plan.steps]
        return [
            *_taken_over(tenant, id, latest.plan, latest.number),
            statement("drop_steps", tenant, id, kept=kept),
            statement("check_version", tenant, id, version=latest.number),
            statement("run_plan", tenant, id, state="running"),
        ]

    def _bounds(self, situation: Situation) -> Bounds:
        may = {permission.action.__name__: permission.limit for permission in self._states.flow.may}
        done = [row.step for row in situation.in_state("done")]
        writes = situation.event.actor.may_write
        absent = self._states.plans.absent(situation.event)
        return Bounds(self._states.plans.limits, may, writes, done, situation.cost, absent)


def _taken_over(tenant: str, id: str, plan: Plan, version: int) -> list[Statement]:
    return [
        statement(
            "put_step",
            tenant,
            id,
            id=step.id,
            version=version,
            position=position,
            step=as_json(step.to_json()),
        )
        for position, step in enumerate(plan.steps)
    ]


def _in_short(output: Any) -> str:
    return json.dumps(output, ensure_ascii=False)[:_SHOWN]
