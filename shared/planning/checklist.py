"""A plan as people read it: a checklist with the state of each step and the cost so far."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from shared.models.found_text import linked
from shared.models.prices import shown_cost
from shared.planning.plan import PlanStep

_MARKS = {
    "waiting": "▫️",
    "acted": "⏳",
    "running": "⏳",
    "done": "✅",
    "failed": "❌",
    "dropped": "➖",
    "asked": "⏸",
}


class Line(NamedTuple):
    """One step, its state, and the reason for the state when it needs one."""

    step: PlanStep
    state: str
    reason: str = ""


def checklist(
    lines: Sequence[Line],
    *,
    cost: float = 0.0,
    unpriced: bool = False,
    links: Mapping[str, str] | None = None,
) -> str:
    """Write the lines as Markdown, which Slack's markdown block reads too.

    `links` are the addresses of what the steps have made, by id.
    """
    written = [_line(line, (links or {}).get(line.step.id, "")) for line in lines]
    done = sum(line.state == "done" for line in lines)
    total = f"{done} of {len(lines)} steps done"
    if spent := shown_cost(cost, unpriced=unpriced):
        total += f", {spent} so far"
    return "\n".join([*written, "", total])


def _line(line: Line, link: str) -> str:
    goal = " ".join(line.step.goal.split()) or line.step.tool
    named = linked(goal, link) if link else goal
    reason = f" — {line.reason}" if line.reason and line.state != "done" else ""
    return f"- {_MARKS[line.state]} {named}{reason}"
