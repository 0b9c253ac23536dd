"""What each write of a plan reaches, and which writes reach beyond the plan's first version.

The first version is made from the words of the person who asked, before anything is read. A later
one is also made from what was read. By itself it may drop and repeat the writes of the first, and
word them otherwise; whatever else it writes waits for a person's consent.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from shared.canonical import digest
from shared.planning.plan import PlanStep, references
from shared.planning.validation import ToolFacts

#: The digests of all that a write reaches, each as often as it does.
Reach = tuple[str, ...]


def reach(step: PlanStep, tool: ToolFacts) -> Reach | None:
    """Return what a write reaches: its place, and by itself each thing of a list there, such as a
    label or a person. None when another step's output says where."""
    where = {
        name: value
        for name, value in (tool.defaults | step.arguments).items()
        if name not in tool.content
    }
    if next(references(where), None):
        return None
    lists = {name: value for name, value in where.items() if isinstance(value, list | tuple)}
    place = [tool.name, where | {name: bool(value) for name, value in lists.items()}]
    things = [[place, name, thing] for name, value in lists.items() for thing in value]
    return tuple(sorted(map(digest, [place, *things])))


def beyond(
    first: Iterable[PlanStep],
    waiting: Sequence[PlanStep],
    written: Iterable[Collection[str]],
    tools: Mapping[str, ToolFacts],
) -> frozenset[str]:
    """Return the ids of the `waiting` steps that write something else, or more often, than the
    `first` version does without a question.

    `written` are the reaches of what was already written without one.
    """
    left: Counter[str] = Counter()
    for step in _writing(first, tools):
        if not step.approve:
            left.update(reach(step, tools[step.tool]) or ())
    for reached in written:
        left.subtract(reached)
    found = set()
    for step in _writing(waiting, tools):
        wanted = reach(step, tools[step.tool])
        if wanted is None or any(left[part] < count for part, count in Counter(wanted).items()):
            found.add(step.id)
        else:
            left.subtract(wanted)
    return frozenset(found)


def _writing(steps: Iterable[PlanStep], tools: Mapping[str, ToolFacts]) -> list[PlanStep]:
    return [step for step in steps if step.tool in tools and tools[step.tool].writes]
