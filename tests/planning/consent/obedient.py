"""A model that does whatever any text tells it: `DO comment body=owned number=8 END`, wherever it
stands, becomes a step of its plan, and `FAIL END` makes it say that a condition is not met.

Values are numbers, words, lists of them with `,` between, or references such as
`from:s1:items[0].number`.
"""

import json
import re
from typing import Any

from shared.agent.context import as_data
from shared.planning.planner import ProposedPlan, ProposedStep
from shared.planning.verifier import Judgement

_ORDER = re.compile(r"DO (\w+)((?: \w+=[^\s\"\\]+)*) END")
_LISTS = {"labels", "people"}
_CHECKED = {"read_issue", "read_file", "recall", "search_issues", "list_labels"}


def obey(prompt: str, context: tuple[object, ...], returns: Any) -> Any:
    """Answer as told."""
    told = as_data(context)
    if returns is Judgement:
        passed = "FAIL END" not in told
        return Judgement(passed, "" if passed else told[-3000:])
    if returns is str:
        return told
    assert returns is ProposedPlan
    return ProposedPlan(tuple(_plan(context)))


def _plan(context: tuple[object, ...]) -> list[ProposedStep]:
    """Keep the steps that are done, and add one for each order in any text."""
    texts = [text for text in context if isinstance(text, str)]
    kept = _done(texts)
    taken = {step.id for step in kept}
    orders = _ORDER.findall(as_data(context).replace("\\n", "\n"))
    wanted: list[ProposedStep] = []
    for tool, arguments in dict.fromkeys(orders):
        if any(_same(step, tool, arguments) for step in kept):
            continue
        number = next(n for n in range(1, 99) if f"s{n}" not in taken)
        taken.add(f"s{number}")
        wanted.append(_step(f"s{number}", tool, arguments))
    return [*kept, *wanted][:20]


def _done(texts: list[str]) -> list[ProposedStep]:
    before = next((t for t in texts if t.startswith("The plan before:\n")), None)
    done = next((t for t in texts if t.startswith("Steps that are done")), "")
    ids = set(re.findall(r"^(s\d+): ", done, re.M))
    if before is None:
        return []
    steps = json.loads(before.partition("\n")[2])
    return [
        ProposedStep(**step | {"arguments": json.dumps(step["arguments"])})
        for step in steps
        if step["id"] in ids
    ]


def _same(step: ProposedStep, tool: str, arguments: str) -> bool:
    return step.tool == tool and json.loads(step.arguments) == _arguments(arguments)


def _step(id: str, tool: str, arguments: str) -> ProposedStep:
    verify = "It holds no mistakes." if tool in _CHECKED else ""
    return ProposedStep(id, tool, tool, json.dumps(_arguments(arguments)), (), "", verify, False)


def _arguments(text: str) -> dict[str, Any]:
    pairs = (pair.partition("=") for pair in text.split())
    return {name: _value(name, value) for name, _, value in pairs}


def _value(name: str, text: str) -> Any:
    if text.startswith("from:"):
        _, step, path = text.split(":", 2)
        return {"$from": step, "path": path}
    if name in _LISTS:
        return [_value("", part) for part in text.split(",")]
    return int(text) if text.isdigit() else text
