"""Waves: the steps that can run at the same time, because all that they wait for is done."""

from collections.abc import Collection, Iterable

from shared.planning.plan import Plan, PlanStep


def ready(plan: Plan, done: Collection[str], closed: Collection[str] = ()) -> list[PlanStep]:
    """Return the steps that can run now, in the plan's order.

    `done` are the steps that have an output, `closed` those that will not run any more.
    """
    return [
        step
        for step in plan.steps
        if step.id not in done and step.id not in closed and step.waits_for <= set(done)
    ]


def waves(plan: Plan) -> list[list[PlanStep]]:
    """Return the steps in the waves that they would run in if all went well.

    A step in a cycle, or one that waits for it, is in no wave.
    """
    done: set[str] = set()
    found = []
    while wave := ready(plan, done):
        found.append(wave)
        done |= {step.id for step in wave}
    return found


def cycle(plan: Plan) -> list[str]:
    """Return the ids of the steps that wait for each other, in the plan's order; none if acyclic.

    A step that only waits for a cycle, or for a missing step, is not named.
    """
    needs = {step.id: set(step.waits_for) for step in plan.steps}
    needs = {id: {other for other in others if other in needs} for id, others in needs.items()}
    while free := _without_needs(needs) | _needed_by_none(needs):
        needs = {id: others - free for id, others in needs.items() if id not in free}
    return [step.id for step in plan.steps if step.id in needs]


def _without_needs(needs: dict[str, set[str]]) -> set[str]:
    return {id for id, others in needs.items() if not others}


def _needed_by_none(needs: dict[str, set[str]]) -> set[str]:
    wanted: Iterable[str] = {other for others in needs.values() for other in others}
    return set(needs) - set(wanted)
