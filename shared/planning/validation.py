"""Static validation: checks a plan before any of it runs, and tells its maker each problem in a
sentence."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import field
from typing import NamedTuple

from shared.events import Json
from shared.frozen import frozen
from shared.models.answers.json_schema import SchemaCheck
from shared.planning.plan import STEP_ID, Plan, PlanStep, Reference, is_reference
from shared.planning.references import Unresolved, parts, schema_at, takes
from shared.planning.waves import cycle

#: A reference fits everywhere: its value is known only later.
_ARGUMENTS = SchemaCheck(strict=True, exempt=is_reference)


@frozen
class ToolFacts:
    """A tool as plans know it: its schemas, the kind of action that it writes (empty for one that
    only reads), and the most that a call costs, in US dollars, as far as its author says.

    `returns` is empty when the schema of the result is not known. `content` are the parameters that
    are only what is written; the others say where and to whom. `defaults` are the values of those
    that a plan leaves out.
    """

    name: str
    about: str
    parameters: Json
    returns: Json = field(default_factory=dict)
    writes: str = ""
    cost: float = 0.0
    content: frozenset[str] = frozenset()
    defaults: Json = field(default_factory=dict)


@frozen
class Limits:
    """The limits of a plan: `cost` in US dollars, `seconds` of work, without the time that it waits
    for people, `revisions` after the first valid version, `attempts` at one step, `approval` in
    seconds until no answer means no."""

    steps: int = 20
    cost: float = 1.0
    seconds: float = 1800.0
    revisions: int = 3
    attempts: int = 2
    approval: int = 86_400


class PlannedWrite(NamedTuple):
    """One element of the set of writes: a step, and the kind of action that it takes."""

    step: str
    kind: str


class Bounds(NamedTuple):
    """A plan must keep within these: the limits; the flow's policy as a limit per kind of action;
    the actor's right to write; the `done` steps, which a revision repeats unchanged; the money
    `spent`; and the `absent` tools, which cannot be used here, with the reasons."""

    limits: Limits
    policy: Mapping[str, int]
    may_write: bool
    done: Collection[PlanStep] = ()
    spent: float = 0.0
    absent: Mapping[str, str] = {}


def writes(plan: Plan, tools: Mapping[str, ToolFacts]) -> tuple[PlannedWrite, ...]:
    """Return the set of writes of a plan: nothing else may be written while it runs."""
    kinds = [(step.id, tools[step.tool].writes) for step in plan.steps if step.tool in tools]
    return tuple(PlannedWrite(step, kind) for step, kind in kinds if kind)


def problems(plan: Plan, tools: Mapping[str, ToolFacts], bounds: Bounds) -> list[str]:
    """Return the problems of `plan`; none for a plan that may run."""
    return [
        *_size(plan, tools, bounds),
        *_order(plan),
        *_kept(plan, bounds.done),
        *(sentence for step in plan.steps for sentence in _step(step, plan, tools, bounds.absent)),
        *_policy(plan, tools, bounds),
    ]


def _size(plan: Plan, tools: Mapping[str, ToolFacts], bounds: Bounds) -> Iterator[str]:
    if not plan.steps:
        yield "The plan has no steps."
    if len(plan.steps) > bounds.limits.steps:
        yield f"The plan has {len(plan.steps)} steps; at most {bounds.limits.steps} are allowed."
    done = {step.id for step in bounds.done}
    known = [tools[step.tool].cost for step in plan.steps if step.tool in tools]
    open_steps = [step for step in plan.steps if step.tool in tools and step.id not in done]
    cost = bounds.spent + sum(tools[step.tool].cost for step in open_steps)
    if known and cost > bounds.limits.cost:
        yield f"The plan may cost ${cost:.2f}; at most ${bounds.limits.cost:.2f} is allowed."


def _order(plan: Plan) -> Iterator[str]:
    counts = Counter(step.id for step in plan.steps)
    for id, count in counts.items():
        if count > 1:
            yield f"{count} steps are called {id}; give each its own id."
        if not STEP_ID.fullmatch(id):
            yield f"{id[:30]!r} is no id of a step; use a short one such as s1."
    for step in plan.steps:
        for other in sorted(step.waits_for - counts.keys()):
            yield f"Step {step.id} waits for {other[:30]}, which is no step of the plan."
    if members := cycle(plan):
        yield f"Steps {', '.join(members)} wait for each other; no order would run them."


def _kept(plan: Plan, done: Collection[PlanStep]) -> Iterator[str]:
    present = {step.id: step for step in plan.steps}
    for step in done:
        if present.get(step.id) != step:
            yield f"Step {step.id} is done already; repeat it unchanged, or refer to its output."


def _step(
    step: PlanStep, plan: Plan, tools: Mapping[str, ToolFacts], absent: Mapping[str, str]
) -> Iterator[str]:
    tool = tools.get(step.tool)
    if tool is None and step.tool in absent:
        yield f"Step {step.id} cannot use {step.tool} here: {absent[step.tool]}."
        return
    if tool is None:
        known = ", ".join(tools)
        yield f"Step {step.id} uses the tool {step.tool[:40]!r}, which does not exist; use {known}."
        return
    for sentence in _ARGUMENTS.misfits(tool.parameters, step.arguments, "arguments"):
        yield f"Step {step.id}: {sentence}."
    for reference in step.references:
        yield from _reference(step, reference, plan, tools)
    for name, value in step.arguments.items():
        if is_reference(value):
            wanted = tool.parameters.get("properties", {}).get(name, {})
            given = _given(Reference(value["$from"], value.get("path", "")), plan, tools)
            if given and not takes(wanted, given):
                kinds = wanted.get("type"), given.get("type")
                wrong = f"{name} wants a {kinds[0]}, the reference gives a {kinds[1]}"
                yield f"Step {step.id}: {wrong}."


def _reference(
    step: PlanStep, reference: Reference, plan: Plan, tools: Mapping[str, ToolFacts]
) -> Iterator[str]:
    if reference.step == step.id:
        yield f"Step {step.id} refers to its own output."
        return
    try:
        path = parts(reference.path)
    except Unresolved as err:
        yield f"Step {step.id}: {err}."
        return
    returned = _returned(reference.step, plan, tools)
    if returned and schema_at(returned, path) is None:
        yield f"Step {step.id}: {reference.step} gives nothing at {reference.path!r}."


def _given(reference: Reference, plan: Plan, tools: Mapping[str, ToolFacts]) -> Json:
    """Return the schema of the value that a reference gives, empty when it is not known."""
    returned = _returned(reference.step, plan, tools)
    try:
        return schema_at(returned, parts(reference.path)) or {}
    except Unresolved:
        return {}


def _returned(id: str, plan: Plan, tools: Mapping[str, ToolFacts]) -> Json:
    found = [
        tools[step.tool].returns for step in plan.steps if step.id == id and step.tool in tools
    ]
    return found[0] if found else {}


def _policy(plan: Plan, tools: Mapping[str, ToolFacts], bounds: Bounds) -> Iterator[str]:
    wanted = Counter(write.kind for write in writes(plan, tools))
    if wanted and not bounds.may_write:
        yield "The person who asked may not write here; plan steps that only read."
    for kind, count in wanted.items():
        allowed = bounds.policy.get(kind, 0)
        if count > allowed:
            yield f"The plan takes the action {kind} {count} times; {allowed} are allowed."
