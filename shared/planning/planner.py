"""The default planner: a large model writes the plan, and is told what was wrong before."""

import json
from typing import Annotated

from shared.events import Json
from shared.frozen import frozen
from shared.models.answers.typed import at_most
from shared.planning import Brief, Mind
from shared.planning.plan import Plan, PlanStep
from shared.planning.validation import ToolFacts

PROMPT = """\
Make a plan that reaches the goal: a list of steps, each one call of a tool. Use as few as it takes.
Steps that do not need each other run at the same time; name in depends_on what must come first.
`arguments` is a JSON object written as text. Where a value comes from an earlier step, write
{"$from": "<id>", "path": "<path>"} in its place, with a path such as items[0].number or
items[*].name, or an empty one for the whole output. `verify` is empty when any answer will do, `not
empty` when there must be something, or a condition to check. Set `approve` when the goal wants a
person asked first. Do nothing that the goal does not ask for. Memories of earlier plans may help.
Name all writes in the first plan: one that a later plan adds waits for a person, and so does one
whose issue, label, person or other target comes from an earlier step.

The tools:
"""

_ABSENT = """

These are missing here. Plan a step with one only when the goal cannot be reached without it: the
plan will not run then, and the person is told why.

"""
_HINTS = "\n\nFor goals of this kind these tools helped when they came first, in this order: "


@frozen
class ProposedStep:
    id: Annotated[str, "short, such as s1"]
    goal: Annotated[str, "what the step is for, in one short line"]
    tool: Annotated[str, "the name of a tool"]
    arguments: Annotated[str, "a JSON object, written as text"]
    depends_on: tuple[str, ...]
    expected: Annotated[str, "what should come of it"]
    verify: Annotated[str, "empty, `not empty`, or a condition"]
    approve: bool


@frozen
class ProposedPlan:
    steps: Annotated[tuple[ProposedStep, ...], at_most(50)]


def plan_with_a_model(mind: Mind, brief: Brief) -> Plan:
    """Ask the large model for a plan, with what earlier plans of that kind have taught."""
    prompt = PROMPT + "\n".join(describe_tool(tool) for tool in brief.tools.values())
    if brief.absent:
        prompt += _ABSENT + "\n".join(f"- {name}(): {why}" for name, why in brief.absent.items())
    if brief.hints:
        prompt += f"{_HINTS}{', '.join(brief.hints)}. Use each only where the goal needs it."
    lessons = mind.recall(brief.goal, kinds={"episode"}, limit=3)
    context = (brief.goal, *_before(brief), lessons)
    proposed = mind.ask(prompt, *context, returns=ProposedPlan, model="large", max_tokens=4096)
    return read_plan(proposed)


def read_plan(proposed: ProposedPlan) -> Plan:
    """Return the plan that a model proposes."""
    return Plan(tuple(_step(step) for step in proposed.steps))


def describe_tool(tool: ToolFacts) -> str:
    """Write a tool as one line for the model: its parameters, what it gives, what it is for."""
    schema = tool.parameters
    required = set(schema.get("required", ()))
    parameters = ", ".join(
        f"{name}{'' if name in required else '?'}: {_kind(part)}"
        for name, part in schema.get("properties", {}).items()
    )
    returns = f" Returns {_kind(tool.returns)}." if tool.returns else ""
    effect = " [writes]" if tool.writes else ""
    about = " ".join(tool.about.split())
    return f"- {tool.name}({parameters}){effect}: {about}{returns}"


def _kind(schema: Json) -> str:
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_kind(option) for option in options)
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"[{_kind(schema.get('items', {}))}]"
    if schema.get("type") == "object":
        inner = (f"{name}: {_kind(part)}" for name, part in schema.get("properties", {}).items())
        return f"{{{', '.join(inner)}}}"
    return str(schema.get("type", "any"))


def _before(brief: Brief) -> list[str]:
    """Tell what a revision must know: the version before, what was wrong, and what is done."""
    if brief.previous is None:
        return []
    told = [
        f"The plan before:\n{json.dumps(brief.previous.to_json(), ensure_ascii=False)}",
        "Why it does not do:\n" + "\n".join(f"- {line}" for line in brief.feedback),
    ]
    if brief.done:
        outputs = "\n".join(f"{id}: {text}" for id, text in brief.done.items())
        told.append(f"Steps that are done, to be repeated unchanged, and their outputs:\n{outputs}")
    return told


def _step(proposed: ProposedStep) -> PlanStep:
    """Read a proposed step; arguments that are not a JSON object become ones that no tool takes."""
    try:
        arguments = json.loads(proposed.arguments or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        arguments = {"arguments that are no JSON object": True}
    return PlanStep(
        proposed.id,
        proposed.goal,
        proposed.tool,
        arguments,
        proposed.depends_on,
        proposed.expected,
        proposed.verify,
        proposed.approve,
    )
