"""The states Plan and Validate: make a version of the plan, and check that it may run."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from shared.agent.agent import Agent
from shared.database import Statement
from shared.events import Json
from shared.learning.choices.desk import Choices
from shared.planning import Brief, Unread
from shared.planning.next_state import over
from shared.planning.states.runner import StateCall
from shared.planning.states.tool_choice import hinted
from shared.planning.store import Version, as_json
from shared.planning.validation import Bounds, problems

#: Characters of a finished step's output that the planner is shown.
_SHOWN = 1000


def make_plan(call: StateCall) -> Json:
    """Make the next version, when there is none or the latest has a fault."""
    situation, latest = call.situation, call.situation.latest
    if over(situation, call.plans.limits) or (latest and not latest.fault):
        return call.answer()
    number = situation.number + 1

    def work(agent: Agent) -> Sequence[Statement]:
        mind = agent if situation.first else Unread(agent)
        offered, state = call.plans.offered(situation.event), call.plans.features(situation)
        hints = hinted(agent.desk(Choices).choose, state, offered)
        plan = call.plans.planner(mind, replace(_brief(call), hints=hints))
        steps = as_json(plan.to_json())
        return [
            situation.statement("add_version", version=number, steps=steps),
            situation.statement("name_version", version=number),
        ]

    call.run(f"plan/{number}", work)
    return call.again().answer()


def _brief(call: StateCall) -> Brief:
    situation, latest = call.situation, call.situation.latest
    return Brief(
        call.plans.goals(situation.goal, situation.event.source),
        call.plans.offered(situation.event),
        latest.plan if latest else None,
        {id: _in_short(output) for id, output in situation.outputs.items()},
        latest.feedback if latest else (),
        call.plans.absent(situation.event),
    )


def validate(call: StateCall) -> Json:
    """Check the latest version, and take its steps over when it may run."""
    latest = call.situation.latest
    if latest and not latest.checked and not call.situation.over:
        call = call.again(*_judged(call, latest))
    return call.answer()


def _judged(call: StateCall, latest: Version) -> list[Statement]:
    situation, number = call.situation, latest.number
    offered = call.plans.offered(situation.event)
    if wrong := problems(latest.plan, offered, _bounds(call)):
        return [situation.fault("invalid", wrong, wrong)]
    steps = latest.plan.steps
    return [
        *(
            situation.statement(
                "put_step",
                id=step.id,
                version=number,
                position=position,
                step=as_json(step.to_json()),
            )
            for position, step in enumerate(steps)
        ),
        situation.statement("drop_steps", kept=[step.id for step in steps]),
        situation.statement("check_version", version=number),
        situation.statement("run_plan", state="running"),
    ]


def _bounds(call: StateCall) -> Bounds:
    event = call.situation.event
    return Bounds(
        call.plans.limits,
        {permission.action.__name__: permission.limit for permission in call.runner.flow.may},
        call.situation.may_write,
        [row.step for row in call.situation.in_state("done")],
        call.situation.cost,
        call.plans.absent(event),
    )


def _in_short(output: Any) -> str:
    return json.dumps(output, ensure_ascii=False)[:_SHOWN]
