"""Compares a recorded run with its shadow: what it would do, what it was told, cost and time."""

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from shared.canonical import canonical
from shared.database import Row
from shared.events import Json
from shared.patterns import lazily
from shared.runtime.shadow.shadowing import RecordedRun, Shadow

#: The footer that signs a text: it names models, cost and run.
_FOOTER = lazily(r"\n\n(?:<sub>[^<\n]*run [0-9a-f]{20}</sub>|_[^\n]*run [0-9a-f]{20}_)")


class Act(NamedTuple):
    """An action of a run: its kind, its target, and its content without the footer."""

    tool: str
    target: str
    arguments: Json


class ChangedAct(NamedTuple):
    """An action that the recorded run did (`before`), and what the shadow would do in its place;
    None where one of them does nothing."""

    before: Act | None
    after: Act | None


class ChangedAnswer(NamedTuple):
    """What a step gave in the recorded run, and in the shadow; None where one has no such step."""

    step: str
    before: Any
    after: Any


class Difference(NamedTuple):
    """What a shadow does otherwise. Costs are US dollars of all the steps that each ran, None when
    a price is unknown; seconds are those of the same steps. Of the recorded run that is each step
    that the shadow did not replay, whether it came by it or not."""

    acts: Sequence[ChangedAct]
    answers: Sequence[ChangedAnswer]
    state: tuple[str, str]
    cost: tuple[float | None, float | None]
    seconds: tuple[float, float]

    @property
    def acts_otherwise(self) -> bool:
        return bool(self.acts) or self.state[0] != self.state[1]


def compare(run: RecordedRun, shadow: Shadow) -> Difference:
    """Compare a run with its shadow."""
    replaced = [
        row for row in run.steps if row["key"] not in shadow.replayed and row["name"] != "failed"
    ]
    return Difference(
        [*_acts(run, shadow)],
        [*_answers(run.steps, shadow.steps)],
        (run.state, shadow.state),
        (_cost(replaced), _cost(shadow.steps)),
        (_seconds(replaced), _seconds(shadow.steps)),
    )


def without_footer(value: Any) -> Any:
    """Return the content of an action without the footers in its texts."""
    if isinstance(value, str):
        return _FOOTER.sub("", value)
    if isinstance(value, dict):
        return {name: without_footer(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_footer(one) for one in value]
    return value


def _acts(run: RecordedRun, shadow: Shadow) -> Iterator[ChangedAct]:
    """Pair the actions of a kind at a target that are not in both, in order."""
    then = [_act(row["tool"], row["target"], row["arguments"]) for row in run.effects]
    now = [_act(one.tool, one.target, one.arguments) for one in shadow.actions]
    only_then, only_now = _without(then, now), _without(now, then)
    for act in only_then:
        place = [one for one in only_now if one[:2] == act[:2]]
        if place:
            only_now.remove(place[0])
        yield ChangedAct(act, place[0] if place else None)
    for act in only_now:
        yield ChangedAct(None, act)


def _act(tool: str, target: str, arguments: Json) -> Act:
    return Act(tool, target, without_footer(json.loads(canonical(arguments))))


def _without(acts: Sequence[Act], others: Sequence[Act]) -> list[Act]:
    """Return the acts that are not among the others, counted."""
    left, rest = [canonical(one) for one in others], []
    for act in acts:
        if (text := canonical(act)) in left:
            left.remove(text)
        else:
            rest.append(act)
    return rest


def _answers(before: Sequence[Row], after: Sequence[Row]) -> Iterator[ChangedAnswer]:
    """Pair what the model said in steps of a name, in order, where it is not the same."""
    outputs = {row["key"]: row["output"] for row in before}
    for row in after:
        output = json.loads(row["output"])
        if row["model"] or row["key"] in outputs:
            then = outputs.get(row["key"])
            if canonical(then) != canonical(output):
                yield ChangedAnswer(row["name"], then, output)


def _cost(rows: Sequence[Row]) -> float | None:
    paid = [row["cost"] for row in rows if row["model"]]
    return None if None in paid else sum(paid)


def _seconds(rows: Sequence[Row]) -> float:
    return sum(float(row["duration_ms"]) for row in rows) / 1000


def lines_of(change: ChangedAct) -> Iterator[str]:
    """Yield the lines that show what becomes otherwise, as a unified diff does."""
    act = change.before or change.after
    assert act is not None
    yield f"{act.tool} {act.target}"
    yield from diff_lines(
        change.before and change.before.arguments, change.after and change.after.arguments
    )


def diff_lines(before: Any, after: Any) -> Iterator[str]:
    """Yield the lines of the diff of two values, without its head."""
    lines = difflib.unified_diff(_lines(before), _lines(after), lineterm="", n=2)
    yield from (line for line in lines if not line.startswith(("---", "+++", "@@")))


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, str):
        return value.splitlines()
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, indent=1).splitlines()
    return [line for name, one in value.items() for line in _field(name, one)]


def _field(name: str, value: Any) -> list[str]:
    if isinstance(value, str) and "\n" in value:
        return [f"{name}:", *(f"  {line}" for line in value.splitlines())]
    return [f"{name}: {json.dumps(value, ensure_ascii=False)}"]
